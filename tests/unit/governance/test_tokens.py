"""Who knocks."""

import asyncio
import json
from base64 import b64encode
from hashlib import sha256

import pytest

from apps.bridge.refusals import Unauthorized
from apps.governance.tokens import FILE_RIGHTS, Tokens
from schemas.errors import Refused
from schemas.governance.calls import Right

KNOWN = {name: sha256(f"token of {name}".encode()).hexdigest() for name in ("lumen", "ember")}


@pytest.mark.parametrize("agent", ["lumen", "ember"])
@pytest.mark.parametrize(
    "form", [lambda t: f"Bearer {t}", lambda t: "basic " + b64encode(f"any:{t}".encode()).decode()]
)
def test_a_token_names_its_agent(agent, form):
    """As Bearer, and as the password of Basic, which is what the real client sends."""
    assert asyncio.run(Tokens(KNOWN).who(form(f"token of {agent}"))) == (agent, FILE_RIGHTS)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer ", "Bearer wrong", "Basic !!", "Basic bm9jb2xvbg==", "Digest x"]
)
def test_anything_else_is_nobody(header):
    """No token, a wrong one, a form we do not speak."""
    with pytest.raises(Unauthorized):
        asyncio.run(Tokens(KNOWN).who(header))


def test_the_deploys_tokens_are_no_operators():
    """A Pi stands far from here; who takes it checks in, reads and writes."""
    assert frozenset(Right) - FILE_RIGHTS == {Right.OPERATE}


def test_the_hash_itself_opens_nothing():
    """Who reads the file still has no token."""
    with pytest.raises(Unauthorized):
        asyncio.run(Tokens(KNOWN).who(f"Bearer {KNOWN['lumen']}"))


def test_a_file_that_is_not_as_declared_is_refused_without_its_content(tmp_path):
    """A plain token in the file must not reach the log."""
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps({"lumen": "plain-secret"}))

    with pytest.raises(Refused) as caught:
        Tokens.load(path)

    assert "plain-secret" not in str(caught.value)
    assert str(path) in str(caught.value)
