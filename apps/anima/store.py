"""anima.db: what the creature remembers, and the check-ins it still owes."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from apps.anima import outbox
from apps.anima.card import Card
from apps.anima.failures import Failures
from apps.anima.finished import Finished
from apps.anima.instants import Zones, as_instant
from apps.anima.opening import check
from apps.anima.outbox import REJECTED_LIMIT, Fate, Loss, Waiting
from apps.anima.promise import Promise
from apps.anima.writer import Role, Writer
from apps.queries import load
from apps.sqlite import as_row, as_text
from schemas.anima.tables import AnimaState, DrawingState, Event, EventType, JsonObject
from schemas.bridge import Action, CheckIn, IdentityReport
from schemas.errors import Diverged

QUERIES = load(Path(__file__).with_name("queries.sql"))
FINISHED = load(Path(__file__).with_name("finished.sql"))
GROWTH = load(Path(__file__).with_name("growth.sql"))
ANSWER_SECONDS = 15.0
"""The main loop may wait this long and a snapshot more, and still feed a watchdog of 30 s."""
SNAPSHOT_SECONDS = 5.0
FOR_EVER = 2**63 - 1
MIGRATE = "apply the anima migrations: deploy again"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a check-in tells of the store, read in the transaction that enqueues it."""

    drawing: DrawingState | None
    identity: IdentityReport | None
    waiting: int
    rejected: int
    schema_version: int | None = None
    waiting_bytes: int = 0
    oldest_at: datetime | None = None
    """When the oldest that waits was recorded; not the one that is being put together."""
    losses: Sequence[Loss] = ()
    """What the outbox had no room for, and governance was not told of."""


class Store:
    """Typed reads and writes; each waits for the commit unless it says otherwise."""

    def __init__(
        self,
        path: Path,
        creature_id: str,
        pulse: Callable[[], None] = lambda: None,
        full: Callable[[], bool] = lambda: False,
        *,
        linger: float = 0.0,
        card: Card | None = None,
        outbox_limit_bytes: int = outbox.LIMIT_BYTES,
    ) -> None:
        self._creature_id = creature_id
        self._outbox_limit_bytes = outbox_limit_bytes
        self._zones: Zones = {}
        self.untold = Failures("not told")
        self._writer = Writer(path, self._open, pulse, full, linger)
        self._path = path
        self.close, self.submit = self._writer.close, self._writer.submit
        self.dropped, self.failed = self._writer.dropped, self._writer.failed
        self.not_copied = self._writer.not_copied
        self.card = card or Card()
        self.thinned = Failures("not written: the day has cost the card enough")
        self.handed_out = 0  # the newest check-in that may have been sent: the writer's to set

    def start(self) -> None:
        """Open the file, which the migrations made; Diverged if it is not as declared."""
        if self._path.is_absolute() and not self._path.exists():
            raise Diverged(f"{self._path}: is missing", hint=MIGRATE)
        self._writer.start()

    @property
    def is_alive(self) -> bool:
        """Whether the writer runs."""
        return self._writer.is_alive

    @property
    def damage(self) -> str | None:
        """What SQLite said of the file itself while it was written to or read."""
        return self._writer.damage

    def record_drawing_state(self, state: DrawingState) -> Promise:
        """Append to drawing_history; does not wait."""
        return self._add("drawing_history", "add_drawing_state", as_row(state))

    def record_state(self, state: AnimaState) -> Promise:
        """Append to state_history, unless the day has cost enough; does not wait."""
        if self.card.thins():
            self.thinned.note("state_history", f"more than {self.card.budget} bytes")
            spared = Promise()
            spared.keep(None)
            return spared
        return self._add("state_history", "add_state", as_row(state))

    def record_finished(self, piece: Finished) -> Promise:
        """Append to drawing_records at once, once for each piece; does not wait."""
        times = {"started_at": as_text(piece.started_at), "finished_at": as_text(piece.finished_at)}
        row = piece._asdict() | times
        query = FINISHED["add_finished_piece"]
        return self._writer.submit("drawing_records", lambda db: _done(db, query, row), "prompt")

    def record_rows(self, kind: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> Promise:
        """Run each statement with its row, all or none of them; does not wait."""

        def work(db: sqlite3.Connection) -> None:
            for sql, row in rows:
                db.execute(sql, row)

        return self._writer.submit(kind, work, "record")

    def read(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """What ``work`` reads."""
        return self._wait("read", work, "read")

    def record_event(self, event: Event) -> Promise:
        """Append to events at once; does not wait."""
        return self._add("events", "add_event", as_row(event), "prompt")

    def get_recent_drawing_history(self, limit: int) -> list[DrawingState]:
        """The newest ``limit`` rows, oldest first."""

        def work(db: sqlite3.Connection) -> list[DrawingState]:
            rows = db.execute(QUERIES["recent_drawing_states"], {"limit": limit}).fetchall()
            return [self._drawing_state(row) for row in reversed(rows)]

        return self._wait("read", work, "fresh")  # type: ignore[no-any-return]

    def wake(self, now: datetime, name: str | None = None) -> str | None:
        """Count an awakening; gives governance's last action, if it ever gave one.

        ``name`` is what the creature is called from now on; None leaves it as it was.
        """

        def work(db: sqlite3.Connection) -> str | None:
            called = db.execute(QUERIES["creature_called"], {"name": self._creature_id}).fetchone()
            if called:
                self._creature_id = called["creature_id"]
            who = {"creature_id": self._creature_id, "now": as_text(now)}
            last = db.execute(QUERIES["newest_event_type"]).fetchone()
            before = db.execute(QUERIES["identity"], who).fetchone()
            if before and last and last["event_type"] == EventType.WAKE:
                since = {"last_heartbeat_at": self.in_utc("identity", before["last_heartbeat_at"])}
                recovery = Event(timestamp=now, event_type=EventType.TIME_RECOVERY, data=since)
                db.execute(QUERIES["add_event"], as_row(recovery))
            db.execute(QUERIES["wake_identity"], who)
            wake = Event(timestamp=now, event_type=EventType.WAKE)
            db.execute(QUERIES["add_event"], as_row(wake))
            if name is not None:
                self._rename(db, name, now)
            try:
                metadata = json.loads(before["metadata"]) if before else {}
                if written := metadata.get("written"):
                    self.card.recall(str(written["day"]), int(written["bytes"]))
                action = metadata.get("governance_action")
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                # What it was told last may have been a pause.
                self.untold.note("identity", error)
                action = Action.PAUSE.value
                _run(db, "forget_metadata", {**who, "action": action})
            return None if action is None else str(action)

        return self._wait("identity", work)  # type: ignore[no-any-return]

    def heartbeat(self, now: datetime, alive_seconds: float) -> Promise:
        """Add ``alive_seconds`` (s, >= 0) to the creature's life; does not wait."""
        beat = {
            "creature_id": self._creature_id,
            "now": as_text(now),
            "alive_seconds": alive_seconds,
            "bytes": self.card.count(now),
            "day": self.card.day,
        }
        return self._add("identity", "heartbeat_identity", beat)

    def remember_action(self, action: str) -> None:
        """Keep what governance last said."""
        self._wait("action", lambda db: self._remember(db, action))

    def enqueue_checkin(
        self,
        boot_id: str,
        now: datetime,
        build: Callable[[int, Snapshot], CheckIn],
        monotonic_seconds: float | None = None,
    ) -> int:
        """Put a check-in on disk and give its seq. ``build`` gets the seq and the store's state.

        What there is no room for is thinned in the same transaction, and counted.
        """

        def work(db: sqlite3.Connection) -> tuple[int, Loss | None]:
            row = {
                "boot_id": boot_id,
                "recorded_at": as_text(now),
                "monotonic_seconds": monotonic_seconds,
            }
            seq: int = db.execute(outbox.QUERIES["add_checkin"], row).fetchone()["id"]
            body = build(seq, self._snapshot(db, seq)).model_dump_json(exclude_none=True)
            db.execute(outbox.QUERIES["complete_checkin"], {"id": seq, "body": body})
            return seq, outbox.make_room(db, self._outbox_limit_bytes, seq)

        seq, cost = self._wait("outbox", work)
        if cost and cost.missing:
            cause = f"outbox holds {self._outbox_limit_bytes} bytes"
            self.dropped.note("outbox", cause, cost.missing)
        return int(seq)

    def snapshot(self) -> Snapshot:
        """What a check-in that cannot be enqueued tells of the store."""
        return self._wait("read", self._snapshot, "read", SNAPSHOT_SECONDS)  # type: ignore[no-any-return]

    def oldest_checkins(self, limit: int, limit_bytes: int = outbox.HEAD_BYTES) -> list[Waiting]:
        """The check-ins to send next, in order; one at least if any waits."""

        def work(db: sqlite3.Connection) -> list[Waiting]:
            found = outbox.head(db, limit, limit_bytes)
            self.handed_out = max([self.handed_out, *(waiting.id for waiting in found)])
            return found

        return self._wait("read", work, "read")  # type: ignore[no-any-return]

    def acknowledge(self, seq: int, action: str | None = None, *, told: bool = False) -> None:
        """Governance has it on disk: forget it here, and keep what governance said with it.

        ``told``: it was sent whole, so that its gaps are known there, too.
        """
        self.settle("acknowledge", [Fate(seq)], action, told=seq if told else None)

    def note_attempt(self, seq: int, reason: str, action: str | None = None) -> None:
        """It did not arrive; it stays where it is. ``action`` is what holds until it does."""
        self.settle("attempt", [Fate(seq, reason)], action)

    def reject(self, seq: int, now: datetime, reason: str, action: str | None = None) -> None:
        """Governance will never take it: set it aside with the reason."""
        self.settle("reject", [Fate(seq, reason, is_final=True)], action, now)

    def settle(
        self,
        kind: str,
        fates: Sequence[Fate],
        action: str | None = None,
        now: datetime | None = None,
        *,
        told: int | None = None,
    ) -> None:
        """Write down what became of several at once, and what holds now: all of it or nothing."""
        at = as_text(now) if now else ""

        def work(db: sqlite3.Connection) -> int:
            self._remember(db, action)
            return outbox.settle(db, fates, at, told)

        if lost := self._wait(kind, work):
            self.dropped.note("rejected", f"{REJECTED_LIMIT} rejected check-ins are kept", lost)

    def _rename(self, db: sqlite3.Connection, name: str, now: datetime) -> None:
        who = {"creature_id": self._creature_id, "name": name, "now": as_text(now)}
        before = db.execute(QUERIES["identity"], who).fetchone()["name"]
        if before != name:
            db.execute(QUERIES["rename_identity"], who)
            names: JsonObject = {"before": before, "name": name}
            event = Event(timestamp=now, event_type=EventType.NAME_CHANGE, data=names)
            db.execute(QUERIES["add_event"], as_row(event))

    def _remember(self, db: sqlite3.Connection, action: str | None) -> None:
        if action is not None:
            said = {"creature_id": self._creature_id, "action": action}
            _run(db, "remember_action", said)

    def _snapshot(self, db: sqlite3.Connection, before: int = FOR_EVER) -> Snapshot:
        """``before`` is the check-in that is being put together, if it has a number."""
        who = db.execute(QUERIES["identity"], {"creature_id": self._creature_id}).fetchone()
        counts = outbox.tally(db)
        (rejected,) = db.execute(outbox.QUERIES["count_rejected"]).fetchone()
        oldest = db.execute(outbox.QUERIES["oldest_recorded_at"], {"before": before}).fetchone()
        applied = [int(row["migration_id"][:4]) for row in db.execute(QUERIES["applied"])]
        return Snapshot(
            drawing=self._last_step(db),
            identity=IdentityReport(
                awakenings=who["total_awakenings"], alive_seconds=who["total_alive_seconds"]
            )
            if who
            else None,
            waiting=counts.waiting,
            rejected=rejected,
            schema_version=max(applied, default=None),
            waiting_bytes=counts.bytes,
            oldest_at=datetime.fromisoformat(oldest["recorded_at"]) if oldest else None,
            losses=outbox.losses(db),
        )

    def _last_step(self, db: sqlite3.Connection) -> DrawingState | None:
        """The newest step, unless it is an adopted one that is not as we would have written it."""
        row = db.execute(QUERIES["recent_drawing_states"], {"limit": 1}).fetchone()
        try:
            return row and self._drawing_state(row)
        except ValueError as error:
            self.untold.note("drawing_history", error)
            return None

    def _drawing_state(self, row: sqlite3.Row) -> DrawingState:
        taken = self.in_utc("drawing_history", row["timestamp"])
        return DrawingState.model_validate({**row, "timestamp": taken})

    def in_utc(self, table: str, text: str | None) -> str | None:
        """A timestamp as we would have written it."""
        if text is None or table not in self._zones:
            return text
        return as_text(as_instant(text, self._zones[table]))

    def _open(self, db: sqlite3.Connection) -> None:
        self._zones = check(db, self._path, QUERIES, GROWTH)
        outbox.begin(db)

    def _add(self, kind: str, query: str, row: dict[str, Any], role: Role = "record") -> Promise:
        return self._writer.submit(kind, lambda db: _run(db, query, row), role)

    def _wait(
        self,
        kind: str,
        work: Callable[[sqlite3.Connection], Any],
        role: Role = "ask",
        seconds: float = ANSWER_SECONDS,
    ) -> Any:
        return self._writer.submit(kind, work, role).result(seconds)


def _run(db: sqlite3.Connection, query: str, row: dict[str, Any]) -> None:
    db.execute(QUERIES[query], row)


def _done(db: sqlite3.Connection, sql: str, row: dict[str, Any]) -> None:
    db.execute(sql, row)
