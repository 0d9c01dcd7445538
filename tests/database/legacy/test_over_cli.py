"""The commands of the way over: what they print, their one closed object, their exit codes."""

import json
from contextlib import nullcontext

import pytest
from typer.testing import CliRunner

from apps.legacy.over import Turned
from apps.legacy.shadow.read import Answer
from apps.legacy.shadow.report import Shadowed, Status
from apps.ops import over
from apps.ops.cli import legacy
from schemas.errors import Diverged, Refused
from schemas.governance.cutover import Side
from tests.database.legacy.test_follow import everything, once
from tests.legacy.nasty import ZONE

AT_ONCE = ("--window", "0")


@pytest.fixture
def said(house, old, monkeypatch):
    """A command over one directory; gives its exit code and what it printed."""
    folder = everything(old)
    once(house, folder)
    monkeypatch.setattr(over, "in_force", lambda root: (None, root))
    monkeypatch.setattr(over, "reached", lambda *_: nullcontext(house.database.owner))

    def _said(command, *words):
        done = CliRunner().invoke(legacy, [command, str(folder), *words])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout

    _said.folder = folder
    return _said


def shadowed(said, *words):
    """A round, and the one that settles it."""
    return said("shadow", "--zone", ZONE, "--for", "0.01", "--every", "0.05", *words)


def test_each_says_one_closed_object(said):
    """Through the whole way and back."""
    code, told = shadowed(said, *AT_ONCE, "--json")
    rounds = [Shadowed.model_validate_json(line) for line in told.splitlines()]
    assert code == 0
    assert {each.reader for each in rounds[-1].readers} == {
        "agent", "state", "event", "discovery", "dispute", "session"
    }  # fmt: skip
    said("switch", "agent", "new", *AT_ONCE)
    said("switch", "agent", "old")
    _, told = said("read", "agent", "agent_id=lumen", "--json")
    answer = Answer.model_validate_json(told)
    assert (answer.side, len(answer.rows)) == (Side.OLD, 1)
    over_ = Turned.model_validate_json(said("cutover", "--zone", ZONE, *AT_ONCE, "--json")[1])
    now = Status.model_validate_json(said("status", "--json")[1])
    assert (over_.writer, now.writer, now.is_closed) == (Side.NEW, Side.NEW, True)
    back = Turned.model_validate_json(said("rollback", "--zone", ZONE, "--json")[1])
    now = Status.model_validate_json(said("status", "--json")[1])

    assert (back.writer, now.writer, now.is_closed) == (Side.OLD, Side.OLD, False)
    assert [each.kind.value for each in now.epochs] == ["cutover", "rollback"]
    assert {each.contract for each in (answer, over_, now, back)} == {1}


def test_each_says_it_to_a_person(said):
    """In few words; a key of a session is in none of them."""
    code, told = shadowed(said)
    assert (code, "clean for 86400 s: not yet" in told) == (4, True)
    every = [told]
    for words in (
        ("read", "session", f"session_sha256={SHA256}"),
        ("cutover", "--zone", ZONE, *AT_ONCE),
        ("status",),
        ("rollback", "--zone", ZONE),
    ):
        code, told = said(*words)
        assert code == 0
        every.append(told)

    assert "lumen" in every[1]
    assert "by the old side, epoch 0" in every[1]
    assert "the house is the writer" in every[2]
    assert "writer: the house; the old files are closed" in every[3]
    assert "the old server is the writer" in every[4]
    assert not [told for told in every if "raw" in told]


SHA256 = "d7439bee24773bcbfa2d0a97947ee36227b10d1022b1a55847e928965bb6bfde"


def test_recorded_questions_are_asked(said, tmp_path):
    """A line each; one that is none names its place."""
    file = tmp_path / "asked.jsonl"
    file.write_text(json.dumps({"reader": "agent", "asked": {"agent_id": "lumen"}}) + "\n")
    _, told = shadowed(said, "--queries", str(file), "--reads", "3", "--json")
    counts = {each.reader: each.compared
              for each in Shadowed.model_validate_json(told.splitlines()[0]).readers}  # fmt: skip
    assert counts == dict.fromkeys(counts, 0) | {"agent": 3}
    file.write_text('{"reader": "nobody", "asked": {}}\n')
    with pytest.raises(Refused, match="line 1"):
        shadowed(said, "--queries", str(file))


@pytest.mark.parametrize(
    ("words", "kind", "told"),
    [
        (("read", "nobody", "a=1"), Refused, "is no reader"),
        (("read", "agent", "id=1"), Refused, "asks otherwise"),
        (("rollback", "--zone", ZONE), Refused, "the old server is the writer"),
        (("rollback", "--zone", "UTC"), Refused, "was begun with"),
        (("cutover", "--zone", ZONE), Diverged, "was never compared"),
        (("switch", "agent", "new"), Diverged, "was never compared"),
    ],
)
def test_each_refusal_says_what_and_what_next(said, words, kind, told):
    """In the house's own errors; nothing is begun."""
    with pytest.raises(kind, match=told) as refused:
        said(*words)
    assert refused.value.hint
    now = Status.model_validate_json(said("status", "--json")[1])
    assert (now.epochs, now.is_closed) == ([], False)
