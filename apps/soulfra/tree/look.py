"""One look at Postgres, in one snapshot of it: what every document of a run says."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from apps.queries import load
from apps.soulfra import changes, drift
from apps.soulfra.log import Place
from apps.soulfra.upcast import led
from schemas.errors import Diverged
from schemas.soulfra import documents as d
from schemas.soulfra.drift import FOLLOWER, MOST_CRITICAL

FOLLOWERS: Final = [FOLLOWER, changes.FOLLOWER]
Connection = psycopg.Connection[Any]
SQL: Final = load(Path(__file__).with_name("queries.sql"))
LISTS: Final[Mapping[type[d.Made], tuple[str, str]]] = MappingProxyType(
    {
        d.LoopStates: ("loop_state", "loops"),
        d.ExecutionQueue: ("execution_queue", "pending"),
        d.ActiveVotings: ("voting_active", "votings"),
        d.GuildConsensus: ("guild_consensus", "decisions"),
        d.ProphecyLedger: ("prophecies", "prophecies"),
        d.BlessingLedger: ("blessings", "blessings"),
        d.TransformationLedger: ("transformations", "transformations"),
    }
)
"""Documents that are a list: the query, and the field that its rows are."""
WHOLE: Final[tuple[type[d.Made], ...]] = (*LISTS, d.BlessedLoops, d.DriftMetrics, d.ClusterMetrics)
"""Every document of which there is one."""


@dataclass(frozen=True, slots=True)
class Look:
    """Questions within one transaction."""

    conn: Connection
    at: datetime
    settled: Place
    newest: Place
    """Later than ``settled`` while somebody still writes."""
    drift: int
    followers: int
    """Grows when one of those moves whose rows are told."""

    @property
    def made(self) -> dict[str, Any]:
        """What every document says of itself."""
        place = self.settled
        return {
            "made_at": self.at,
            "transaction_id": place.transaction_id,
            "position": place.position,
        }

    def whole(self, kind: type[d.Made]) -> d.Made:
        """A document of which there is one."""
        if kind is d.DriftMetrics:
            return self._drift()
        if kind is d.BlessedLoops:
            rows = self.rows("blessed_loops", limit=d.MOST)
            (count,) = _first(self.conn.execute(SQL["blessings_told"], {"limit": d.MOST + 1}))
            return d.BlessedLoops.model_validate(
                {**self.made, "loops": rows, "more": count > d.MOST}
            )
        if kind is d.ClusterMetrics:
            return kind.model_validate({**self.made, **self.rows("cluster_metrics")[0]})
        query, name = LISTS[kind]
        rows = self.rows(query, limit=d.MOST + 1, bytes=d.STATE_BYTES)
        return kind.model_validate({**self.made, name: rows[: d.MOST], "more": len(rows) > d.MOST})

    def agents(self, ids: list[str]) -> Iterator[d.AgentState]:
        """Documents of those that there are."""
        for row in self.rows("agents", ids=ids, limit=d.MOST + 1):
            guilds = row.pop("guilds")
            more = len(guilds) > d.MOST
            yield d.AgentState.model_validate(
                {**self.made, **row, "guilds": guilds[: d.MOST], "more": more}
            )

    def clusters(
        self, ids: list[str]
    ) -> Iterator[tuple[d.ActiveCluster, d.ClusterMythology | None]]:
        """Documents of those that are active."""
        for row in self.rows("clusters", ids=ids):
            story, loops = row.pop("mythology"), row.pop("loops")
            yield (
                d.ActiveCluster.model_validate({**self.made, **row, "loops": loops}),
                None
                if story is None
                else d.ClusterMythology.model_validate({**self.made, **row, "mythology": story}),
            )

    def after(self, query: str, after: str, limit: int) -> list[str]:
        """The next ids in their order."""
        found = self.conn.execute(SQL[query], {"after": after, "limit": limit}).fetchall()
        return [row[0] for row in found]

    def changed(self, since: Place) -> dict[str, list[str]]:
        """Agents and clusters that something happened to."""
        found: dict[str, list[str]] = {"agent": [], "cluster": []}
        asked = {"transaction_id": since.transaction_id, "position": since.position}
        for kind, name in self.conn.execute(led(SQL["changed"]), asked).fetchall():
            found[kind].append(name)
        return found

    def rows(self, query: str, **asked: Any) -> list[dict[str, Any]]:
        """All of them, by the names of their columns."""
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(SQL[query], asked).fetchall()

    def _drift(self) -> d.DriftMetrics:
        asked = {"level": drift.critical_level(self.at), "limit": MOST_CRITICAL + 1}
        rows = self.conn.execute(drift.SQL["critical"], asked).fetchall()
        found = [drift.rated(row, self.at) for row in rows]
        told = drift.of_all(_first(self.conn.execute(drift.SQL["volatility"])), found, self.at)
        said = told.model_dump(exclude={"at"})
        return d.DriftMetrics.model_validate({**self.made, **said, "follower": self.drift})


@contextmanager
def looked(conn: Connection) -> Iterator[Look]:
    """One snapshot, read only: all that is asked within is of one moment."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        settled = conn.execute(SQL["settled"]).fetchone() or (0, 0)
        newest = conn.execute(SQL["newest"]).fetchone() or (0, 0)
        asked = {"follower": FOLLOWER, "followers": FOLLOWERS}
        counted = conn.execute(SQL["counted"], asked).fetchone() or (0, 0)
        yield Look(conn, datetime.now(UTC), Place(*settled), Place(*newest), *counted)


def pages(look: Look, query: str, size: int) -> Iterator[list[str]]:
    """All ids, so many at a time."""
    after = ""
    while found := look.after(query, after, size):
        yield found
        after = found[-1]


def cut(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    """The same of a list."""
    found = sorted(ids)
    yield from (found[n : n + size] for n in range(0, len(found), size))


def _first(cursor: psycopg.Cursor[Any]) -> tuple[Any, ...]:
    row = cursor.fetchone()
    if row is None:
        raise Diverged("soulfra: a query of documents answers nothing")
    return tuple(row)
