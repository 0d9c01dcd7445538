"""python -m apps.migrate: exit codes, tables and JSON."""

import json

import pytest

from apps.migrate.__main__ import main

CANARY = "s3cret-canary"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home of the Pi's service."""
    monkeypatch.setenv("ANIMA_HOME", str(tmp_path))
    return tmp_path


def test_status_shows_what_is_pending_and_exits_zero(home, capsys):
    """Looking is not failing; --check is what fails. A file that is not there is no answer."""
    assert [main(["anima", verb]) for verb in ("status", "plan", "check", "rollback")] == [3] * 4
    assert "anima.db: is missing" in capsys.readouterr().err
    (home / "anima.db").touch()
    assert main(["anima", "status"]) == 0
    assert "0001.create" in capsys.readouterr().out
    assert main(["anima", "status", "--check"]) == 5
    assert main(["status", "anima", "--check"]) == 5


def test_apply_and_rollback_say_what_they_did(home, capsys):
    """As text for the operator, as JSON for the deploy."""
    assert main(["apply", "anima"]) == 0
    assert "applied 0001.create" in capsys.readouterr().out
    assert main(["apply", "anima", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ran"] == []
    assert main(["status", "anima", "--check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settled"] is True
    assert main(["rollback", "anima", "--to", "0001", "--json", "--yes"]) == 0
    assert "0002" in json.loads(capsys.readouterr().out)["undone"][-1]


def test_an_edited_file_exits_six(home, capsys, monkeypatch, tiny):
    """Diverged, and the file is named."""
    monkeypatch.setattr("apps.migrate.__main__.line", lambda _: tiny)
    assert main(["apply", "tiny"]) == 0
    (tiny.folder / "0002.add-handle.rollback.sql").write_text("SELECT 1;")

    assert main(["apply", "tiny"]) == 6
    assert "0002.add-handle.rollback.sql:1: was edited" in capsys.readouterr().err


def test_an_unknown_line_exits_two(capsys):
    """Refused, with the lines that exist."""
    assert main(["status", "animal"]) == 2
    assert "lines are" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["anima", "governance"])
def test_an_unset_environment_exits_two(name, capsys, monkeypatch):
    """There is no default place for a database."""
    monkeypatch.delenv("ANIMA_HOME", raising=False)
    monkeypatch.delenv("DB_POSTGRES_URL", raising=False)

    assert main(["status", name]) == 2
    assert "is not set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"postgresql+psycopg://u:{CANARY}@127.0.0.1:1/x", 3),
        (f"postgresql://u:p@{CANARY}@127.0.0.1:1/x", 2),
        (f"postgresql://u:p/{CANARY}@127.0.0.1:1/x", 2),
        (f"postgresql://u:%zz{CANARY}@127.0.0.1:1/x", 2),
        (f"postgresql:///x?host=/nowhere&password={CANARY}", 3),
        (f"postgresql://u:[{CANARY}@127.0.0.1:1/x", 2),
        (f"mysql://u:{CANARY}@h/x", 2),
    ],
)
def test_no_message_repeats_a_password(url, code, capsys, monkeypatch, tiny):
    """Not even of a URL that cannot be read."""
    monkeypatch.setattr("apps.migrate.__main__.line", lambda _: _in_postgres(tiny))
    monkeypatch.setenv("DB_POSTGRES_URL", url)

    assert main(["status", "tiny"]) == code
    assert main(["check", "tiny", "--live", "/dev/null"]) in {2, 3}
    said = capsys.readouterr()
    assert CANARY not in said.out + said.err
    assert said.err


def _in_postgres(line):
    return type(line)(line.name, "postgres", line.folder)
