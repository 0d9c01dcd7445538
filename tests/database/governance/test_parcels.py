"""Several check-ins in one request: each as if it had come alone, together on disk, in order."""

import asyncio
import json
import runpy
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from pydantic import SecretStr

from apps.bridge.client import Accepted, Client, NoBatches, RefusedByServer
from apps.bridge.refusals import Busy
from apps.governance import checkins as room
from apps.governance.report import report
from schemas.bridge import BATCH_LIMIT, BATCH_LIMIT_BYTES, CHECK_IN_LIMIT_BYTES, RELEASED, CheckIn

ALIVE = runpy.run_path(str(Path(__file__).with_name("conftest.py")))
BATCH = "/v1/checkins/batch"
KIND = {"Content-Type": "application/x-ndjson"}
BOOT = "0123456789abcdef"
OLD = "2026-02-20T12:00:00Z"
ROWS = """
SELECT s.seq FROM core.agent_state s JOIN core.identities i USING (identity_id)
 WHERE i.agent_id = '{}' ORDER BY s.state_id
"""


@pytest.fixture(scope="module")
def governance(shared_database, tmp_path_factory):
    """One for all: each test has an agent of its own."""
    made = ALIVE["Governance"](tmp_path_factory.mktemp("governance"), shared_database)
    try:
        yield made.ready()
    finally:
        made.end()


def _lan(agent):
    return {**KIND, "Authorization": f"Bearer token-of-{agent}"}


def _seqs(governance, agent):
    return [seq for (seq,) in governance.rows(ROWS.format(agent))]


def _said(seq, **changes):
    anima = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}
    whole = {"contract": 3, "agent": "lumen", "boot_id": BOOT, "seq": seq, "recorded_at": OLD}
    return {**whole, "anima": anima, **changes}


def _send(governance, *lines, headers=KIND, door="local"):
    """Status and the lines of the answer."""
    told = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    status, said, body = governance.ask("POST", BATCH, b"\n".join(told) + b"\n", headers, door)
    if status != 200:
        return status, json.loads(body)
    assert said["content-type"] == "application/x-ndjson"
    assert body.endswith("\n")
    return status, [json.loads(line) for line in body.splitlines()]


def test_each_gets_what_it_would_have_got_alone(governance):
    """In order, in its own contract; a repeat is known, whichever door it came by first."""
    spoken = [_said(seq, contract=RELEASED[seq % len(RELEASED)]) for seq in range(1, 10)]
    _, _, alone = governance.ask("POST", "/v1/checkins", json.dumps(spoken[3]))
    first = json.loads(alone)
    status, answers = _send(governance, *spoken[3:], headers=_lan("lumen"), door="lan")

    assert status == 200
    assert [line["status"] for line in answers] == [200] * 6
    assert [line["answer"]["contract"] for line in answers] == [s["contract"] for s in spoken[3:]]
    assert answers[0]["answer"] == {**first, "repeated": True}
    assert _seqs(governance, "lumen") == list(range(4, 10))
    _, again = _send(governance, *spoken[3:])
    assert [line["answer"]["repeated"] for line in again] == [True] * 6


def _mine(seq, **changes):
    return _said(seq, **{"agent": "ember", **changes})


POISON = [
    (b"", 400),
    (b"\xff\xfe", 400),
    (b'{"anima": NaN}', 400),
    (b"[" * 40_000, 400),
    (b'{"a": 1, "a": 1}', 400),
    (b'{"anima": {}}', 422),
    (json.dumps(_mine(1, hint="a secret")).encode(), 422),
    (json.dumps(_mine(1, contract=99)).encode(), 422),
    (json.dumps(_said(1, agent="lumen")).encode(), 403),
    (json.dumps(_mine(1, recorded_at="2026-01-01T00:00:00Z")).encode(), 409),
    (json.dumps(_said(1, agent="x" * CHECK_IN_LIMIT_BYTES)).encode(), 413),
]


def test_one_poisoned_item_fails_alone(governance):
    """Its neighbours on both sides are on disk, in order; all the poison at once, too."""
    seq = 0
    for poison in [[each] for each in POISON] + [POISON]:
        seq += 3
        _, answers = _send(
            governance, _mine(1), _mine(seq), *[line for line, _ in poison], _mine(seq + 1),
            headers=_lan("ember"), door="lan",
        )  # fmt: skip
        assert [line["status"] for line in answers] == [200, 200, *[n for _, n in poison], 200]
        for (line, _), answer in zip(poison, answers[2:-1], strict=True):
            told = answer["answer"]
            assert told["success"] is False
            assert "secret" not in json.dumps(told)
            assert ("contracts" in told) == (b'"contract": 99' in line)
    kept = [n for n in range(1, seq + 2) if n == 1 or (n % 3 < 2 and n > 2)]
    assert _seqs(governance, "ember") == kept


def test_a_batch_is_bounded_and_refused_whole(governance):
    """In lines and in bytes; nothing of it is stored."""
    most = [_said(seq, agent="bound") for seq in range(BATCH_LIMIT)]
    fit = BATCH_LIMIT_BYTES // len(json.dumps(most[0]) + "\n")
    assert fit > BATCH_LIMIT
    many, told = _send(governance, *most, _said(999))
    assert (many, told["success"]) == (413, False)
    long, _ = _send(governance, *[json.dumps(_said(n)).encode() + b" " * 40_000 for n in range(7)])
    assert long == 413
    for body, kind, status in (
        (b"", KIND, 400),
        (b"\n", KIND, 400),
        (json.dumps(most[0]), {}, 415),
        (json.dumps(most[0]), {**KIND, "Authorization": "Bearer no"}, 401),
    ):
        door = "lan" if "Authorization" in kind else "local"
        assert governance.ask("POST", BATCH, body, kind, door)[0] == status
    assert governance.ask("GET", BATCH)[0] == 405
    assert _seqs(governance, "bound") == []

    status, answers = _send(governance, *most)
    assert (status, len(answers)) == (200, BATCH_LIMIT)
    assert _seqs(governance, "bound") == list(range(BATCH_LIMIT))


def test_other_bodies_are_no_longer_than_before(governance):
    """Only this path takes more than a check-in."""
    body = json.dumps(_said(1)) + " " * CHECK_IN_LIMIT_BYTES

    assert governance.ask("POST", "/v1/checkins", body)[0] == 413
    assert governance.ask("POST", f"{BATCH}/x", body, KIND)[0] in {404, 413}


def test_a_backlog_is_let_in_and_what_is_live_is_counted(governance):
    """After the first that comes too soon none is taken: it would come before it."""
    now = datetime.now(UTC)
    backlog = [
        _said(n, agent="often", recorded_at=(now - timedelta(days=1)).isoformat())
        for n in range(100)
    ]
    live = [_said(100 + n, agent="often", recorded_at=now.isoformat()) for n in range(70)]
    _, answers = _send(governance, *backlog, *live)
    statuses = [line["status"] for line in answers]

    assert statuses == [200] * 160 + [429] * 10
    assert all(line["retry_after"] > 0 for line in answers[160:])
    assert len(_seqs(governance, "often")) == 160
    _, answers = _send(governance, live[-1], *backlog[:3])
    assert [line["status"] for line in answers] == [429] * 4


def test_our_own_client_speaks_it(governance):
    """Outcomes in order; and what takes batches at all is found out, not assumed."""
    client = Client(f"http://127.0.0.1:{governance.local}", SecretStr("unused"))
    bodies = [json.dumps(_said(n, agent="own")).encode() for n in (1, 2)]
    outcomes = client.send_batch([bodies[0], b'{"no": 1}', bodies[1]])

    assert [type(outcome) for outcome in outcomes] == [Accepted, RefusedByServer, Accepted]
    assert client.takes_batches
    with pytest.raises(NoBatches):
        client.send_batch([b"[" * 70_000, b"[" * 200_000])
    assert not client.takes_batches


def test_what_came_together_is_committed_together(living, governance_database, tmp_path):
    """However much waits before it: no part of it may be written without the rest."""
    now = datetime.now(UTC)
    reports = [report("lumen", CheckIn.model_validate(_said(n)), now) for n in range(400)]
    written = []

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            write = made._writer.write

            async def noted(some):
                written.append([said.seq for said in some])
                return await write(some)

            made._writer.write = noted
            alone = [made.put(said) for said in reports[:200]]
            together = made.put_all(reports[200:300]), made.put_all(reports[300:])
            return await asyncio.gather(*alone, *together[0], *together[1])

    verdicts = asyncio.run(run())

    assert [len(some) for some in written] == [200, 200]
    assert list(chain(*written)) == list(range(400))
    assert not any(verdict.late for verdict in verdicts)


def test_a_queue_without_room_takes_none_of_them(
    living, governance_database, tmp_path, monkeypatch
):
    """A part would be overtaken by the rest."""
    monkeypatch.setattr(room, "QUEUE_LIMIT", 4)
    reports = [
        report("lumen", CheckIn.model_validate(_said(n)), datetime.now(UTC)) for n in range(6)
    ]

    async def run():
        async with living(governance_database, tmp_path) as (made, *_):
            with pytest.raises(Busy):
                made.put_all(reports)
            assert made.waiting == 0
            return await asyncio.gather(*made.put_all(reports[:4]))

    assert len(asyncio.run(run())) == 4
