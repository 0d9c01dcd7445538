"""What the doors answer when a handler does what it should not."""

import asyncio
import json

import psycopg
import pytest

from apps.bridge.web import Request
from apps.governance.tokens import Tokens
from apps.governance.web import Doors
from schemas.errors import Refused


def ask(error: Exception) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, where the handler of ``/`` raises ``error``."""

    async def handler(_):
        raise error

    doors = Doors(
        local_open=True, tokens=Tokens({}), sessions=None, lives=None,
        routes={"/": {"GET": handler}}, is_open=frozenset({"/"}),
    )  # fmt: skip
    said = asyncio.run(
        doors.answer(Request("GET", "/", headers={b"host": b"localhost"}, is_local=True))
    )
    return said.status, {"content-type": said.kind, **said.headers}, said.body


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyError("a secret"), 500),
        (RecursionError("a secret"), 500),
        (psycopg.errors.SyntaxError("a secret"), 500),
        (psycopg.errors.QueryCanceled("a secret"), 503),
        (psycopg.errors.UniqueViolation("a secret"), 409),
        (TimeoutError("a secret"), 503),
        (Refused("no"), 422),
    ],
)
def test_a_fault_of_ours_is_told_without_its_insides(error, status):
    """JSON with a sentence, never a stack trace; only what may pass is worth sending again."""
    got, headers, body = ask(error)
    said = json.loads(body)

    assert got == status
    assert headers["content-type"] == "application/json"
    assert said["success"] is False
    assert said["error"]
    assert b"secret" not in body
    assert b"Traceback" not in body
    assert ("retry-after" in headers) is (status == 503)
