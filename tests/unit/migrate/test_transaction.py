"""Only the runner begins and ends its transaction, wherever a file says it."""

import sqlite3
from contextlib import closing

import pytest

from apps.migrate import runner
from apps.migrate.lines import Line
from apps.migrate.statements import endings
from schemas.errors import Refused

ENDINGS = [
    "END;", "SELECT 1; COMMIT;", "/*x*/ COMMIT;", "/* -- ; */ abort", "BEGIN IMMEDIATE;",
    "SELECT ';' ; -- ;\nSAVEPOINT a;", "SELECT 1;;\tRelease a",
]  # fmt: skip
POSTGRES = [
    "PREPARE\n TRANSACTION 'x'", "START TRANSACTION", "/* a /* b */ c */ COMMIT",
    r"SELECT E'a\';', 'b'; COMMIT", "DO $$ BEGIN NULL; END $$; END", 'SELECT 1 AS "a;"; ABORT',
]  # fmt: skip
HARMLESS = [
    "SELECT 1 AS \"a; COMMIT\", ';COMMIT'; -- ;COMMIT;\n/*;COMMIT;*/",
    "UPDATE cups SET name = 'END;\nCOMMIT;';", "CREATE TABLE commits (begin_at TEXT);",
]  # fmt: skip
TRIGGER = "CREATE TRIGGER a AFTER DELETE ON cups BEGIN DELETE FROM b; SELECT 1; END;"
BODIES = "DO $x$\nCOMMIT;\n$x$;\nDO $$\nROLLBACK;\n$$; PREPARE a AS SELECT $1;"


@pytest.mark.parametrize("text", [*ENDINGS, *POSTGRES])
def test_an_ending_is_found_wherever_it_stands(text):
    """Behind another statement, a comment, a literal or a body."""
    assert len(list(endings(text, "postgres"))) == 1
    assert text not in ENDINGS or len(list(endings(text, "sqlite"))) == 1


@pytest.mark.parametrize("text", HARMLESS)
def test_a_word_is_no_ending(text):
    """In literals, names and comments."""
    assert not [*endings(text, "postgres"), *endings(text, "sqlite")]


def test_bodies_and_triggers_have_their_own(tiny):
    """A procedure may commit; a trigger begins and ends."""
    assert not list(endings(TRIGGER, "sqlite"))
    assert not list(endings(BODIES, "postgres"))
    (tiny.folder / "0002.add-handle.sql").write_text(f"-- ensure: SELECT 1\n{TRIGGER}")
    tiny.check()


@pytest.mark.parametrize("text", ENDINGS)
def test_a_line_with_one_is_refused(tiny, text):
    """Before anything runs."""
    (tiny.folder / "0002.add-handle.rollback.sql").write_text(f"SELECT 1;\n{text}")
    with pytest.raises(Refused, match=r"rollback\.sql:[23]: only the runner ends"):
        tiny.check()


@pytest.mark.parametrize("word", ["END", "COMMIT; BEGIN", "SAVEPOINT a", "ROLLBACK"])
def test_sqlite_itself_denies_it(tiny, database, monkeypatch, word):
    """Even if nobody had read the file: the rehearsal of a rollback destroys nothing."""
    runner.apply(tiny, database)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("INSERT INTO cups (name) VALUES ('a')")
    monkeypatch.setattr(Line, "check", lambda _: None)
    monkeypatch.setattr(
        Line, "sql", lambda *_, **__: f"-- lossy: all\nDELETE FROM cups;\n{word};\n"
    )
    monkeypatch.setattr(runner.Ledger, "check", lambda *_: None)
    with pytest.raises(Refused, match="line 3: only the runner ends its transaction"):
        runner.rollback(tiny, database)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM cups").fetchone() == (1,)
