"""``abode legacy retire``: the kill list of the old directory, and back."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import Diverged, Refused

ROOT = Path(__file__).resolve().parents[2]


def retire(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The old server's data/.")],
    *,
    cutover: Annotated[
        str | None,
        typer.Option(
            "--cutover", help="When the new house took over; else as the house proved it."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Move nothing; say what would.")
    ] = False,
    undo: Annotated[
        Path | None, typer.Option("--undo", metavar="MANIFEST", help="Put back what it lists.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One closed JSON object.")] = False,
) -> None:
    """Move what is dead to a dated archive, with a manifest; exit 4 when something is refused."""
    from apps.hosts import in_force  # noqa: PLC0415  # keeps completion quick
    from apps.legacy.cutover import cutover as told  # noqa: PLC0415
    from apps.legacy.cutover import proven  # noqa: PLC0415
    from apps.legacy.restore import undo as put_back  # noqa: PLC0415
    from apps.legacy.retire import retire as move  # noqa: PLC0415
    from apps.ops.migrate import reached  # noqa: PLC0415

    if undo is not None and cutover is not None:
        raise Refused("retire: --cutover or --undo, and not both", "abode legacy retire -h")
    if undo is not None:
        done = put_back(directory, undo, dry_run=dry_run)
    else:
        if cutover is not None:
            at = told(cutover)
        else:
            with reached(*in_force(ROOT)) as database:
                at = proven(database, directory)
        done = move(directory, at, dry_run=dry_run)
    if as_json:
        sys.stdout.write(done.model_dump_json(indent=1) + "\n")
        raise typer.Exit(Diverged.exit_code if done.refused else 0)
    verb = ("would be put back" if dry_run else "put back") if undo else (
        "would be retired" if dry_run else "retired")  # fmt: skip
    for item in done.items:
        size = sum(file.size_bytes for file in item.files)
        sys.stdout.write(
            f"{verb}: {item.path} ({len(item.files)} files, {size} bytes): {item.why}\n"
        )
    for left in done.refused:
        sys.stdout.write(f"refused: {left.path}: {left.why}\n")
    if not done.items and not done.refused:
        sys.stdout.write(
            f"{done.directory}: nothing is dead\n" if not undo else "nothing to put back\n"
        )
    if done.manifest:
        sys.stdout.write(f"manifest: {done.manifest}\n")
    raise typer.Exit(Diverged.exit_code if done.refused else 0)
