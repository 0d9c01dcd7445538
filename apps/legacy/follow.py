"""Follow the old server while it writes: pass by pass, the house becomes as its files are.

A pass takes what changed since the last one and applies it; how far that is moves in the
transaction of its rows, so that it may be killed anywhere.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from apps.legacy import compare, documents, epochs, graph, heard, ledger, tails, triggers
from apps.legacy.backfill import connected, events, everything
from apps.legacy.bring import SQL as STAGED
from apps.legacy.followed import Pass
from apps.legacy.inspect import inspect
from apps.legacy.ledger import Db
from apps.legacy.renew import SQL, Keep, Renewal, keep_nothing
from apps.legacy.run import Run
from apps.legacy.source import opened, patient
from apps.legacy.units import EVENTS, FAMILIES, LIVE, Followed, known
from apps.legacy.watch import Watch
from apps.legacy.zone import Clock
from schemas.errors import Refused, Unreachable

SWEEP_SECONDS: Final = 60.0
"""So often everything is looked at as by the backfill: what was rejected, documents, new files."""
PART: Final = "changes"
"""How the position in the old database's own record of changes is called."""
Tell = Callable[[Pass], None]


class Follower:
    """One directory."""

    def __init__(
        self, db: Db, database: str, directory: Path, zone: str, *, by_triggers: bool
    ) -> None:
        self._db, self._database, self._zone = db, database, zone
        self._by_triggers = by_triggers
        self._directory = directory
        self._watches: dict[Path, Watch] = {}
        self._stamps: object = None
        self._swept = 0.0
        self._whole: float | None = None
        ledger.begin(db, str(directory.resolve()), zone)
        db.execute(STAGED["functions"])
        compare.begin(db)
        self._look()

    def close(self) -> None:
        """Leave the files."""
        for watch in self._watches.values():
            watch.close()

    def once(self, *, all_of_it: bool) -> Pass:
        """One pass; all of it: what failed or was refused is tried again whenever it did."""
        begun = time.monotonic()
        asked = self._db.execute(epochs.SQL["now"]).fetchone()
        due = all_of_it or begun - self._swept > SWEEP_SECONDS
        if due or tails.names(self._directory) != self._names:
            self._look()
            due = True
        self._db.execute(ledger.SQL["begin_again"], self._given)
        notices = list(tails.notices(self._db, self.lines))
        before = self._read()
        moved = {path: self._watches[path].moved() for path in self.live}
        try:
            if due:
                documents.forget(self._db, self.seen)
            if not before:
                everything(self._again())
            applied = sum(self._apply(path, tables, moved[path], all_of_it=all_of_it)
                          for path, tables in self.live.items())  # fmt: skip
            if due:
                everything(self._again())
                documents.renew(self._db, self.seen, self.live, Clock(self._zone))
            stamps = tails.stamps(self.lines)
            if not due and (any(moved.values()) or stamps != self._stamps):
                events(self._again())
            self._stamps = stamps
            self._repeat(anew=due or applied > 0)
        except BaseException:
            for watch in self._watches.values():
                watch.again()
            raise
        ledger.end(self._db, self.seen.directory)
        if due:
            self._swept = begun
        came = max(0, self._read() - before)
        done = self._told(begun, applied, came, notices)
        if asked and not done.failed:
            given = {"directory": self.seen.directory, "at": asked[0]}
            self._db.execute(epochs.SQL["seen"], given)
        return done

    def _repeat(self, *, anew: bool) -> None:
        """What follows from the rows that came."""
        if anew:
            heard.again(self._run())
        graph.repeat(self._database, self.seen.directory)

    def _look(self) -> None:
        self._names = tails.names(self._directory)
        self.seen = inspect(self._directory, quick=True)
        self._given = {"directory": self.seen.directory, "zone": self._zone}
        self._files = [str(Path(self.seen.directory) / thing.path) for thing in self.seen.things]
        self.lines = tails.paths(self.seen)
        self.live = live_of(Run(self._db, self.seen, "", _nobody, []))
        for path in self.live:
            self._watches.setdefault(path, Watch(path))

    def _read(self) -> int:
        """Events, calls and lines that were read, in all passes."""
        given = {"files": self._files}
        row = self._db.execute(tails.SQL["read"], given).fetchone()
        return int(row[0]) if row else 0

    def _again(self) -> Run:
        """What was at its end is looked at once more."""
        ledger.end(self._db, self.seen.directory)
        self._db.execute(ledger.SQL["begin_again"], self._given)
        return self._run()

    def _run(self) -> Run:
        return Run(self._db, self.seen, self._zone, _nobody, [], waits=True)

    def _apply(
        self, path: Path, tables: dict[str, Followed], moved: bool, *, all_of_it: bool
    ) -> int:
        clock = Clock(self._zone)
        renewal = Renewal(self._db, self.seen.directory, path, clock, tables)
        given = {"file": str(path), "all": all_of_it}
        failing = self._db.execute(SQL["failing"], given).fetchall()
        done = 0
        if self._by_triggers:
            done = self._told_by_triggers(renewal)
        elif moved:
            done = self._found_by_comparison(renewal)
        units: dict[str, set[str]] = {}
        for part, unit in failing:
            units.setdefault(part, set()).add(unit)
        for name in EVENTS:
            if name in units:
                done += renewal.events(name, sorted(units[name]), ())
        return done + self._families(renewal, units, keep_nothing)

    def _told_by_triggers(self, renewal: Renewal) -> int:
        path, tables = renewal.path, [*renewal.tables.values()]
        made = triggers.install(path, tables)
        at = ledger.position(self._db, self.seen.directory, str(path), PART)
        newest = triggers.last(path)
        done = 0
        if made or at.after is None or newest < at.after[0]:
            done = self._found_by_comparison(renewal)
            # From its beginning: what events were is told there only, and nothing comes twice.
            at.after = [0]
            at.move(self._db)
        more = 1
        while more:
            changes = triggers.read(path, tables, int(at.after[0]))
            more = changes.more
            if changes.last == at.after[0]:
                break
            with self._db.transaction():
                keep = partial(compare.forget, self._db, path)
                done += self._families(renewal, changes.units, keep)
                for name in EVENTS:
                    if name in changes.olds:
                        done += renewal.events(name, sorted(changes.units[name]),
                                               changes.olds[name])  # fmt: skip
                at.after = [changes.last]
                at.move(self._db)
        return done

    def _found_by_comparison(self, renewal: Renewal) -> int:
        path = renewal.path
        compare.begin(self._db)
        for family in FAMILIES:
            for name in family:
                if name in renewal.tables:
                    compare.see(self._db, renewal.tables[name])
        units = {family[0]: set(compare.changed(self._db, path, family)) for family in FAMILIES}
        return self._families(renewal, units, partial(compare.applied, self._db, path))

    def _families(self, renewal: Renewal, units: dict[str, set[str]], keep: Keep) -> int:
        done = 0
        for family in FAMILIES:
            some = sorted({unit for name in family for unit in units.get(name, ())})
            done += renewal.family(family, some, keep)
        return done + renewal.bury(sorted(units.get("agent_metadata", ())), keep)

    def _told(self, begun: float, applied: int, came: int, notices: list[str]) -> Pass:
        rows, written = tails.behind(self._db, self.lines), False
        for path, tables in self.live.items():
            written |= not self._by_triggers and self._watches[path].peek()
            rows += self._behind(path, tables)
        now = time.monotonic()
        if not rows and not written:
            self._whole = None
        elif self._whole is None or applied or came:
            self._whole = begun
        failed = self._db.execute(SQL["failures"], {"files": self._files}).fetchone()
        return Pass(
            directory=self.seen.directory,
            way="triggers" if self._by_triggers else "comparison",
            applied=applied, came=came, behind_rows=rows,
            behind_seconds=0.0 if self._whole is None else now - self._whole,
            failed=int(failed[0]) if failed else 0,
            rejected=ledger.rejected(self._db, self._files),
            notices=notices, seconds=now - begun,
        )  # fmt: skip

    def _behind(self, path: Path, tables: dict[str, Followed]) -> int:
        rows = 0
        with opened(path) as file:
            for name in EVENTS:
                if name in tables:
                    at = ledger.position(self._db, self.seen.directory, str(path), name)
                    after = at.after[0] if at.after else -1
                    query = f'SELECT count(*) FROM "{name}" WHERE id > ?'  # noqa: S608  # ours
                    rows += int(file.execute(query, (after,)).fetchone()[0])
            if self._by_triggers:
                at = ledger.position(self._db, self.seen.directory, str(path), PART)
                query = f"SELECT count(*) FROM {triggers.TABLE} WHERE seq > ?"  # noqa: S608  # ours
                rows += int(file.execute(query, tuple(at.after or [0])).fetchone()[0])
        return rows


def _nobody(_: int) -> None:
    """Who is told of each row."""


def follow(
    database: str, directory: Path, zone: str, tell: Tell, *,
    by_triggers: bool = False, once: bool = False, every: float = 1.0,
) -> None:  # fmt: skip
    """Pass after pass until it is stopped; what cannot be read or reached now, may be later.

    A cutover that is begun ends it: Over is raised, so that who watches it knows.
    """
    Clock(zone)
    begun = False
    while True:
        try:
            with ExitStack() as stack:
                db = stack.enter_context(connected(database))
                epochs.old_is_writer(db, str(directory.resolve()))
                follower = Follower(db, database, directory, zone, by_triggers=by_triggers)
                stack.callback(follower.close)
                while True:
                    tell(patient(partial(follower.once, all_of_it=once)))
                    begun = True
                    if once:
                        return
                    epochs.old_is_writer(db, follower.seen.directory)
                    time.sleep(every)
        except epochs.Over:
            raise
        except (Refused, Unreachable):
            if once or not begun:
                raise
            time.sleep(every)


def leave(directory: Path) -> list[Path]:
    """Take the triggers away; gives the databases that had any."""
    return [path for name in LIVE if (path := directory / name).is_file() and triggers.remove(path)]


def live_of(run: Run) -> dict[Path, dict[str, Followed]]:
    """Each family in the one database where the old server writes it: the first that has rows."""
    live: dict[Path, dict[str, Followed]] = {}
    for family in (*FAMILIES, *((name,) for name in EVENTS)):
        there = {thing.path: part.rows for thing, part in run.having(family[0])}
        places = [place for place in LIVE if place in there]
        if not places:
            continue
        place = next((each for each in places if there[each]), places[0])
        path = Path(run.seen.directory) / place
        for name in family:
            if any(thing.path == place for thing, _ in run.having(name)):
                with opened(path) as file:
                    live.setdefault(path, {})[name] = known(path, name, file)
    return live
