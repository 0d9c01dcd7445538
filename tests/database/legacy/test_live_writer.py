"""A server that never stops writing, through follow, shadow, cutover, rollback and cutover again.

ABODE_LEGACY_LIVE_SECONDS, a sixth of them a phase; `make soak-legacy` takes 300.
"""

import json
import os
import threading
import time

import psycopg
import pytest

from apps.legacy import over, rollback
from apps.legacy.backfill import connected
from apps.legacy.over import Asked, Case
from apps.legacy.shadow.read import answer, switch
from apps.legacy.shadow.shadow import Wanted, shadow
from schemas.errors import HouseError
from schemas.governance.cutover import Side
from tests.database.legacy.test_follow import AGENT, AT, DISPUTE, FOUND, STATE, once
from tests.legacy.both_sides import AGENTS, BothSides, stale
from tests.legacy.nasty import ZONE
from tests.unit.anima.faults.creature import tell

SECONDS = float(os.environ.get("ABODE_LEGACY_LIVE_SECONDS") or 15)
SEED = os.environ.get("ABODE_LEGACY_SEED", "live")
WINDOW = max(0.5, SECONDS / 30)
READERS = {"label": "agent", "state": "state", "summary": "discovery", "event": "event",
           "discovery": "discovery", "word": "dispute"}  # fmt: skip


class Reading(threading.Thread):
    """Somebody who asks what the ledger has, all the time; what is older than that is kept."""

    def __init__(self, house, folder, server):
        super().__init__(daemon=True)
        self.house, self.folder, self.server = house, folder, server
        self.over, self.stale, self.failed, self.reads = threading.Event(), [], None, {}

    def run(self):
        """Question after question, until it is over."""
        try:
            with connected(self.house.database.owner) as db:
                while not self.over.is_set():
                    self._one(db)
        except BaseException as error:
            self.failed = error
            raise

    def _one(self, db):
        dice = self.server.dice.__class__(self.reads.get("all", 0))
        kind, agent = dice.choice([*READERS]), dice.choice(AGENTS)
        known = self.server.ledger.known(kind, agent if kind in ("label", "state") else "")
        if known is None:
            self.reads["all"] = self.reads.get("all", 0) + 1
            return
        asked = {
            "label": {"agent_id": agent}, "state": {"agent_id": agent},
            "summary": {"discovery_id": "one"}, "discovery": {"discovery_id": f"d{known['n']}"},
            "event": {"agent_id": known["agent"], "event_type": "live",
                      "recorded_at": known["at"]},
            "word": {"session_id": "d"},
        }[kind]  # fmt: skip
        said = answer(db, self.folder, READERS[kind], asked)
        for key in ("all", said.side.value):
            self.reads[key] = self.reads.get(key, 0) + 1
        if stale(said, kind, known):
            self.stale.append((kind, known, said))


@pytest.fixture
def live(house, old):
    """A directory, its server that writes, and somebody who reads."""
    folder = old(
        "A", agent_metadata=[AGENT, *({**AGENT, "agent_id": agent} for agent in AGENTS)],
        agent_state=[STATE | {"agent_id": agent} for agent in AGENTS],
        discoveries=[FOUND | {"summary": "0"}], dialectic_sessions=[DISPUTE],
        session_identities=[{"session_key": "raw", "agent_id": "lumen", "bound_at": AT}],
    )  # fmt: skip
    once(house, folder, by_triggers=True)
    server = BothSides(folder, house.database.owner, ZONE, SEED)
    reading = Reading(house, folder, server)
    yield folder, server, reading
    for each in (server, reading):
        each.over.set()
        if each.is_alive():
            each.join(30)


class Shadowing(threading.Thread):
    """Follow and compare, until a cutover begins."""

    def __init__(self, house, folder):
        super().__init__(daemon=True)
        wanted = Wanted(reads=10, every=0.05, window_seconds=WINDOW)
        self.told, self.failed = [], None
        self.given = house.database.owner, folder, ZONE, wanted, self.told.append
        self.start()

    def run(self):
        """To its end."""
        try:
            shadow(*self.given)
        except BaseException as error:
            self.failed = error
            raise

    def clean(self):
        """Wait until every reader is, for the window."""
        end = time.monotonic() + 60
        while not (self.told and self.told[-1].is_clean):
            assert self.failed is None, self.failed
            assert time.monotonic() < end, self.told[-1:]
            time.sleep(0.1)


def over_when_clean(house, folder, shadowing):
    """The cutover, as soon as every reader is clean for the window."""
    shadowing.clean()
    case = Case(house.database.owner, folder, ZONE, lambda _: None)
    return over.cutover(case, Asked(WINDOW, 0))


def test_nothing_is_lost_and_no_reader_is_stale(house, live, capsys):
    """By a ledger outside of both sides; each side was the writer twice, or three times."""
    folder, server, reading = live
    phase = SECONDS / 6
    server.start()
    reading.start()
    shadowing = Shadowing(house, folder)
    time.sleep(phase)
    shadowing.clean()
    for name in {each.reader for each in shadowing.told[-1].readers}:
        switched(house, folder, name)
    time.sleep(phase)
    closed = [over_when_clean(house, folder, shadowing).closed_seconds]
    time.sleep(phase)
    back = rollback.rollback(Case(house.database.owner, folder, ZONE, lambda _: None))
    shadowing = Shadowing(house, folder)
    time.sleep(phase)
    closed.append(over_when_clean(house, folder, shadowing).closed_seconds)
    time.sleep(phase)
    for each in (server, reading):
        each.over.set()
        each.join(30)
    tell(capsys, {
        **{f"writes to the {side.value} side": n for side, n in server.ledger.by_side.items()},
        "refused, and told again": server.ledger.refused,
        **{f"reads, {side}": count for side, count in reading.reads.items()},
        "s closed, first cutover": f"{closed[0]:.1f}", "s closed, second": f"{closed[1]:.1f}",
        "s held by the rollback": f"{back.closed_seconds:.1f}",
        "writes given back": back.written,
    })  # fmt: skip

    assert (server.failed, reading.failed, reading.stale) == (None, None, [])
    assert all(count > 5 for count in server.ledger.by_side.values())
    assert {"old", "new"} <= set(reading.reads)
    assert_kept(house, server.ledger)


def switched(house, folder, name):
    """One reader, to the house; one that just was not clean is tried again."""
    for _ in range(100):
        try:
            return switch(house.database.owner, folder, name, Side.NEW, WINDOW)
        except HouseError:
            time.sleep(0.2)
    raise AssertionError(name)


def assert_kept(house, ledger):
    """Every write that was acknowledged is in the house, once, and the newest is the newest."""
    found = sorted(int(n) for (n,) in house.ask(
        "SELECT payload->>'n' FROM audit.events WHERE event_type = 'live'"))  # fmt: skip
    assert found == sorted(told["n"] for told in ledger.each["event"])
    found = sorted(int(n) for (n,) in house.ask(
        "SELECT summary FROM core.discoveries WHERE discovery_id <> 'one'"))  # fmt: skip
    assert found == sorted(told["n"] for told in ledger.each["discovery"])
    found = [int(n) for (n,) in house.ask("SELECT reasoning FROM dialectic.messages ORDER BY seq")]
    assert found == [told["n"] for told in ledger.each["word"]]
    for (kind, agent), told in ledger.latest.items():
        query = {
            "label": "SELECT label::int FROM core.identities WHERE agent_id = %s",
            "state": "SELECT round(energy * 1000000)::int FROM core.agents WHERE agent_id = %s",
            "summary": "SELECT summary::int FROM core.discoveries WHERE discovery_id = 'one'"
                       " AND %s = ''",
        }[kind]  # fmt: skip
        assert house.ask(query, agent) == [(told["n"],)], (kind, agent, json.dumps(told))


def test_the_ledger_would_see_a_write_that_is_lost(house, live):
    """Both ways: one that is gone, and one that is old."""
    folder, server, _ = live
    with psycopg.connect(house.database.owner) as db:
        db.execute("INSERT INTO audit.events (event_id, recorded_at, agent_id, event_type, payload)"
                   " VALUES (gen_random_uuid(), now(), 'lumen', 'live', '{\"n\": 1}')")  # fmt: skip
    server.ledger.keep("event", {"n": 1}, Side.NEW)
    assert_kept(house, server.ledger)
    server.ledger.keep("event", {"n": 2}, Side.NEW)
    with pytest.raises(AssertionError):
        assert_kept(house, server.ledger)
    with connected(house.database.owner) as db:
        said = answer(db, folder, "agent", {"agent_id": AGENTS[0]})
    assert stale(said, "label", {"n": 1})
