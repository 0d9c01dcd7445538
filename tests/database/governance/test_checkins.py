"""Exactly once for ever, against a real database."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from apps.bridge.refusals import Busy, Conflict
from apps.governance import checkins as room
from apps.governance.report import Report, report
from apps.governance.verdict import START
from schemas.bridge import Action, CheckIn, Verdict
from schemas.errors import HouseError, Refused, Unreachable

NOW = datetime.now(UTC)
CALM = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}
ROWS = "SELECT boot_id, seq, count(*) FROM core.agent_state GROUP BY 1, 2 ORDER BY 1, 2"


def said(seq: int, agent: str = "lumen", minutes: float = 0, **more) -> Report:
    """A keyed check-in."""
    message = CheckIn.model_validate(
        {"anima": {**CALM, **more}, "boot_id": "boot-0001", "seq": seq}
    )
    heard = report(agent, message, NOW)
    return heard._replace(recorded_at=NOW + timedelta(minutes=minutes - 600))


def ask(database, query: str, *values) -> list[tuple]:
    """What the database holds."""
    with psycopg.connect(database.admin, autocommit=True) as conn:
        return conn.execute(query, values or None).fetchall()


def test_fifty_at_once_are_one_row(living, governance_database, tmp_path):
    """Fifty tasks, one key: one row, one first answer, forty-nine repeats of it."""

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            return await asyncio.gather(*(made.handle(said(1)) for _ in range(50)))

    answers = asyncio.run(run())

    assert sum(not answer.repeated for answer in answers) == 1
    assert len({answer.model_copy(update={"repeated": False}) for answer in answers}) == 1
    assert ask(governance_database, ROWS) == [("boot-0001", 1, 1)]
    assert ask(governance_database, "SELECT event_type FROM audit.events ORDER BY 1") == [
        ("check_in",),
        ("identity_created",),
        ("trail_opened",),
    ]


def test_an_agent_was_heard_when_its_last_check_in_came(living, governance_database, tmp_path):
    """Also of a batch; nobody else's instant changes, and the operator sees no change of life."""

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            await asyncio.gather(*(made.handle(said(seq, "lumen")) for seq in range(3)))
            ember = said(1, "ember")
            await made.handle(ember._replace(received_at=NOW + timedelta(minutes=1)))

    asyncio.run(run())

    heard = ask(
        governance_database, "SELECT agent_id, last_activity_at FROM core.identities ORDER BY 1"
    )
    assert heard == [("ember", NOW + timedelta(minutes=1)), ("lumen", NOW)]


def test_two_writers_agree_on_one_row(living, governance_database, tmp_path):
    """They race for the same keys; each key is one row, and nobody fails."""

    async def run():
        async with living(governance_database, tmp_path) as (one, sessions, _):
            two = room.Checkins(one._writer._pool, one.thresholds, one._audit, sessions, [].append)
            writer = asyncio.create_task(two.run())
            sent = [made.handle(said(seq)) for seq in range(40) for made in (one, two)]
            answers = await asyncio.gather(*sent)
            two.close(Unreachable("stopping"))
            await writer
            return answers

    answers = asyncio.run(run())

    assert sum(not answer.repeated for answer in answers) == 40
    assert [count for *_, count in ask(governance_database, ROWS)] == [1] * 40


def test_a_repeat_after_a_restart_gets_its_first_verdict(living, governance_database, tmp_path):
    """The key is for ever; the answer is the stored one, to the last bit."""

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            first = await made.handle(said(1))
            await made.handle(said(2, minutes=1))
        async with living(governance_database, tmp_path) as (made, *_):
            return first, await made.handle(said(1))

    first, second = asyncio.run(run())

    assert second.repeated
    assert second.model_copy(update={"repeated": False}) == first


def test_a_repeat_writes_nothing(living, governance_database, tmp_path):
    """No row, no event, no line."""

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            await made.handle(said(1))
            before = (tmp_path / "audit_log.jsonl").read_bytes()
            await made.handle(said(1))
            return before

    before = asyncio.run(run())

    assert (tmp_path / "audit_log.jsonl").read_bytes() == before
    assert ask(governance_database, "SELECT count(*) FROM audit.events") == [
        (len(before.splitlines()),)
    ]
    assert ask(governance_database, ROWS) == [("boot-0001", 1, 1)]


def test_another_body_is_a_conflict_with_both_hashes(living, governance_database, tmp_path):
    """Refused, audited, and the first row stands."""

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            await made.handle(said(1))
            with pytest.raises(Conflict) as caught:
                await made.handle(said(1, warmth=0.5))
            return caught.value

    conflict = asyncio.run(run())
    [(payload,)] = ask(
        governance_database,
        "SELECT payload FROM audit.events WHERE event_type = 'check_in_conflict'",
    )

    assert payload["stored_sha256"] == said(1).body_sha256.hex()
    assert payload["sent_sha256"] == said(1, warmth=0.5).body_sha256.hex()
    assert all(hash_ in conflict.message for hash_ in (payload["stored_sha256"],))
    assert ask(governance_database, "SELECT warmth FROM core.agent_state") == [(0.4,)]


def test_a_poisoned_row_does_not_fail_its_neighbours(living, governance_database, tmp_path):
    """One row that the database cannot take, among twenty that it can."""
    poison = said(99)._replace(boot_id="no\x00where")

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            sent = [*(said(seq) for seq in range(10)), poison, *(said(s) for s in range(10, 20))]
            return await asyncio.gather(*map(made.handle, sent), return_exceptions=True)

    answers = asyncio.run(run())

    assert isinstance(answers[10], Refused)
    assert sum(isinstance(answer, Verdict) for answer in answers) == 20
    assert len(ask(governance_database, ROWS)) == 20


def test_a_late_row_never_makes_the_latest_older(living, governance_database, tmp_path):
    """A lower seq of the same boot is kept with its verdict; nothing steps from it."""

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            await made.handle(said(1, minutes=0))
            third = await made.handle(said(3, minutes=2, warmth=0.9))
            await made.handle(said(2, minutes=1, warmth=0.0))
            newest = ask(governance_database, "SELECT last_recorded_at, energy FROM core.agents")
            after = await made.handle(said(4, minutes=3))
            await made.handle(said(1, agent="ember"))
            await made.handle(said(3, agent="ember", warmth=0.9))
            return third, newest, after, await made.handle(said(4, agent="ember"))

    third, newest, after, without = asyncio.run(run())
    late = ask(governance_database, "SELECT seq, late FROM core.agent_state WHERE identity_id = "
               "(SELECT min(identity_id) FROM core.identities) ORDER BY state_id")  # fmt: skip

    assert newest == [(said(3, minutes=2).recorded_at, third.eisv.E)]
    assert late == [(1, False), (3, False), (2, True), (4, False)]
    assert after.eisv == without.eisv


def test_what_is_sent_again_from_an_older_boot_never_makes_the_latest_older(
    living, governance_database, tmp_path
):
    """As ``anima requeue`` does days later: boots heard before and not, alone and together."""

    def of(boot: str, seq: int, minutes: float) -> Report:
        return said(seq, minutes=minutes)._replace(boot_id=boot)

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            await made.handle(of("boot-0002", 20, 20))
            await made.handle(of("boot-0003", 30, 30))
            newest = ask(governance_database, "SELECT last_recorded_at, energy FROM core.agents")
            older = [of("boot-0002", 21, 21), of("boot-0001", 10, 10), of("boot-0001", 11, 11)]
            singly = [await made.handle(each) for each in older[:2]]
            again = [of("boot-0002", 22, 22), *older[2:], of("boot-0003", 31, 31)]
            together = await asyncio.gather(*map(made.handle, again))
            return newest, [each.late for each in (*singly, *together)]

    newest, late = asyncio.run(run())
    after = ask(governance_database, "SELECT last_recorded_at FROM core.agents")

    assert newest[0][0] == of("boot-0003", 30, 30).recorded_at
    assert late == [True, True, True, True, False]
    assert after == [(of("boot-0003", 31, 31).recorded_at,)]


def test_a_pi_that_wakes_in_1970_is_judged_from_its_last_state(
    living, governance_database, tmp_path
):
    """The newest is what came last: in the step, in the view, after a new boot, in one batch."""
    woken = [
        said(seq)._replace(boot_id="boot-0002", recorded_at=datetime(1970, 1, 1, tzinfo=UTC))
        for seq in range(21, 24)
    ]

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            for seq in range(1, 21):
                last = await made.handle(said(seq, minutes=seq))
            singly = await made.handle(woken[0])
            rest = await asyncio.gather(*map(made.handle, woken[1:]))
            return last, singly, rest[-1]

    last, singly, newest = asyncio.run(run())
    [(recorded_at, entropy)] = ask(
        governance_database, "SELECT last_recorded_at, entropy FROM core.agents"
    )

    assert abs(singly.eisv.S - last.eisv.S) < 0.01 < abs(last.eisv.S - START.S)
    assert (recorded_at.year, entropy) == (1970, newest.eisv.S)
    assert ask(governance_database, "SELECT count(*) FROM core.agent_state WHERE late") == [(0,)]


def test_a_chain_is_the_same_in_one_batch_or_in_many(living, governance_database, tmp_path):
    """How check-ins happened to be gathered must not show in the numbers."""

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            at_once = await asyncio.gather(
                *(made.handle(said(n, "together", n, warmth=n / 20)) for n in range(20))
            )
            singly = [await made.handle(said(n, "singly", n, warmth=n / 20)) for n in range(20)]
            return at_once, singly

    at_once, singly = asyncio.run(run())

    assert [answer.eisv for answer in at_once] == [answer.eisv for answer in singly]


def test_a_paused_agent_is_paused_at_once(living, governance_database, tmp_path):
    """The operator's word is read at every check-in."""

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            before = await made.handle(said(1))
            with psycopg.connect(governance_database.admin) as conn:
                conn.execute("UPDATE core.identities SET status = 'paused'")
            return before, await made.handle(said(2))

    before, after = asyncio.run(run())

    assert (before.action, after.action) == (Action.PROCEED, Action.PAUSE)
    assert "paused" in after.reason


def test_the_drawing_eisv_arrives_as_it_was_sent(living, governance_database, tmp_path):
    """Numbers to the last digit, no key more, no key less."""
    drawing = {"E": 0.1 + 0.2, "I": 1e-17, "S": 0.001, "V": -1.9999999999999998, "C": 1 / 3,
               "marks": 9_007_199_254_740_993, "era": "gestural"}  # fmt: skip
    message = CheckIn.model_validate({"anima": CALM, "sensor_data": {"drawing_eisv": drawing}})

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            await made.handle(report("lumen", message, NOW))

    asyncio.run(run())

    assert ask(governance_database, "SELECT state_json FROM core.agent_state") == [
        ({"drawing_eisv": drawing},)
    ]


def test_the_raw_trail_and_the_table_hold_the_same_events(living, governance_database, tmp_path):
    """Same ids, same payloads."""

    async def run():
        async with living(governance_database, tmp_path) as (made, _, identities):
            await asyncio.gather(*(made.handle(said(seq)) for seq in range(30)))
            await identities.describe("lumen", {"purpose": "to draw", "metadata": {"a": 1}})

    asyncio.run(run())
    lines = map(json.loads, (tmp_path / "audit_log.jsonl").read_text().splitlines())
    query = "SELECT event_id::text, event_type, payload FROM audit.events"
    rows = ask(governance_database, query)

    told = {x["event_id"]: (x["event_type"], x["payload"]) for x in lines}

    assert told == {event_id: (kind, payload) for event_id, kind, payload in rows}
    assert len(rows) == 33


def test_broken_connections_lose_no_acknowledged_row(living, governance_database, tmp_path):
    """Backends are killed all the while; what was answered is there, once."""
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async def run():
        acknowledged, lost = [], []
        async with living(governance_database, tmp_path, lost) as (made, *_):

            async def client(first: int) -> None:
                for seq in range(first, first + 40):
                    for _ in range(20):
                        try:
                            await made.handle(said(seq))
                        except HouseError:
                            await asyncio.sleep(0.01)
                        else:
                            acknowledged.append(seq)
                            break

            async def killer() -> None:
                for _ in range(15):
                    await asyncio.sleep(0.03)
                    await asyncio.to_thread(ask, governance_database, kill)

            await asyncio.gather(killer(), *(client(first) for first in range(0, 320, 40)))
        return acknowledged

    acknowledged = asyncio.run(run())
    rows = ask(governance_database, ROWS)

    assert acknowledged
    assert set(acknowledged) <= {seq for _, seq, _ in rows}
    assert all(count == 1 for *_, count in rows)
    lines = [json.loads(line) for line in (tmp_path / "audit_log.jsonl").read_text().splitlines()]
    told = sorted(x["payload"]["seq"] for x in lines if x["event_type"] == "check_in")
    assert told == sorted(seq for _, seq, _ in rows)
    assert ask(governance_database, "SELECT count(*) FROM audit.events") == [(len(lines),)]


def test_a_full_queue_says_so(living, governance_database, tmp_path, monkeypatch):
    """Better told to come back than left to wait."""
    monkeypatch.setattr(room, "QUEUE_LIMIT", 4)

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            sent = (made.handle(said(seq)) for seq in range(20))
            return await asyncio.gather(*sent, return_exceptions=True)

    answers = asyncio.run(run())

    assert sum(isinstance(answer, Busy) for answer in answers) == 16
    assert len(ask(governance_database, ROWS)) == 4


def test_without_its_trail_nothing_is_acknowledged(living, governance_database, tmp_path):
    """What was committed is told as soon as the disk takes it; until then check-ins are refused."""
    path, kept = tmp_path / "audit_log.jsonl", tmp_path / "audit_log.kept"

    def restore():
        path.rmdir()
        kept.rename(path)

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            await made.handle(said(1))
            path.rename(kept)
            path.mkdir()
            with pytest.raises(Unreachable, match="Is a directory"):
                await made.handle(said(2))
            with pytest.raises(Unreachable, match="Is a directory"):
                await made.handle(said(3))
            seen = made._audit.check()
            restore()
            await made._audit.append([])
            return seen, await made.handle(said(2))

    seen, answer = asyncio.run(run())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    told = [line["payload"]["seq"] for line in lines if line["event_type"] == "check_in"]

    assert "Is a directory" in seen
    assert answer.repeated
    assert told == [1, 2]
    assert ask(governance_database, ROWS) == [("boot-0001", 1, 1), ("boot-0001", 2, 1)]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
