"""A whole directory of nasty data: every row is somewhere, and a second run changes nothing."""

import pytest

from tests.legacy.directory import audit_log, make
from tests.legacy.nasty import BROKEN_LINES, UNFIT


@pytest.mark.parametrize("variant", ["A", "B"])
def test_every_row_is_taken_or_named_and_again_changes_nothing(house, tmp_path, variant):
    """What database and log tell of, or the log twice, is one event; no raw key is anywhere."""
    folder = make(tmp_path / "data", variant, 200)
    said = house.bring(folder)
    before, rows = house.checksum(), house.rows()
    again = house.bring(folder)
    events = [part for part in said.parts if part.target == "audit.events"]
    also = {"A": 9 + 3, "B": 9}[variant]

    assert [part.read for part in events] == [200 + also, 200]
    # Two are numbers that a REAL column could not keep, so that they say another thing.
    assert said.repeated == also - 2 + 2
    assert house.one("SELECT count(*) FROM audit.events") == 400 + also - said.repeated
    assert house.checksum() == before, sorted({*house.rows()} ^ {*rows})
    assert (again.repeated, again.vertices) == (0, 0)
    assert said.rejected == again.rejected == house.one("SELECT count(*) FROM legacy.rejected")
    assert not any("key-" in row or "raw-" in row for row in rows)
    assert not said.not_understood


def test_what_no_column_can_hold_is_named_line_by_line(house, tmp_path):
    """NaN, NUL, half a character, a key like ours, lines that are none, and a torn end."""
    folder = tmp_path / "data"
    folder.mkdir()
    audit_log(folder / "audit_log.jsonl", 20, broken=True)
    house.bring(folder)
    bad = len(BROKEN_LINES) + len(UNFIT) + 1

    assert house.one("SELECT count(*) FROM audit.events") == 20
    assert {*house.reasons("lines")} == {str(number) for number in range(21, 21 + bad)}


def test_what_is_not_understood_is_passed_over_and_said(house, old):
    """A table or a column that nobody knows is not lost in silence."""
    folder = old("A")
    (folder / "what.bin").write_bytes(b"\xff")
    said = house.bring(folder)

    assert not said.is_whole
    assert said.not_understood == ["what.bin: is nothing that an old writer made"]
