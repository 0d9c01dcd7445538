"""A line that is cut is the row that it would be if it were parsed."""

import json
import random
from uuid import UUID, uuid5

import pytest

from apps.legacy import lines
from apps.legacy.row import NAMESPACE, made_id, own_id, with_beside
from apps.legacy.zone import Clock
from tests.legacy.directory import audit_line
from tests.legacy.nasty import TEXTS, ZONE, one

TURN = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r", "\\N": None}


def cells(row):
    """Values out of COPY's text, the last one as JSON."""
    *plain, payload = row.rstrip("\n").split("\t")
    return [*(TURN.get(each, each) for each in plain), json.loads(payload.replace("\\\\", "\\"))]


@pytest.mark.parametrize("seed", range(3))
def test_a_cut_line_is_a_parsed_line(seed):
    """In month, id, instant, names and all that it says."""
    dice = random.Random(seed)
    cut = 0
    for number in range(400):
        line = audit_line(number, dice) | {"agent_id": f"agent {number}"}
        line["details"][one(TEXTS, number)] = {"metadata": dice.random(), "in": [None, {}]}
        line["metadata"] = one((None, {}, {"details": {}, "metadata": "}"}), number)
        text = json.dumps(line)
        found = lines.cut_audit(text, text.encode(), Clock(ZONE))
        meant = lines.parse_audit(text, text.encode(), Clock(ZONE))
        if found is not None:
            cut += 1
            assert found[0] == meant[0]
            assert cells(found[1]) == cells(meant[1])

    assert cut > 350


@pytest.mark.parametrize("success", ["true", "false"])
def test_a_cut_call_is_a_parsed_call(success):
    """Null and empty are two things."""
    for agent in ("null", '""', '"a"'):
        text = ('{"timestamp": "2025-11-28T04:10:24.346843", "tool_name": "t", "agent_id": '
                f'{agent}, "success": {success}, "error_type": null}}')  # fmt: skip
        found = lines.cut_usage(text, text.encode(), Clock(ZONE))
        assert found == lines.parse_usage(text, text.encode(), Clock(ZONE))


def test_the_id_of_a_row_is_a_uuid5_and_an_old_one_only_when_it_is_one():
    """The same for the same."""
    given = "3D81D853-0000-4000-8000-000000000001"

    assert UUID(made_id(b"line")) == uuid5(UUID(bytes=NAMESPACE), "line")
    assert own_id(given) == given.lower()
    assert not any(map(own_id, (None, 7, "usage_7", given.replace("-", ""), "x" * 36)))


@pytest.mark.parametrize("told", ["{}", "{ }", '{"a": {}}', '{"a": "}"} '])
def test_what_is_beside_lies_in_the_object(told):
    """Whatever it holds."""
    assert json.loads(with_beside(told.strip(), '"b": 0.0')) == {
        **json.loads(told),
        "beside": {"b": 0.0},
    }


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_beyond_all_measure_is_one_line(tmp_path, monkeypatch, end):
    """Only its beginning is held in memory; what comes after it has its place and number."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 4)
    monkeypatch.setattr(lines, "LINE_BYTES", 8)
    path = tmp_path / "log"
    path.write_bytes(b"a\n" + b"x" * 100 + b"\nb" + end)
    found = list(lines.blocks(path, 0, 1))
    last = found[-1]

    assert max(len(line) for block in found for line in block.lines) < 20
    assert last.number + len(last.lines) - 1 == 3
    assert last.offset + last.size == (105 if end else 103)
    assert [block.torn for block in found if block.lines[-1] == b"b"] == [not end]


def test_blocks_are_whole_lines_wherever_they_are_cut(tmp_path, monkeypatch):
    """Numbers and offsets go on; only the end may be torn."""
    path = tmp_path / "log"
    told = [b"x" * length for length in (0, 1, 7, 8, 9, 30, 3)]
    path.write_bytes(b"\n".join(told))
    for size in range(1, 40):
        monkeypatch.setattr(lines, "BLOCK_BYTES", size)
        found = list(lines.blocks(path, 0, 1))
        assert [line for block in found for line in block.lines] == told
        assert [block.torn for block in found] == [False] * (len(found) - 1) + [True]
        for block in found:
            body = path.read_bytes()[: block.offset]
            assert block.number == body.count(b"\n") + 1
            assert path.read_bytes()[: block.offset + block.size].endswith(b"\n")
