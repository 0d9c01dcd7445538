"""The words of ``abode soulfra`` about what follows from the log beside its tables."""

import json
import sys
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from schemas.errors import Diverged
from schemas.soulfra.drift import Rated

ROOT = Path(__file__).resolve().parents[2]

app = typer.Typer(pretty_exceptions_enable=False)

Json = Annotated[bool, typer.Option("--json", help="JSON for programs.")]


@app.command()
def drift(
    stream: Annotated[str | None, typer.Argument(help="As agent:ID, loop:ID; all without.")] = None,
    as_json: Json = False,
    anew: Annotated[bool, typer.Option("--anew", help="First count all from nothing.")] = False,
) -> None:
    """Show how volatile all is and who drifts too fast, or how fast one drifts."""
    from apps.ops import soulfra_tree  # noqa: PLC0415  # keeps `abode status` quick

    if anew:
        sys.stderr.write(f"counted {soulfra_tree.counted_anew(ROOT)} events\n")
    if stream is not None:
        one = soulfra_tree.drifting_of(ROOT, stream)
        if as_json:
            sys.stdout.write(one.model_dump_json(indent=1) + "\n")
        else:
            _show(f"{one.entity}:{one.id}", (one,))
        return
    told = soulfra_tree.drifting(ROOT)
    if as_json:
        sys.stdout.write(told.model_dump_json(indent=1) + "\n")
        return
    more = " and more" if told.more else ""
    _show(
        f"volatility {told.index:.3f} a day, of {told.agents} agents and {told.loops} loops;"
        f" critical from {told.threshold:g}: {len(told.critical)}{more}",
        told.critical,
    )


@app.command()
def snapshot(
    check: Annotated[bool, typer.Option("--check", help="Only look; exit 4 on a fault.")] = False,
    as_json: Json = False,
) -> None:
    """Make every JSON document that is not as Postgres is; --check says which are not."""
    from apps.ops import soulfra_tree  # noqa: PLC0415

    said = soulfra_tree.documents(ROOT, "check" if check else "snapshot")
    if as_json:
        sys.stdout.write(json.dumps(said, indent=1) + "\n")
    elif check:
        sys.stdout.writelines(f"{place}: behind\n" for place in said["behind"])
    else:
        made = said["made"]
        sys.stdout.write(
            f"documents are of {made['transaction_id']}/{made['position']}: {made['written']}"
            f" written so far, {made['made_anew']} of them made anew, {made['removed']} removed\n"
        )
    _faults(said, "documents are not as they were written", "abode soulfra snapshot", as_json)


@app.command()
def archive(
    verify: Annotated[bool, typer.Option("--verify", help="Only read; exit 4 on a fault.")] = False,
    as_json: Json = False,
) -> None:
    """Archive the months that are over; --verify reads all archives."""
    from apps.ops import soulfra_tree  # noqa: PLC0415

    said = soulfra_tree.documents(ROOT, "verify" if verify else "archive")
    if as_json:
        sys.stdout.write(json.dumps(said, indent=1) + "\n")
    elif not verify:
        found = said["archived"]
        sys.stdout.writelines(f"{e['kind']}/{e['month']}: {e['rows']} lines\n" for e in found)
        sys.stdout.write(f"{len(found)} months archived\n")
    elif not said["faults"]:
        sys.stdout.write("every archive is as it was written\n")
    hint = "move it away, keep it; abode soulfra archive writes the month again"
    _faults(said, "archives are not as they were written", hint, as_json)


def _faults(said: dict[str, Any], what: str, hint: str, as_json: bool) -> None:
    found = said.get("faults", [])
    if found and as_json:
        raise typer.Exit(Diverged.exit_code)
    if found:
        lines = [
            f"{each['place']}: {' '.join(filter(None, (each.get('fault'), each['why'])))}"
            for each in found[:20]
        ]
        lines.append(f"{len(found)} {what}")
        raise Diverged("\n".join(lines), hint)


def _show(title: str, rows: tuple[Rated, ...]) -> None:
    table = Table("", "a day", "critical", "shifts", "last, UTC", title=title)
    for each in rows:
        at = each.shifted_at
        table.add_row(
            f"{each.entity}:{each.id}",
            f"{each.rating:.3f}",
            "yes" if each.critical else "no",
            str(each.shifts),
            f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else "never",
        )
    Console(highlight=False).print(table)
