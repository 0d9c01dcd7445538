"""The generator: both variants, the same again for a seed, and nothing nasty left out."""

import json
import sqlite3
import tracemalloc
from contextlib import closing

import pytest

from tests.legacy.databases import write
from tests.legacy.directory import audit_log, make
from tests.legacy.nasty import MEGABYTE, TEXTS


def dump(path):
    """All that a database holds, as text."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


@pytest.mark.parametrize("variant", ["A", "B", "K"])
def test_a_seed_gives_the_same_rows_again(tmp_path, variant):
    """And another seed gives others."""
    first, again, other = (
        dump(write(tmp_path / name, variant, 60, seed))
        for name, seed in [("1", 5), ("2", 5), ("3", 6)]
    )

    assert first == again
    assert variant == "K" or first != other


def test_a_directory_is_the_same_for_a_seed(tmp_path):
    """Text files to the byte."""
    one, two = make(tmp_path / "1", rows=50, seed=3), make(tmp_path / "2", rows=50, seed=3)
    texts = [file for file in sorted(one.rglob("*.json*")) if file.is_file()]

    assert len(texts) > 4
    assert all(file.read_bytes() == (two / file.relative_to(one)).read_bytes() for file in texts)


def test_nothing_nasty_is_left_out(tmp_path):
    """Zero, NULL, empty, a megabyte, an orphan edge, a missing hash, extremes of numbers."""
    with closing(sqlite3.connect(write(tmp_path / "a", "A", 400))) as db:
        one = lambda sql: db.execute(sql).fetchone()[0]  # noqa: E731
        assert one("SELECT count(*) FROM agent_state WHERE E = 0.0")
        assert one("SELECT count(*) FROM audit_events WHERE raw_hash IS NULL")
        assert one(
            "SELECT count(*) FROM discovery_edges WHERE dst_id NOT IN (SELECT id FROM discoveries)"
        )
        assert one("SELECT max(length(details)) FROM discoveries") == MEGABYTE
        assert one("SELECT max(confidence) FROM audit_events") == 1e308
        assert one("SELECT min(V) FROM agent_state") == -1e308
        assert one("SELECT max(total_updates) FROM agent_metadata") == 2**62
        assert one("SELECT count(DISTINCT summary) FROM discoveries") == len(TEXTS)
        assert one("SELECT count(*) FROM audit_events_fts") == one(
            "SELECT count(*) FROM audit_events"
        )


def test_the_log_says_some_lines_twice_and_streams(tmp_path):
    """Five thousand lines cost no more memory than their longest."""
    tracemalloc.start()
    path = audit_log(tmp_path / "log", 5_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    lines = path.read_text().splitlines()

    assert len(lines) == 5_000
    assert len(set(lines)) == 4_950
    assert all(json.loads(line)["timestamp"] for line in lines)
    assert peak < 12 * MEGABYTE
