"""One text per value: what is the same has the same, and what is not has another."""

import json
import math
import sqlite3
import tracemalloc
from contextlib import closing
from decimal import Decimal

import pytest

from apps.legacy.verify import scratch as scratches
from apps.legacy.verify.canonical import (
    Instants,
    Unfit,
    canonical,
    digest,
    number,
    parse,
    real,
    text,
)
from apps.legacy.verify.compare import Comparison
from apps.legacy.verify.findings import Findings, parted
from apps.legacy.verify.house import digests
from apps.legacy.verify.rows import Reader
from apps.legacy.verify.scratch import Found, Told
from apps.legacy.verify.targets import EVENTS, TAGS
from tests.legacy.databases import write
from tests.legacy.nasty import NUMBERS, TEXTS


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.0", "1"), ("1e2", "100"), ("-0.0", "0"), ("-0", "0"), ("0.10", "0.1"), ("1E-5", "0.00001"),
     ("1e308", "1" + "0" * 308), ("0.30000000000000004", "0.300000000000000041"),
     ("1e400", "1" + "0" * 400)],
)  # fmt: skip
def test_one_value_written_twice_is_one(one, other):
    """However it is written; as Postgres writes it, too."""
    assert number(one) == number(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("9007199254740993", "9007199254740992"), ("0.1", "0.10000000000000002"), ("1e-400", "0"),
     ("4611686018427387904", "4611686018427387905"), ("1e400", "1e401")],
)  # fmt: skip
def test_two_values_are_two(one, other):
    """To the last bit, and a whole number to its last digit."""
    assert number(one) != number(other)


def test_a_number_is_its_value():
    """Of every nasty one, as Python, JSON and Postgres would read it."""
    for value in NUMBERS:
        assert Decimal(number(repr(value))) == Decimal(repr(value)) or value == 0
        assert canonical(parse(json.dumps({"n": value}))) == canonical({"n": value})
    for bad in ("NaN", "Infinity", "-Infinity"):
        with pytest.raises(Unfit):
            parse(f'{{"n": {bad}}}')


def test_a_column_of_numbers_tells_zeros_apart():
    """From each other, from null, and the next from the one before."""
    values = [0.0, -0.0, None, math.nextafter(0, 1), 1.0, math.nextafter(1, 2)]
    assert len({real(value) for value in values}) == len(values)


def test_keys_are_sorted_and_texts_are_as_they_are():
    """Whatever the order, and whether it was written in ASCII."""
    one = json.dumps({"b": list(TEXTS), "a": None, "é": {}}, ensure_ascii=True)
    other = json.dumps({"é": {}, "a": None, "b": list(TEXTS)}, ensure_ascii=False)
    assert canonical(parse(one)) == canonical(parse(other))
    assert canonical(parse('["1", 1, true, null, ""]')) == '["1",1,true,null,""]'


def test_null_and_empty_and_borders_are_told_apart():
    """No two rows have one digest by where a value ends."""
    rows = [("ab", ""), ("a", "b"), ("", "ab"), (None, "ab"), ("ab", None), ("-", "ab"),
            ("ab",), ("ab", "", ""), ("+2 ab", ""), (None, None), ("", "")]  # fmt: skip
    assert len({digest(row) for row in rows}) == len(rows)


@pytest.mark.parametrize("bad", ["nul\0", "\udcff", b"bytes"])
def test_what_no_column_holds_is_no_text(bad):
    """It must be among the rejected."""
    with pytest.raises(ValueError, match=r"NUL|surrogates|bytes"):
        text(bad)


def test_an_instant_is_utc_to_the_microsecond():
    """An hour that came twice is its first pass, one that never was as before it."""
    instant = Instants("America/Denver")
    assert instant("2025-11-02T01:30:00") == "2025-11-02T07:30:00.000000Z"
    assert instant("2025-03-09T02:30:00") == "2025-03-09T09:30:00.000000Z"
    assert instant("2025-11-27T16:23:40.485963+00:00") == "2025-11-27T16:23:40.485963Z"
    assert instant(None) is None


def test_an_id_beside_an_event_makes_it_no_other():
    """A row and a line tell of one; any other byte makes two."""
    plain, beside = [
        '{"a":1,"beside":{"confidence":1}}',
        '{"a":1,"beside":{"confidence":1,"id":7}}',
    ]
    assert digests(EVENTS, ["x", "t", plain])[0] == digests(EVENTS, ["x", "t", beside])[0]
    assert digests(EVENTS, ["x", "t", plain])[1] != digests(EVENTS, ["x", "t", beside])[1]
    assert digests(EVENTS, ["y", "t", plain])[0] != digests(EVENTS, ["x", "t", plain])[0]


def test_values_are_cut_where_they_part():
    """Two that are a megabyte long show the byte."""
    before, now = parted("x" * 10**6 + "a" + "y" * 10**6, "x" * 10**6 + "b" + "y" * 10**6)
    assert len(before) < 200
    assert "xa" in before
    assert "xb" in now
    assert parted(None, "") == (None, "")


def test_memory_does_not_grow_with_the_rows(monkeypatch):
    """Both sides lie in a file; a difference in the last of many batches is found."""
    rows = 15_000
    with scratches.scratch() as both:
        cells = [json.dumps([f"v{n}"]) for n in range(7)]
        tracemalloc.start()
        told = (Told(f"{n:09}", b"", digest(cells[n % 7]), None, 0, n, cells[n % 7])
                for n in range(rows))  # fmt: skip
        last = json.dumps(["another"])
        found = (
            Found(f"{n:09}", b"", digest(said), None, True, False, said)
            for n in range(rows)
            for said in [cells[n % 7] if n < rows - 1 else last]
        )
        both.tell(TAGS, told)
        both.find(TAGS, found)
        findings = Findings()
        origin = type("Origin", (), {"file": "f", "part": "p", "again": None})()
        said = Comparison(both, TAGS, [origin], lambda *_: [], alone=True).run(findings)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert (said.old, said.new, said.batches, said.differing) == (rows, rows, 3, 1)
    assert [(each.key, each.column) for each in findings.first] == [
        (f"{rows - 1:09}", "created_at")
    ]
    assert findings.batches[0].first == f"{rows - 5_000:09}"
    assert peak < 12 << 20


def test_every_row_is_read_once_whatever_its_size(tmp_path, monkeypatch):
    """In pieces by their number and their bytes; a writer gets its turn between two."""
    path = write(tmp_path / "old.db", "B", 100)
    monkeypatch.setattr("apps.legacy.verify.rows.ROWS", 7)
    monkeypatch.setattr("apps.legacy.verify.rows.BYTES", 300)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DELETE FROM audit_events WHERE id % 3 = 0")
        ids = [each for (each,) in db.execute("SELECT id FROM audit_events ORDER BY id")]
        db.execute("BEGIN")
        found = [given.at for given in Reader(db, path, "audit_events")]

    assert found == ids
