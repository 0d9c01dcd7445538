"""The words of ``abode knowledge`` and ``abode graph``, for help and for the shell to complete."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]

app = typer.Typer(
    name="knowledge",
    help="Discoveries of agents: load a file of them, give it back, mend the graph.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="A knowledge_graph.json.")],
    name: Annotated[str | None, typer.Option("--name", help="What to call it.")] = None,
    zone: Annotated[str, typer.Option("--zone", help="Of times without an offset.")] = "UTC",
) -> None:
    """Load a file, whole or not at all; ids, times and links stay as they are."""
    from apps.ops import knowledge  # noqa: PLC0415  # keeps `abode status` quick

    told = knowledge.load(ROOT, file, name, zone)
    if told.discoveries:
        sys.stdout.write(
            f"loaded {told.discoveries} discoveries, {told.edges} edges, {told.agents} new agents\n"
        )
    else:
        sys.stdout.write("it was loaded before; nothing changed\n")


@app.command()
def dump(
    name: Annotated[str | None, typer.Argument(help="A file that was loaded.")] = None,
) -> None:
    """Write a file as it was loaded, but for what changed since; without a name, everything."""
    from apps.ops import knowledge  # noqa: PLC0415

    sys.stdout.buffer.write(knowledge.dump(ROOT, name))


@app.command()
def rebuild() -> None:
    """Make the graph's discoveries and their edges anew from the rows."""
    from apps.ops import knowledge  # noqa: PLC0415

    vertices, edges = knowledge.rebuild(ROOT)
    sys.stdout.write(f"made {vertices} vertices of discoveries, {edges} edges\n")


def graph(
    cypher: Annotated[str, typer.Argument(help="MATCH (d:Discovery) RETURN d.id LIMIT 3")],
    *,
    write: Annotated[bool, typer.Option("--write", help="Keep what it changes.")] = False,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, max=600)] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
) -> None:
    """Ask the graph in Cypher, as its owner; nothing is kept without --write."""
    from apps.ops.graph import on_hosts  # noqa: PLC0415

    columns, rows = on_hosts(ROOT, cypher, write=write, seconds=seconds)
    if as_json:
        said = [dict(zip(columns, row, strict=True)) for row in rows]
        sys.stdout.write(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(each if isinstance(each, str) else _shown(each) for each in row))
    Console(highlight=False).print(table)


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
