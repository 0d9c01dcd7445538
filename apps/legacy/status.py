"""Who is the writer now, and how it came to that."""

from pathlib import Path

from apps.legacy import epochs, fence, ledger
from apps.legacy.backfill import connected
from apps.legacy.ledger import Db
from apps.legacy.shadow.report import Status, history, now
from apps.legacy.units import LIVE
from schemas.errors import Refused
from schemas.governance.cutover import Side


def status(database: str, directory: Path) -> Status:
    """Refused for what is no directory."""
    if not directory.is_dir():
        raise Refused(f"{directory}: is no directory", "the old server's data/")
    where = str(directory.resolve())
    with connected(database) as db:
        files = [path for name in LIVE if (path := directory / name).is_file()]
        writer = epochs.writer(db, where).side
        return Status(
            directory=where,
            writer=writer,
            is_closed=bool(files) and all(map(fence.is_closed, files)),
            strays=_strays(db, where) if writer is Side.NEW else {},
            epochs=history(db, where),
            readers=now(db, where),
        )


def _strays(db: Db, where: str) -> dict[str, int]:
    """What was appended to files of lines since they were closed."""
    found: dict[str, int] = {}
    for name in epochs.modes(db, where):
        at = ledger.position(db, where, name, "lines")
        path = Path(name)
        size = path.stat().st_size if path.is_file() else 0
        if at.after and size > int(at.after[0]):
            found[name] = size - int(at.after[0])
    return found
