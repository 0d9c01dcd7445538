"""Shards from the operator's machine: how they stand, and slots moved from one to another."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from apps.hosts import in_force
from apps.ops.migrate import reached
from apps.soulfra.months import bring_back, prune
from apps.soulfra.shards.copy import Connection, Content
from apps.soulfra.shards.move import Connect, Move, Mover, Say
from apps.soulfra.shards.survey import Survey, survey
from schemas.errors import Refused, Unreachable
from schemas.soulfra.words import SLOTS


def stands(root: Path) -> Survey:
    """Every shard that home knows."""
    with _connected(root) as (home, connect):
        return survey(home, connect)


def moved(root: Path, slots: str, target: str, say: Say) -> list[Content]:
    """Have slots, as ``7`` or ``0-2047``, on a shard."""
    first, last = _range(slots)
    with _connected(root) as (home, connect):
        return Mover(home, connect, say).move(first, last, target)


def resumed(root: Path, say: Say) -> list[Content]:
    """End the moves that were begun."""
    with _connected(root) as (home, connect):
        return list(Mover(home, connect, say).resume())


def undone(root: Path) -> list[Move]:
    """Take back the moves that were begun, unless the map was changed."""
    with _connected(root) as (home, connect):
        return Mover(home, connect).undo()


def forgotten(root: Path, name: str) -> None:
    """Know nothing more of a shard that has no slots."""
    with _connected(root) as (home, connect):
        Mover(home, connect).forget(name)


def pruned(root: Path, month: str, folder: Path | None, *, back: bool) -> dict[str, int]:
    """Put a month of loops into an archive, or back; gives rows by table."""
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise Refused(f"{month!r}: is no month", "as 2026-01") from None
    folder = folder or in_force(root)[1] / "archive" / "soulfra"
    with _connected(root) as (home, _):
        return (bring_back if back else prune)(home, first, folder)


def _range(said: str) -> tuple[int, int]:
    first, dash, last = said.partition("-")
    try:
        found = int(first), int(last if dash else first)
    except ValueError:
        found = (-1, -1)
    if not 0 <= found[0] <= found[1] < SLOTS:
        raise Refused(f"{said!r}: are no slots", f"as 7, or 0-{SLOTS // 2 - 1}")
    return found


@contextmanager
def _connected(root: Path) -> Iterator[tuple[Connection, Connect]]:
    """Home, and the way to each shard of the hosts in force; as the owner."""
    hosts, state = in_force(root)
    with ExitStack() as stack:

        def connect(name: str, place: str) -> Connection:
            port = hosts.mac.soulfra_shards.get(name)
            if port is None:
                raise Refused(
                    f"shard {name}: at {place}, is not in hosts.toml", "mac.soulfra_shards"
                )
            return _opened(stack.enter_context(reached(hosts, state, "soulfra", port=port)))

        try:
            with _opened(stack.enter_context(reached(hosts, state, "soulfra"))) as home:
                yield home, connect
        except psycopg.OperationalError as error:
            said = str(error).strip().partition("\n")[0]
            raise Unreachable(f"soulfra: {said}", "abode status") from None


def _opened(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True, options="-c timezone=UTC")
