"""A month of loops is cut, archived and brought back; a replay brings it back, too."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from apps.soulfra.months import OWNERS, TABLES, bring_back, prune
from apps.soulfra.rebuild import rebuild
from schemas.errors import Refused
from tests.database.soulfra.test_rebuild import content

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
"""Long over, wherever the test's clock is."""


def in_january(conn):
    """All that happened is said to have happened in a January."""
    conn.execute("SELECT soulfra.create_loop_months(%s)", (FIRST,))
    at = "to_jsonb(timestamptz '2026-01-02+00' + ({} - date_trunc('day', {})))"
    conn.execute("ALTER TABLE log.events DISABLE TRIGGER USER")
    for key in ("created_at", "loop_created_at"):
        shift = f"(e.data ->> '{key}')::timestamptz"
        conn.execute(
            f"UPDATE log.events AS e SET data = jsonb_set(e.data, '{{{key}}}',"
            f" {at.format(shift, shift)}) WHERE e.data ? '{key}'"
        )
    conn.execute(
        "UPDATE log.events AS e SET data = jsonb_set(e.data, '{loops}', (SELECT jsonb_agg("
        " l || jsonb_build_object('created_at', timestamptz '2026-01-02+00' +"
        " ((l ->> 'created_at')::timestamptz"
        " - date_trunc('day', (l ->> 'created_at')::timestamptz))))"
        " FROM jsonb_array_elements(e.data -> 'loops') AS l)) WHERE e.type = 'cluster_formed'"
    )
    conn.execute("ALTER TABLE log.events ENABLE TRIGGER USER")
    rebuild(conn, mend=True)


@pytest.fixture
def owner(lived):
    """A database whose January is over."""
    with psycopg.connect(lived.owner, autocommit=True, options="-c timezone=UTC") as conn:
        in_january(conn)
        yield conn


def closed(conn):
    """Nothing of it is open any more."""
    conn.execute("UPDATE soulfra.votings SET status = 'refused', closed_at = now()"
                 " WHERE status = 'open'")  # fmt: skip
    conn.execute("UPDATE soulfra.clusters SET status = 'dissolved', dissolved_at = now()"
                 " WHERE status = 'active'")  # fmt: skip


def test_a_month_goes_into_the_archive_and_comes_back(owner, tmp_path):
    """With all that refers to its loops, row by row; what is still open keeps it."""
    with pytest.raises(Refused, match="still open: "):
        prune(owner, FIRST, tmp_path)
    closed(owner)
    before = content(owner)
    rows = prune(owner, FIRST, tmp_path)

    assert rows == {table: len(before[f"soulfra.{table}"]) for table in TABLES}
    assert all(count > 0 for count in rows.values())
    after = content(owner)
    assert all(after[f"soulfra.{table}"] == [] for table in TABLES)
    assert owner.execute("SELECT FROM pg_tables WHERE schemaname = 'retired'").fetchall() == []
    assert bring_back(owner, FIRST, tmp_path) == rows
    assert content(owner) == before
    with pytest.raises(Refused, match="are there"):
        bring_back(owner, FIRST, tmp_path)


def test_a_prune_that_was_killed_goes_on(owner, tmp_path, monkeypatch):
    """Cut, but not archived; archived in part."""
    closed(owner)
    before = content(owner)
    owner.execute("SELECT soulfra.cut_loop_month(%s)", (FIRST,))
    owner.execute("DROP TABLE retired.votes_2026_01")
    prune(owner, FIRST, tmp_path)
    found = {path.name.partition(".")[0] for path in tmp_path.iterdir()}
    assert found == {f"{each}_2026_01" for each in TABLES if each not in {"votes", OWNERS}}
    assert content(owner)["soulfra.users"] == before["soulfra.users"]


def test_an_older_archive_is_not_taken_for_a_new_one(owner, tmp_path):
    """What changed since it came back would be lost; what did not is not written twice."""
    closed(owner)
    rows = prune(owner, FIRST, tmp_path)
    with pytest.raises(Refused, match="there are none"):
        prune(owner, FIRST, tmp_path)
    bring_back(owner, FIRST, tmp_path)
    owner.execute("UPDATE soulfra.blessings SET blessed_by = blessed_by || ''")
    assert prune(owner, FIRST, tmp_path) == rows
    bring_back(owner, FIRST, tmp_path)
    owner.execute("UPDATE soulfra.blessings SET metadata = '{\"a\": 1}'")
    with pytest.raises(Refused, match="is an archive of other rows"):
        prune(owner, FIRST, tmp_path)


def test_a_replay_brings_a_month_back(owner, tmp_path):
    """The log is what is true."""
    before = content(owner)
    closed(owner)
    prune(owner, FIRST, tmp_path)
    assert "soulfra.loops" in rebuild(owner, mend=True).differing
    assert content(owner) == before


def test_a_month_that_is_not_over_or_not_there_stays(owner, tmp_path):
    """Neither by hand."""
    with pytest.raises(psycopg.errors.RaiseException, match="is not over"):
        owner.execute("SELECT soulfra.cut_loop_month(now())")
    with pytest.raises(Refused, match="there are none"):
        prune(owner, FIRST - timedelta(days=1), tmp_path)


def test_the_process_cuts_nothing(lived):
    """Its role may not."""
    with (
        psycopg.connect(lived.app) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("SELECT soulfra.cut_loop_month('2026-01-01+00')")
