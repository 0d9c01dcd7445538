"""``abode audit``: what the container says, for eyes and for programs, and its exit codes."""

import json

import pytest
from typer.testing import CliRunner

from apps.ops import audit
from apps.ops.cli import app
from apps.ops.reach import Answer
from schemas.errors import Diverged, Unreachable
from schemas.hosts import Hosts, PiHost, Ssh

HOSTS = Hosts(pi=(PiHost(ssh=Ssh(hostname="h", user="u"), governance_url="http://h:1"),))
WRONG = {"file": "audit_log.jsonl", "line": 3, "what": "line 3 was changed"}
CUT = {"file": "audit_log.jsonl", "line": None, "what": "its end was cut off"}


def verified(*findings: dict) -> dict:
    """A trail as it is told of."""
    return {
        "trail": "audit_log", "files": 1, "lines": 9, "first_seq": 1, "last_seq": 9,
        "indexed_seq": 9, "anchors": 2, "findings": findings, "found": len(findings),
    }  # fmt: skip


@pytest.fixture
def abode(monkeypatch, tmp_path):
    """Run a command against a container that says what the test wants."""
    asked = []

    def run(said, *words, reason=None):
        def on_mac(_, command, **__):
            asked.append(command)
            return Answer(said if isinstance(said, str) else json.dumps(said), reason)

        monkeypatch.setattr(audit, "in_force", lambda _: (HOSTS, tmp_path))
        monkeypatch.setattr(audit, "on_mac", on_mac)
        done = CliRunner().invoke(app, ["audit", *words])
        return done, asked[-1][asked[-1].index("apps.governance.trail") + 1 :]

    return run


def test_a_whole_trail_is_exit_0(abode):
    """With how much there was."""
    done, asked = abode([verified()], "verify", "audit_log")

    assert (done.exit_code, asked) == (0, ["verify", "audit_log"])
    assert "audit_log: 9 lines in 1 files, indexed up to 9, 2 days anchored" in done.output


def test_a_changed_trail_is_exit_4_with_file_and_line(abode):
    """In words, and in JSON."""
    done, _ = abode([verified(WRONG, CUT)], "verify", reason="exit 4")
    assert isinstance(done.exception, Diverged)
    assert done.exception.exit_code == 4
    assert "  audit_log.jsonl:3: line 3 was changed\n" in done.output
    assert "  audit_log.jsonl: its end was cut off\n" in done.output

    done, _ = abode([verified(WRONG)], "verify", "--json", reason="exit 4")
    assert done.exit_code == 4
    assert json.loads(done.output)[0]["findings"] == [WRONG]


def test_a_question_is_passed_on(abode):
    """And shown, or given as it came."""
    event = {"event_id": "e", "recorded_at": "2026-02-20T12:00:00Z", "agent_id": None,
             "event_type": "slept", "payload": {"deep": True}}  # fmt: skip
    words = ("query", "--agent", "lumen", "--type=slept", "--since", "2026-02-20", "--limit", "3")
    done, asked = abode([event], *words)
    assert asked == ["query", "--agent=lumen", "--type=slept", "--since=2026-02-20", "--limit=3"]
    assert "slept" in done.output

    done, _ = abode([event], "query", "--json")
    assert json.loads(done.output) == [event]


def test_no_answer_is_said(abode):
    """With the reason of whoever did not."""
    done, _ = abode("", "reindex", reason="no such container")

    assert isinstance(done.exception, Unreachable)
    assert "no such container" in str(done.exception)
