"""What follows from the log, made anew from it beside what lives, compared, and put in its place.

Writers go on meanwhile; they wait only while the last events are taken and the tables are swapped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from apps.migrate.evolve.standing import begun
from apps.migrate.lines import line
from apps.queries import load
from apps.soulfra.changes import FOLLOWER
from apps.soulfra.log import SQL as LOG
from apps.soulfra.replay import (
    CHUNK,
    LAST,
    LIVE,
    Connection,
    Say,
    alone,
    drop,
    finishes,
    into,
    make,
    parted,
    projected,
    replay,
    seen_in,
    take,
    take_only,
)
from apps.soulfra.replay import SQL as REPLAY
from schemas.errors import Refused
from schemas.soulfra.lives import Transformation
from schemas.soulfra.log import MENDED
from schemas.table import Table

SQL: Final = load(Path(__file__).with_suffix(".sql"))
SHADOW: Final = "soulfra_rebuild"
OLD: Final = "soulfra_old"
LOCK_MS: Final = 2_000
Content = tuple[Any, ...]
"""How many rows, and a hash of all they say."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a replay came to."""

    events: int
    differing: tuple[str, ...]
    """Tables that lived otherwise than the log says."""
    swapped: bool


def rebuild(
    conn: Connection, say: Say = lambda _: None, chunk: int = CHUNK, *, mend: bool = False
) -> Rebuilt:
    """Replay, compare and swap; ``conn`` is the owner's, in autocommit.

    What differs may be what somebody spoilt, or what no event says: it is swapped only to ``mend``.
    """
    with alone(conn, SHADOW):
        _refuse_evolving(conn)
        make(conn, SHADOW)
        _refuse_others(conn)
        after, taken = replay(conn, SHADOW, 0, say, chunk)
        say("building indexes and keys")
        for statement in finishes(SHADOW):
            conn.execute(statement)
        after, more = replay(conn, SHADOW, after, say, chunk)
        taken += more
        differing, more = _compared(conn, after, say)
        taken += more
        if differing and not mend:
            drop(conn, SHADOW)
            return Rebuilt(taken, differing, swapped=False)
        after, more = replay(conn, SHADOW, after, say, chunk)
        taken += more + _swap_all(conn, after, say, is_mend=bool(differing))
        return Rebuilt(taken, differing, swapped=True)


def _refuse_evolving(conn: Connection) -> None:
    """What an evolution fills is in no event, and its column in no declaration yet."""
    ours = {table.table for table in projected()}
    for each in begun(conn.execute).values():
        if not each.is_done and each.of.table in ours:
            raise Refused(
                f"{each.name}: {each.of.table} is being evolved: a rebuild would throw it away",
                f"abode evolve soulfra run {each.name} to its end, or undo it; then rebuild",
            )


def _refuse_others(conn: Connection) -> None:
    """A table that lives with other columns belongs to another release."""
    for table in projected():
        lives, made = (
            {name for (name,) in conn.execute(SQL["columns"], {"table": each}).fetchall()}
            for each in (table.table, into(table.table, SHADOW))
        )
        if lives != made:
            raise Refused(
                f"{table.table}: lives with other columns than are declared here:"
                f" {', '.join(sorted(lives ^ made))}",
                "abode migrate soulfra status; rebuild with the release that it was migrated for",
            )


def _compared(conn: Connection, after: int, say: Say) -> tuple[tuple[str, ...], int]:
    """Tables that differ in one snapshot, and how many events were taken to come to it.

    No command waits, and no follower: what lives is read only, and what was made is brought to
    just what that snapshot saw. Afterwards the rest is taken, whatever its place.
    """
    say("comparing")
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot, followed = conn.execute(SQL["seen"], {"follower": FOLLOWER}).fetchone() or ("", 0)
        lives = {table: _content(conn, table, table.table) for table in projected()}
    with conn.transaction():
        take_only(conn, SHADOW, seen_in(snapshot))
        taken = take(conn, SHADOW, after, LAST)
        take_only(conn, SHADOW, f"NOT {seen_in(snapshot)}")
    return tuple(_differing(conn, lives, followed)), taken


def _differing(conn: Connection, lives: dict[type[Table], Content], followed: int) -> Iterator[str]:
    for table, content in lives.items():
        shadow = into(table.table, SHADOW)
        if table is Transformation:
            # They are behind a little.
            shadow += (
                " AS t WHERE t.id NOT IN (SELECT e.position FROM log.events AS e"  # noqa: S608  # a number of ours
                f" WHERE e.transaction_id > {followed})"
            )
        if content != _content(conn, table, shadow):
            yield table.table


def _content(conn: Connection, table: type[Table], place: str) -> Content:
    """A hash that does not ask for the order of rows."""
    names = ", ".join(table.model_fields)
    row = conn.execute(
        "SELECT count(*), coalesce(sum(hashtextextended(r::text, 0)::numeric), 0)"  # noqa: S608  # names of ours
        f" FROM (SELECT {names} FROM {place}) AS r"
    ).fetchone()
    return tuple(row or ())


def _swap_all(conn: Connection, after: int, say: Say, *, is_mend: bool) -> int:
    say("swapping")
    with conn.transaction():
        # From here on nobody adds an event, and what was added is seen. Whoever reads for long is
        # not waited for: then nothing is swapped, and it can be run again.
        conn.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
        conn.execute(LOG["take_changes"])
        conn.execute(SQL["lock"])
        conn.execute(SQL["lock_months"])
        taken = take(conn, SHADOW, after, LAST)
        whole = ", ".join(table.table for table in projected())
        conn.execute(f"LOCK TABLE {whole} IN ACCESS EXCLUSIVE MODE")
        _refuse_evolving(conn)
        _refuse_others(conn)
        _swap(conn)
        conn.execute(LOG["begin_follower"], {"follower": FOLLOWER})
        (last,) = conn.execute(SQL["last"]).fetchone() or (0,)
        conn.execute(LOG["move_follower_to"], {"follower": FOLLOWER, "transaction_id": last})
        if is_mend:
            conn.execute(SQL["note_mended"], {"mended": MENDED, "follower": FOLLOWER})
    return taken


def _swap(conn: Connection) -> None:
    """The new ones take the places, the numbers and the rights of the old ones."""
    parted(conn, SHADOW)
    conn.execute(f"DROP SCHEMA IF EXISTS {OLD} CASCADE")
    conn.execute(f"CREATE SCHEMA {OLD}")
    conn.execute(f"DROP VIEW {SHADOW}.events")
    for table in projected():
        name = table.table.partition(".")[2]
        for part, _ in conn.execute(REPLAY["parts"], {"table": table.table}).fetchall():
            conn.execute(f"ALTER TABLE {LIVE}.{part} SET SCHEMA {OLD}")
            conn.execute(f"ALTER TABLE {SHADOW}.{part} SET SCHEMA {LIVE}")
        conn.execute(f"ALTER TABLE {LIVE}.{name} SET SCHEMA {OLD}")
        # The old numbers are held now: the next one is the next one.
        for (before,), (after,) in zip(
            conn.execute(SQL["sequences"], {"table": f"{OLD}.{name}"}).fetchall(),
            conn.execute(SQL["sequences"], {"table": f"{SHADOW}.{name}"}).fetchall(),
            strict=True,
        ):
            conn.execute(f"SELECT setval('{after}', s.last_value, s.is_called) FROM {before} AS s")  # noqa: S608  # names of ours
        conn.execute(f"ALTER TABLE {SHADOW}.{name} SET SCHEMA {LIVE}")
    conn.execute(f"DROP SCHEMA {OLD} CASCADE")
    conn.execute(f"DROP SCHEMA {SHADOW}")
    of = line("soulfra")
    for post_apply in of.post_applies():
        conn.execute(of.sql(post_apply))
