"""What leaves the database is on the disk first, whole, and can come back."""

import gzip
import tracemalloc
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from apps.archive import archive, restore, verify
from schemas.errors import Diverged, Refused

AWKWARD = """
CREATE TABLE core.odd (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, said text, at timestamptz, "Data" jsonb,
    raw bytea, much double precision, tags text[],
    twice text GENERATED ALWAYS AS (said || said) STORED);
INSERT INTO core.odd (said, at, "Data", raw, much, tags) VALUES
    (NULL, 'infinity', '{"a": "\\"\\n,"}', '\\x00ff', 'NaN', '{}'),
    ('', '2026-03-01 00:00:00.000001+05:30', 'null', '', 0.1::float8 + 0.2,
     '{"a,b",NULL,"\\"q\\""}'),
    (E'line\\nand "quote", \\\\. and ü', '1969-12-31 23:59:59-11', NULL, NULL, -0.0, NULL),
    ('\\.', '-infinity', '[1, "x"]', '\\x5c2e', 1e-300, '{x}');
"""


@pytest.fixture
def owner(governance_database):
    """The owner's connection."""
    with psycopg.connect(governance_database.owner, autocommit=True) as conn:
        yield conn


def test_rows_come_back_as_they_were(owner, tmp_path):
    """Whatever the session's own formats are; generated columns are made anew."""
    owner.execute(AWKWARD)
    owner.execute(
        "SET timezone = 'Asia/Kolkata'; SET datestyle = 'German'; SET extra_float_digits = 0"
    )
    made = archive(owner, "core.odd", tmp_path / "new", "odd", migration="0009.drop-odd")
    owner.execute("CREATE TABLE core.again (LIKE core.odd INCLUDING ALL)")

    assert made.columns == ("id", "said", "at", "Data", "raw", "much", "tags")
    assert (made.rows, made.migration, made.table) == (4, "0009.drop-odd", "core.odd")
    assert made.size_bytes == (tmp_path / "new/odd.csv.gz").stat().st_size
    assert verify(tmp_path / "new", "odd") == made
    assert restore(owner, tmp_path / "new", "odd", "core.again") == 4
    differ = """SELECT count(*) FROM core.odd AS a FULL JOIN core.again AS b USING (id)
                 WHERE a::text IS DISTINCT FROM b::text"""
    assert owner.execute(differ).fetchone() == (0,)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["odd.csv.gz", "odd.json"]


def test_a_query_is_archived_too(owner, tmp_path):
    """Its columns are those that it gives; no row is a good answer."""
    made = archive(owner, sql.SQL("SELECT 1 AS one, 'x'::text AS x WHERE false"), tmp_path, "q")
    assert (made.rows, made.columns) == (0, ("one", "x"))
    assert gzip.decompress((tmp_path / "q.csv.gz").read_bytes()) == b"one,x\n"


def test_it_works_inside_a_transaction(governance_database, tmp_path):
    """A rollback that takes a snapshot first is one transaction."""
    with psycopg.connect(governance_database.owner) as conn:
        conn.execute("CREATE TABLE core.mine (a int)")
        conn.execute("INSERT INTO core.mine VALUES (1), (2)")
        assert archive(conn, "core.mine", tmp_path, "mine").rows == 2
        conn.execute("DROP TABLE core.mine")


def test_nothing_is_written_over(owner, tmp_path):
    """Nor is a table that is not there."""
    archive(owner, "core.calibration", tmp_path, "c")
    with pytest.raises(Refused, match="is there already"):
        archive(owner, "core.identities", tmp_path, "c")
    with pytest.raises(Refused, match="no such table"):
        archive(owner, "core.nothing", tmp_path, "d")
    with pytest.raises(Refused, match="no such archive"):
        restore(owner, tmp_path, "d", "core.calibration")


def spoil(path: Path, place: int) -> None:
    """Turn one bit."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "deed",
    [
        lambda folder: spoil(folder / "odd.csv.gz", -30),
        lambda folder: (folder / "odd.csv.gz").write_bytes(
            (folder / "odd.csv.gz").read_bytes()[:-20]
        ),
        lambda folder: (folder / "odd.csv.gz").unlink(),
        lambda folder: (folder / "odd.csv.gz").write_bytes(gzip.compress(b"id\n1\n")),
        lambda folder: (folder / "odd.json").write_text("{}"),
    ],
    ids=["a bit", "cut short", "gone", "other rows", "no manifest"],
)
def test_a_spoilt_archive_is_noticed(owner, tmp_path, deed):
    """And nothing of it is restored."""
    owner.execute(AWKWARD)
    archive(owner, "core.odd", tmp_path, "odd")
    owner.execute("CREATE TABLE core.again (LIKE core.odd INCLUDING ALL)")
    deed(tmp_path)

    with pytest.raises(Diverged, match=r"odd.json: is not what it was"):
        restore(owner, tmp_path, "odd", "core.again")
    assert owner.execute("SELECT count(*) FROM core.again").fetchone() == (0,)


def test_memory_is_bounded(owner, tmp_path):
    """Forty megabytes go by in pieces."""
    wide = sql.SQL("SELECT n, repeat('x', 400) AS x FROM generate_series(1, 100000) AS n")
    tracemalloc.start()
    try:
        made = archive(owner, wide, tmp_path, "wide")
        assert made.rows == 100_000
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
