"""Check-ins of one turn: each gets its own answer, whatever becomes of those beside it."""

import asyncio
import json
import time

import pytest

from apps.bridge import web
from apps.bridge.refusals import Busy, TooMany, Unauthorized
from apps.governance.intake import Intake
from apps.governance.numbers import Numbers
from apps.governance.report import verdict
from apps.governance.verdict import judge
from apps.governance.web import Request
from schemas.governance.thresholds import Thresholds

ANIMA = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}
JSON = {b"content-type": b"application/json", b"host": b"localhost"}


def asking(agent: str, body: bytes | None = None, **headers: str) -> web.Request:
    """A check-in of an agent."""
    named = {name.encode(): value.encode() for name, value in headers.items()}
    body = body or json.dumps({"agent": agent, "anima": ANIMA}).encode()
    return web.Request("POST", "/v1/checkins", headers=JSON | named, body=body, is_local=True)


class Writer:
    """Takes what is admitted; ``full`` agents find no room, ``hasty`` ones come too often."""

    def __init__(self) -> None:
        self.turns: list[int] = []

    async def admitted(self, reports):
        """Why each comes too soon, or None."""
        self.turns.append(len(reports))
        late = {"hasty": TooMany("hasty", [(60, 60)], 3), "odd": OSError("a secret")}
        return [late.get(said.agent) for said in reports]

    def put(self, said):
        """A verdict in the next turn of the loop."""
        if said.agent == "full":
            raise Busy("4 check-ins are waiting already", "send it again later")
        made = judge(None, None, said.check_in.anima, None, Thresholds())
        answer = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(answer.set_result, verdict(said, made, late=False))
        return answer


def answered(*asked: web.Request, opened=None):
    """What each was answered when all came at once, and how many came so far."""
    writer = Writer()

    async def let_in(each):
        if b"authorization" in each.headers:
            await asyncio.sleep(0.05)
            raise Unauthorized("unknown token")
        return Request(each, None, None, None)

    def refused(_, error):
        known = isinstance(error, (Busy, TooMany, Unauthorized)) or hasattr(error, "message")
        return web.Answer(
            str(error).encode() if known else b"a fault of ours", 400 if known else 500
        )

    async def run():
        intake = Intake(writer, Numbers())
        async with asyncio.timeout(2):
            return await asyncio.gather(*(intake.take(each, let_in, refused) for each in asked))

    return asyncio.run(run()), writer.turns


def test_what_came_at_once_goes_together_and_each_hears_its_own():
    """Agents by name; one turn."""
    said, turns = answered(*(asking(f"agent-{n}") for n in range(5)))

    assert [json.loads(each.body)["resolved_agent_id"] for each in said] == [
        f"agent-{n}" for n in range(5)
    ]
    assert turns == [5]


@pytest.mark.parametrize(
    ("wrong", "status", "word"),
    [
        (asking("x", b"{"), 400, "not JSON"),
        (asking("x", b'{"anima": 1}'), 400, "anima"),
        (asking("hasty"), 400, "above 60 in 60 s"),
        (asking("full"), 400, "waiting already"),
        (asking("odd"), 500, "a fault of ours"),
        (asking("x", authorization="Bearer y"), 400, "unknown token"),
        (asking("x", **{"x-agent-id": "other"}), 400, "is not X-Agent-Id"),
        (asking("", json.dumps({"anima": ANIMA}).encode()), 400, "agent: is missing"),
    ],
)
def test_one_that_is_refused_leaves_those_beside_it_alone(wrong, status, word):
    """Before it and behind it."""
    said, _ = answered(asking("one"), wrong, asking("two"))

    assert [each.status for each in said] == [200, status, 200]
    assert word in said[1].body.decode()


def test_look_ups_of_tokens_are_made_at_once():
    """Twenty that take 50 ms each take no second."""
    begun = time.monotonic()
    said, _ = answered(*(asking("x", authorization=f"Bearer {n}") for n in range(20)))

    assert {each.status for each in said} == {400}
    assert time.monotonic() - begun < 0.8
