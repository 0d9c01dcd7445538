"""What a run has in hand, and how it takes a table for itself without making others queue."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from apps.migrate.errors import Locked
from apps.migrate.evolve.declared import Declared, Evolution
from apps.migrate.evolve.names import quoted
from apps.migrate.evolve.standing import SQL, Place
from apps.migrate.evolve.throttle import Pace
from apps.migrate.ledger import Ledger, Say
from schemas.errors import Refused

LOCK_MS: Final = 50
"""Others wait behind us no longer than this and the work itself, which is short."""
WAIT_SECONDS: Final = 300.0
"""How long to try to have a table before it is given up."""
LOOK_SECONDS: Final = 0.15
"""A transaction that is there at both looks is a long one: not even queued behind."""
PAUSE_SECONDS: Final = 2.0
CANCELLED: Final = "57014"


@dataclass(slots=True)
class Work:
    """One run of one evolution."""

    ledger: Ledger
    declared: Declared
    say: Say
    expect: Callable[[int], None] = lambda _: None
    came: Callable[[int], None] = lambda _: None
    wait: float = WAIT_SECONDS
    pace: Pace = field(default_factory=Pace)
    place: Place = field(default_factory=Place)
    is_marking: bool = True
    """Whether the switch and the drop mark migrations: not in a scratch database."""

    @property
    def of(self) -> Evolution:
        """What is declared."""
        return self.declared.of

    def ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of one of our queries."""
        return list(self.ledger.ask(SQL[query], values).fetchall())

    def reach(self, act: str) -> None:
        """It is done; within a transaction it is so with that."""
        self.ledger.tell(SQL["reach"], {"name": self.declared.name, "act": act})

    def reached(self, act: str) -> None:
        """The same for an act that cannot be in one."""
        with self.ledger.transaction():
            self.reach(act)

    def tree(self) -> list[tuple[str, bool]]:
        """The table, then its partitions; whether each holds rows."""
        found = self.ask("tree", table=quoted(self.of.table))
        if any(depth > 1 for _, _, depth in found):
            raise Refused(f"{self.of.table}: its partitions have partitions", "evolve each by hand")
        return [(name, holds) for name, holds, _ in found]

    def leaves(self) -> list[str]:
        """Those that hold rows, as SQL writes them."""
        return [name for name, holds in self.tree() if holds]

    def is_partitioned(self) -> bool:
        """Whether the table holds no rows itself."""
        return not self.tree()[0][1]


def alone(  # noqa: PLR0917  # the last three are for one caller each
    work: Work,
    do: Callable[[], None],
    mode: str = "ACCESS EXCLUSIVE",
    only: str = "",
    also: Sequence[str] = (),
    views: Sequence[str] = (),
) -> None:
    """Do something short in a transaction that has the table, ``only`` one if it is said.

    Whoever has it in use for long is waited for outside of the queue. What all the locks take
    together is bounded as well: of a partitioned table each partition is another. ``also`` are
    other tables that it needs. ``views`` are made before: whoever reads one has it first.
    """
    what = f"ONLY {only}" if only else quoted(work.of.table)
    what = ", ".join([what, *also])
    oids = [only] if only else [name for name, _ in work.tree()]
    oids += [*also, *(quoted(each.name) for each in work.of.view if views)]

    def locked() -> None:
        with work.ledger.transaction():
            # To wait for the disk while everybody waits for us would be long.
            work.ledger.tell(
                f"SET LOCAL lock_timeout = {LOCK_MS}; SET LOCAL search_path TO DEFAULT;"
                "SET LOCAL synchronous_commit = off"
            )
            for each in views:
                work.ledger.ask(each)
            work.ledger.tell(f"SET LOCAL statement_timeout = {LOCK_MS}")
            work.ledger.ask(f"LOCK TABLE {what} IN {mode} MODE")
            work.ledger.tell("SET LOCAL statement_timeout = 0")
            do()

    patiently(work, locked, oids)
    with work.ledger.transaction():
        work.ledger.tell(SQL["settle"], {"name": work.declared.name})


def patiently(work: Work, do: Callable[[], None], oids: Sequence[str]) -> None:
    """Until it is done: try when nobody has the tables for long, and again if it did not work."""
    until = time.monotonic() + work.wait
    pause = 0.05
    said = 0.0
    while True:
        who = _long(work, oids)
        if not who:
            try:
                return do()
            except work.ledger.error as error:
                if not _is_late(work.ledger, error):
                    raise
            who = _now(work, oids) or ["somebody"]
        if time.monotonic() > until:
            raise Locked(
                f"{work.declared.name}: {work.of.table} is held by {', '.join(who)}",
                f"tried {work.wait:g} s, nobody had to queue; let it finish, then run again",
            )
        if time.monotonic() - said > PAUSE_SECONDS:
            work.say(f"{work.of.table}: waiting for {', '.join(who)}")
            said = time.monotonic()
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
        pause = min(pause * 2, PAUSE_SECONDS)


def _long(work: Work, oids: Sequence[str]) -> list[str]:
    """Transactions that had it in use before, and still do."""
    first = _users(work, oids)
    if not first:
        return []
    time.sleep(LOOK_SECONDS)
    second = _users(work, oids)
    return [second[each] for each in first if each in second]


def _now(work: Work, oids: Sequence[str]) -> list[str]:
    return list(_users(work, oids).values())


def _users(work: Work, oids: Sequence[str]) -> dict[tuple[int, str], str]:
    found = work.ask("in_use", oids=list(oids))
    return {(pid, tx): f"pid {pid} {name or role!r}" for pid, tx, name, role in found}


def _is_late(ledger: Ledger, error: Exception) -> bool:
    """A lock that was not to be had in time."""
    return ledger.busy(error) or getattr(error, "sqlstate", None) == CANCELLED
