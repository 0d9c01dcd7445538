"""When the new house took over. The one place that says so."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from apps.legacy import epochs
from apps.legacy.backfill import connected
from schemas.errors import Refused
from schemas.governance.cutover import Side

HINT = "such as 2026-11-29T12:00:00+01:00: with its offset"


class Cutover(NamedTuple):
    """The instant from which on nothing of ours writes the old files."""

    at: datetime
    is_proven: bool
    """Whether every row is known to have come over. By word alone it is not."""


def proven(database: str, directory: Path) -> Cutover:
    """As the house itself has proven it; Refused when it is not the writer."""
    where = str(directory.resolve())
    with connected(database) as db:
        now = epochs.writer(db, where)
    if now.side is Side.OLD or now.since is None:
        raise Refused(
            f"{where}: the old server is the writer", "abode legacy cutover, or --cutover"
        )
    return Cutover(now.since, is_proven=True)


def cutover(said: str) -> Cutover:
    """As the operator says it; an instant without an offset is refused, nothing is guessed."""
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        raise Refused(f"--cutover: {said!r} is no instant", HINT) from None
    if at.tzinfo is None:
        raise Refused(f"--cutover: {said!r} does not say where", HINT)
    if at > datetime.now(UTC):
        raise Refused(f"--cutover: {said} is not over yet", "nothing is dead before it")
    return Cutover(at, is_proven=False)
