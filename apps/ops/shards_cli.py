"""The words of ``abode soulfra shards``, ``move`` and ``prune``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from apps.ops.soulfra_cli import ROOT, Json, replaying, write
from schemas.errors import Diverged, Refused


def register(soulfra: typer.Typer) -> None:
    """Beside the other words of ``abode soulfra``."""
    soulfra.command()(shards)
    soulfra.command()(move)
    soulfra.command()(prune)


def shards(
    forget: Annotated[
        str | None, typer.Option("--forget", help="A shard without slots that is no more.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what each shard has, and what is under way; exit 4 when nobody takes a slot."""
    from apps.ops import shards as ours  # noqa: PLC0415  # keeps `abode status` quick

    if forget is not None:
        ours.forgotten(ROOT, forget)
    found = ours.stands(ROOT)
    if as_json:
        write(asdict(found))
    else:
        table = Table("shard", "slots", "agents", "events", "where")
        for each in found.shards:
            counts = map(str, (each.slots, each.agents, each.events))
            table.add_row(each.name, *counts, each.place)
        console = Console(highlight=False)
        console.print(table if found.shards else "no shards: home has all agents")
        for move in found.moves:
            console.print("slots {first}-{last}: {source} to {target}, {step}".format(**move))
        if found.waiting:
            console.print(f"{found.waiting} agents are registered and yet to be carried")
    if found.nobodys or found.twice:
        said = ", ".join(map(str, (found.twice or found.nobodys)[:5]))
        what = "two take them" if found.twice else "nobody takes them"
        raise Diverged(f"slots {said}: {what}", "abode soulfra move --resume, or --undo")


def move(
    slots: Annotated[str | None, typer.Argument(help="As 7, or 0-2047.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="The shard that shall have them.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="End what was begun.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what was begun.")] = False,
    as_json: Json = False,
) -> None:
    """Move slots to a shard while everybody goes on; killed, it is given again."""
    from apps.ops import shards as ours  # noqa: PLC0415

    if (slots is None) is not (to is None) or [slots is not None, resume, undo].count(True) != 1:
        raise Refused(
            "move: what is to be done?", "abode soulfra move 0-2047 --to NAME, --resume or --undo"
        )
    if undo:
        taken = ours.undone(ROOT)
        said = [asdict(each) for each in taken]
        text = f"took back {len(taken)} moves"
    else:
        with replaying("moving") as say:
            if slots is not None and to is not None:
                done = ours.moved(ROOT, slots, to, say)
            else:
                done = ours.resumed(ROOT, say)
        said = [asdict(each) for each in done]
        agents, events = sum(d.agents for d in done), sum(d.events for d in done)
        text = f"moved {agents} agents with {events} events, checksums equal"
    if as_json:
        write(said)
    else:
        Console(highlight=False).print(text)


def prune(
    month: Annotated[str, typer.Argument(help="As 2026-01.")],
    back: Annotated[bool, typer.Option("--back", help="Out of the archive again.")] = False,
    into: Annotated[Path | None, typer.Option("--into", help="The archive's folder.")] = None,
    as_json: Json = False,
) -> None:
    """Put a month of loops, and what refers to them, into an archive; the log keeps all of it."""
    from apps.ops import shards as ours  # noqa: PLC0415

    rows = ours.pruned(ROOT, month, into, back=back)
    if as_json:
        write(rows)
    else:
        said = ", ".join(f"{count} {table.replace('_', ' ')}" for table, count in rows.items())
        Console(highlight=False).print(f"{'brought back' if back else 'archived'} {said}")
