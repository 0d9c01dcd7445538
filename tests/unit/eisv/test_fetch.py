"""What comes over ssh comes once, whole, and without standing in the writer's way.

The line is a shell of this machine: what runs on the Pi is the same, word for word.
"""

import json
import sqlite3
import stat
import sys
from contextlib import closing
from datetime import UTC, datetime

import pytest

from apps.eisv import dataset, on_pi
from apps.eisv.selection import Selection
from apps.eisv.sources import of_file
from apps.ops import eisv
from apps.ops.eisv import Fetch, Pi, kept
from apps.ops.eisv_cache import Cache
from schemas.errors import Diverged, Unreachable

DAY_3 = "2026-11-03"


@pytest.fixture
def pi(history, tmp_path):
    """A Pi whose shell is at hand."""
    return Pi("pi", ("sh", "-c"), sys.executable, str(history), str(tmp_path / "archive"))


@pytest.fixture
def cache(tmp_path):
    """An empty cache."""
    return Cache(tmp_path / "cache")


@pytest.fixture
def fetch(cache, pi):
    """Fetches; gives how many rows came."""

    def run(selection=None, chunk=100, pi=pi, note=lambda _: None):
        came = []
        Fetch(cache, progress=came.append, note=note, chunk_rows=chunk).from_pi(
            pi, selection or Selection()
        )
        return sum(came)

    return run


@pytest.fixture
def same(published, dataset_of, cache):
    """Whether what is in the cache makes the same data set as the file itself."""

    def look(path=None):
        whole = dataset_of(of_file(path, None, Selection())) if path else published
        came = dataset_of(kept(cache, "lumen", Selection()))
        for name in ("drawing", "anima", "gaps"):
            told, read = dataset.read(whole, name), dataset.read(came, name)
            names = [column for column in told.column_names if column != "source"]
            assert read.select(names).equals(told.select(names)), name

    return look


def write(path, sql, *values):
    """A change on the Pi."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql, values)


AGAIN = """INSERT INTO drawing_history (timestamp, E, I, S, V, C, marks)
VALUES ('2026-11-04T12:00:00.000000+00:00', 0.1, 0.2, 0.3, 0.4, 0.5, 10)"""


def test_what_came_is_what_is_there(fetch, same):
    """Every digit, every event, every gap."""
    assert fetch() == 1126 + 2880 + 6
    same()


def test_a_second_fetch_brings_only_what_is_new(fetch, same, history, cache):
    """Nothing, then one row."""
    fetch()
    before = sorted((path.name, path.stat().st_mtime_ns) for path in cache.folder.rglob("*.gz"))
    assert fetch() == 0
    assert sorted((p.name, p.stat().st_mtime_ns) for p in cache.folder.rglob("*.gz")) == before
    write(history, AGAIN)
    assert fetch() == 1
    same(history)


def test_a_span_brings_its_rows_and_the_rest_comes_later(fetch, same):
    """Chunks know which ids they cover."""
    day = Selection(datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC))
    some = fetch(day)
    assert 1200 < some < 1500
    assert fetch(day) == 0
    assert fetch() == 1126 + 2880 + 6 - some
    same()


def test_a_line_that_breaks_costs_nothing_that_came(fetch, same, pi, tmp_path):
    """The next one goes on from there."""
    breaking = tmp_path / "line"
    breaking.write_text('#!/bin/sh\nsh -c "$1" | head -c 60000\n')
    breaking.chmod(breaking.stat().st_mode | stat.S_IXUSR)
    pi.shell = (str(breaking),)
    with pytest.raises(Unreachable, match="the line broke") as broken:
        fetch()
    assert "what has come is kept" in broken.value.hint
    pi.shell = ("sh", "-c")
    rest = fetch()

    assert 0 < rest < 1126 + 2880 + 6 - 300
    same()


def test_another_file_is_not_taken_for_a_longer_one(fetch, same, specimen, history, cache):
    """A Pi that was set up anew counts from 1 again; a note says so."""
    fetch()
    history.unlink()
    specimen.nights(history, days=2, seed=8)
    said = []
    fetch(note=said.append)

    assert len([line for line in said if "of another file" in line]) == 3
    same(history)
    aside = sorted(path.name for path in (cache.folder / "aside").iterdir())
    assert aside == ["drawing_history-1", "events-1", "state_history-1"]


def test_a_row_that_was_timed_anew_is_fetched_anew(fetch, same, history):
    """A clock that was set after the newest row was written changes that row."""
    fetch()
    sql = "UPDATE drawing_history SET timestamp = ? WHERE id = 1126"
    write(history, sql, "2026-11-03T19:30:00.000000+00:00")
    fetch()

    same(history)


SHIFTS = """CREATE TABLE IF NOT EXISTS clock_shifts (id INTEGER PRIMARY KEY, kernel_boot_id TEXT,
table_name TEXT, from_id INT, upto_id INT, next_id INT, shift_microseconds INT, reason TEXT)"""


def shift(path, first, last, upto):
    """An hour forth, as the Pi's clock does it: so far only up to an id."""
    write(path, SHIFTS)
    values = "NULL, 'b', 'drawing_history', ?, ?, ?, 3600000000, 'known'"
    write(path, f"INSERT INTO clock_shifts VALUES ({values})", first, last, upto + 1)
    move(path, first, upto)


def move(path, first, last):
    """Rows, an hour forth."""
    moved = "timestamp = replace(timestamp, 'T19', 'T20')"
    write(path, f"UPDATE drawing_history SET {moved} WHERE id BETWEEN ? AND ?", first, last)


def test_rows_that_were_timed_anew_are_fetched_anew(fetch, same, history):
    """Those chunks and no others; as long as rows are being moved, each time."""
    fetch()
    shift(history, 1050, 1126, upto=1080)
    assert fetch() == 126
    assert fetch() == 126
    move(history, 1081, 1126)
    write(history, "UPDATE clock_shifts SET next_id = 1127")
    assert fetch() == 126
    same(history)
    assert fetch() == 0


def test_archives_come_once_and_are_merged(*, fetch, same, specimen, history, tmp_path, cache):
    """As they lie there; rows that were live at the first fetch come once as well."""
    fetch()
    for table in ("drawing_history", "state_history"):
        specimen.archived(history, tmp_path / "archive", before=DAY_3, table=table)
    assert fetch() == 0
    names = sorted(path.name for path in (cache.folder / "archive").rglob("*.gz"))
    assert len(names) == 4
    before = [path.stat().st_mtime_ns for path in (cache.folder / "archive").rglob("*.gz")]
    fetch()
    assert [p.stat().st_mtime_ns for p in (cache.folder / "archive").rglob("*.gz")] == before
    same()


def test_archives_alone_are_enough(fetch, same, specimen, history, tmp_path):
    """A cache that is made after the rows were archived."""
    for table in ("drawing_history", "state_history"):
        specimen.archived(history, tmp_path / "archive", before=DAY_3, table=table)
    fetch()

    same()


def test_a_chunk_that_rots_is_fetched_again(fetch, same, cache):
    """And offline it is refused by name."""
    fetch()
    chunk = sorted((cache.folder / "drawing_history").glob("*.gz"))[2]
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    with pytest.raises(Diverged, match=chunk.name):
        kept(cache, "lumen", Selection(), offline=True)

    assert fetch() == 100
    same()


def test_half_a_chunk_is_none(fetch, same, cache):
    """A fetch that was killed between the files of a chunk."""
    fetch()
    min((cache.folder / "state_history").glob("*.have")).unlink()

    assert fetch() == 100
    same()


def test_no_reader_is_left_open_while_a_chunk_is_sent(history, monkeypatch):
    """However slow the line: the Pi's writer can put its whole log away at that moment."""
    write(history, AGAIN)
    with closing(sqlite3.connect(history, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        blocked = []

        def send(head, body=b""):
            writer.execute(AGAIN)
            blocked.append(writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])

        monkeypatch.setattr(on_pi, "_send", send)
        with closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True)) as db:
            columns = ["id", "timestamp", "E"]
            spans = [["drawing_history", columns, 1, 1000]]
            on_pi.rows(db, {"spans": spans, "chunk": 100})

    assert blocked == [0] * 10


def test_a_pi_that_does_not_answer_is_unreachable(fetch, pi):
    """With ssh's own last line, and what can be done."""
    pi.shell = ("sh", "-c", "echo 'ssh: connect to host pi port 22: No route' >&2; exit 255")
    with pytest.raises(Unreachable, match="No route") as refusal:
        fetch()
    assert "--offline" in refusal.value.hint


def test_nothing_but_its_text_is_on_the_pi(fetch, history):
    """Neither a file of ours nor one of SQLite's stays."""
    with closing(sqlite3.connect(history)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("SELECT max(id) FROM drawing_history").fetchone()
        before = set(history.parent.iterdir())
        fetch()

        assert {path.name for path in set(history.parent.iterdir()) - before} == {"cache"}


def test_what_is_cached_can_be_read_by_hand(fetch, cache):
    """It has the form of the Pi's archives."""
    fetch()
    manifest = json.loads(min((cache.folder / "drawing_history").glob("*.json")).read_text())

    assert (manifest["rows"], manifest["covers"]) == (100, [1, 100])
    assert eisv.CHUNK_ROWS == 5_000
