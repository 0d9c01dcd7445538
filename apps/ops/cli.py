"""The operator's command: ``abode``, and a word for what is to be done."""

import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from apps.hosts import in_force
from apps.ops import deploy as deploys
from apps.ops.anima_cli import app as anima
from apps.ops.audit_cli import app as audit
from apps.ops.eisv_cli import app as eisv
from apps.ops.evolve_cli import app as evolve
from apps.ops.knowledge_cli import app as knowledge
from apps.ops.knowledge_cli import graph
from apps.ops.legacy_cli import app as legacy
from apps.ops.migrate_cli import app as migrate
from apps.ops.over_cli import register as register_way_over
from apps.ops.retire_cli import retire
from apps.ops.shards_cli import register as register_shards
from apps.ops.soulfra_cli import app as soulfra
from schemas.bridge import CHECK_IN_EVERY_SECONDS
from schemas.errors import HouseError, Refused

ROOT = Path(__file__).resolve().parents[2]
"""The checkout that this command was installed from."""

app = typer.Typer(
    name="abode",
    help="Lumen's house, and Soulfra's: put it up, deploy it, see how it is.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(migrate)
app.add_typer(evolve)
app.add_typer(audit)
app.add_typer(knowledge)
app.add_typer(eisv)
app.add_typer(anima)
legacy.command()(retire)
register_way_over(legacy)
app.add_typer(legacy)
app.command()(graph)
register_shards(soulfra)
app.add_typer(soulfra)


@app.command()
def up() -> None:
    """Have the lab standing and its data flowing."""
    from apps.lab.up import up as run  # noqa: PLC0415  # keeps `abode status` quick

    run(ROOT)


@app.command()
def down() -> None:
    """Stop the lab; its data stays."""
    from apps.lab.down import down as run  # noqa: PLC0415

    _list("stopped", run(ROOT))


@app.command()
def destroy() -> None:
    """Remove everything that `abode up` created."""
    from apps.lab.down import destroy as run  # noqa: PLC0415

    gone, left = run(ROOT)
    _list("removed", gone)
    sys.stdout.writelines(f"left {each}\n" for each in left)


@app.command()
def deploy(
    dry: Annotated[bool, typer.Option("--dry", help="Change nothing; say what would.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show each change in full.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Counts for programs.")] = False,
) -> None:
    """Make the hosts in force as they are declared."""
    arguments = deploys.command(dry=dry, diff=diff, as_json=as_json)
    raise typer.Exit(deploys.run(ROOT, arguments, "abode deploy"))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One closed JSON object.")] = False,
) -> None:
    """Show hosts, services and ages of the last rows; exit 3 when something does not answer."""
    from apps.ops import ask, show  # noqa: PLC0415

    seen = ask.ask(*in_force(ROOT))
    if as_json:
        sys.stdout.write(seen.model_dump_json(indent=1) + "\n")
    else:
        Console(highlight=False).print(show.tables(seen))
    raise typer.Exit(0 if seen.is_whole else 3)


@app.command()
def where(
    what: Annotated[list[str] | None, typer.Argument(help="A name, or a question.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One closed JSON object.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=50, help="Places at most.")] = 3,
    undeclared: Annotated[
        bool, typer.Option("--undeclared", help="What lives and nothing declares; exit 4.")
    ] = False,
) -> None:
    """Show where a piece of data lives, who writes it, how fresh it is and what reads it."""
    from apps.ops import where_cli  # noqa: PLC0415

    if undeclared:
        raise typer.Exit(where_cli.undeclared(ROOT, as_json=as_json))
    where_cli.where(ROOT, " ".join(what or ()), limit, as_json=as_json)


@app.command()
def verify(
    wait: Annotated[
        float, typer.Option("--wait", min=0, max=3600, help="Seconds for the Pi's next check-in.")
    ] = 1.25 * CHECK_IN_EVERY_SECONDS,
    mark: Annotated[
        str | None, typer.Option("--mark", help="BOOT/SEQ of one that was made before.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One closed JSON object.")] = False,
) -> None:
    """Follow a check-in from the Pi's loop to every store; exit 4 when a line is not ok."""
    from apps.ops.verify.command import run  # noqa: PLC0415

    raise typer.Exit(run(ROOT, wait, mark, as_json=as_json))


@app.command()
def drawings(
    last: Annotated[int, typer.Option("--last", min=1, max=500, help="Pieces to show.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="One closed JSON object.")] = False,
) -> None:
    """Fetch what was drawn, make a sheet and a page of it; exit 3 when a Pi does not answer."""
    from apps.ops.drawings.command import drawings as run  # noqa: PLC0415

    raise typer.Exit(run(ROOT, last, as_json=as_json))


@app.command()
def env() -> None:
    """Show what reaches the database from here: eval "$(abode env)"."""
    from apps.ops.environment import lines  # noqa: PLC0415

    sys.stdout.write("\n".join(lines(*in_force(ROOT))) + "\n")


@app.command()
def version() -> None:
    """Show which abode this is."""
    try:
        known = metadata.version("abode")
    except metadata.PackageNotFoundError:
        raise Refused(f"{ROOT}: abode is not installed here", "make .venv/.locks") from None
    sys.stdout.write(f"abode {known} at {ROOT}\n")


def _list(verb: str, what: list[str]) -> None:
    sys.stdout.write("".join(f"{verb} {each}\n" for each in what) or f"nothing to be {verb}\n")


def main() -> int:
    """Run; an error of the house is two lines on stderr and its exit code."""
    try:
        app()
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0
