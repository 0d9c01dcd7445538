"""The words of ``abode soulfra``, for help and for the shell to complete."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from apps.ops.soulfra_live_cli import live, tail
from apps.ops.soulfra_memory_cli import memory
from apps.ops.soulfra_tree_cli import app as tree
from schemas.errors import Diverged, Refused

ROOT = Path(__file__).resolve().parents[2]

app = typer.Typer(
    name="soulfra",
    help="The second tenant: give a command, follow a life, prove the log, replay it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command()(live)
app.command()(tail)
app.command()(memory)
app.add_typer(tree)

Json = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
Until = Annotated[str | None, typer.Option("--until", help="An instant: 2026-11-29T20:00Z.")]


def _commands(incomplete: str) -> list[str]:
    from schemas.soulfra.commands import COMMANDS  # noqa: PLC0415  # keeps completion quick

    return [name for name in COMMANDS if name.startswith(incomplete)]


def _fields(context: typer.Context, incomplete: str) -> list[str]:
    from schemas.soulfra.commands import COMMANDS  # noqa: PLC0415

    kind = COMMANDS.get(context.params.get("name") or "")
    names = kind.model_fields if kind else ()
    return [f"{name}=" for name in names if f"{name}=".startswith(incomplete)]


@app.command(name="do")
def do(
    name: Annotated[str, typer.Argument(help="As whisper.", autocompletion=_commands)],
    words: Annotated[
        list[str] | None, typer.Argument(help="As text='it rains'.", autocompletion=_fields)
    ] = None,
    command_id: Annotated[
        UUID | None, typer.Option("--id", help="Given again with it, it is not done again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Give a command: its answer is durable when it is shown."""
    from apps.ops import soulfra  # noqa: PLC0415  # keeps `abode status` quick
    from apps.soulfra.words import command  # noqa: PLC0415

    done = soulfra.give(ROOT, command(name, words or ()), command_id)
    answer = done.answer
    if as_json:
        write({**answer.model_dump(mode="json"), "repeated": done.repeated})
        return
    told = "".join(f", {key} {value}" for key, value in answer.told.items())
    again = ", as before" if done.repeated else ""
    sys.stdout.write(f"{answer.entity} {answer.id} is at {answer.version}{told}{again}\n")


@app.command()
def life(
    stream: Annotated[str, typer.Argument(help="As loop:ID, agent:ID, user:ID.")],
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Show all that happened to one, in its order."""
    from apps.ops import soulfra  # noqa: PLC0415

    found = soulfra.lived(ROOT, stream, None if until is None else _instant(until))
    if not found:
        raise Refused(f"{stream!r}: nothing happened", "abode soulfra life loop:ID")
    if as_json:
        write(
            [
                {
                    "version": each.version,
                    "type": each.type,
                    "recorded_at": each.recorded_at.isoformat(),
                    "data": each.what.model_dump(mode="json"),
                    "metadata": dict(each.metadata),
                }
                for each in found
            ]
        )
        return
    table = Table("", "when, UTC", "what", "", title=stream)
    for each in found:
        said = each.what.model_dump(mode="json")
        shown = ", ".join(f"{key} {value}" for key, value in said.items() if value is not None)
        at = f"{each.recorded_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        table.add_row(str(each.version), at, each.type.replace("_", " "), shown)
    Console(highlight=False).print(table)


@app.command()
def forget(
    user_id: Annotated[UUID, typer.Argument(help="Whom.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Forget a person for ever: destroy their key, rewrite what follows; exit 4 if not finished."""
    from apps.ops import soulfra  # noqa: PLC0415

    if not yes:
        typer.confirm(f"{user_id}: what they said can never be read again. Go on?", abort=True)
    with replaying("forgetting") as say:
        found = soulfra.forget(ROOT, user_id, say)
    if as_json:
        write(found)
    else:
        table = Table("where", "how many", "what", title=f"user {user_id}")
        for each in found["places"]:
            table.add_row(each["place"], str(each["count"]), each["how"])
        Console(highlight=False).print(table)
    if found["finished_at"] is None:
        raise Diverged(
            f"user {user_id}: the key is destroyed, other places are not finished",
            "is the process up?  abode status, then run again",
        )


@app.command()
def meant(
    entity: Annotated[str, typer.Argument(help="As loop:ID, prophecy:ID, user:ID, agent:ID.")],
) -> None:
    """Show what somebody said with what its tokens stand for: for the operator's eyes."""
    from apps.ops import soulfra  # noqa: PLC0415
    from schemas.soulfra.words import Entity  # noqa: PLC0415

    kind, _, name = entity.partition(":")
    said = [str(each) for each in Entity]
    if kind not in said or not name:
        raise Refused(f"{entity!r}: is no entity", f"one of {', '.join(said)}, as loop:ID")
    write(soulfra.meant(ROOT, Entity(kind), name))


@app.command()
def verify(
    stream: Annotated[str | None, typer.Argument(help="All without one.")] = None,
    as_json: Json = False,
) -> None:
    """Prove that no event was changed or taken out; exit 4 when one was."""
    from apps.ops import soulfra  # noqa: PLC0415

    found = soulfra.verified(ROOT, stream)
    if not found and stream is not None and not soulfra.lived(ROOT, stream, None):
        raise Refused(f"{stream!r}: nothing happened", "abode soulfra verify loop:ID")
    if as_json:
        write([{"stream": s, "version": v, "fault": fault} for s, v, fault in found])
        raise typer.Exit(Diverged.exit_code if found else 0)
    if found:
        said = "\n".join(f"{s}/{v}: {fault}" for s, v, fault in found[:20])
        raise Diverged(f"{said}", f"{len(found)} events are not as they were added")
    sys.stdout.write("every event is as it was added\n")


@app.command()
def rebuild(
    mend: Annotated[
        bool, typer.Option("--mend", help="Put what the log says in the place of what differs.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Replay the log beside what lives, compare, swap; exit 4, and no swap, when they differ."""
    from apps.ops import soulfra  # noqa: PLC0415

    with replaying() as say:
        done = soulfra.rebuilt(ROOT, say, mend=mend)
    differing = ", ".join(done.differing)
    if as_json:
        write({"events": done.events, "differing": list(done.differing), "swapped": done.swapped})
    elif done.swapped:
        mended = f", mended {differing}" if differing else ""
        sys.stdout.write(f"replayed {done.events} events and swapped{mended}\n")
    if not done.swapped:
        raise Diverged(
            f"{differing}: lives otherwise than the log says; nothing was swapped",
            "rebuild --mend puts what the log says in its place: what no event says is lost then,"
            " as what an evolution filled",
        )


@app.command()
def at(
    instant: Annotated[str, typer.Argument(help="2026-11-29T20:00Z")],
    query: Annotated[str, typer.Argument(help="SELECT count(*) FROM loops WHERE blessed")],
    as_json: Json = False,
) -> None:
    """Ask how everything stood at an instant: the log is replayed up to it, and nothing is left."""
    from apps.ops import soulfra  # noqa: PLC0415

    until = _instant(instant)
    with replaying() as say:
        columns, rows = soulfra.then(ROOT, until, query, say)
    if as_json:
        write([dict(zip(columns, row, strict=True)) for row in rows])
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    Console(highlight=False).print(table)


@contextmanager
def replaying(what: str = "replaying") -> Iterator[Callable[[str], None]]:
    """Show how far it is."""
    console = Console(stderr=True, highlight=False)
    with console.status(what) as shown:
        yield shown.update


def _instant(said: str) -> datetime:
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise Refused(f"{said!r}: is no instant", "as 2026-11-29T20:00Z") from None
    if found.tzinfo is None:
        raise Refused(f"{said!r}: has no offset", f"as {said}Z")
    return found.astimezone(UTC)


def write(what: Any) -> None:
    """As JSON for programs."""
    sys.stdout.write(json.dumps(what, indent=1, ensure_ascii=False, default=str) + "\n")
