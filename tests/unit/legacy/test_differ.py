"""How two answers differ, in one word."""

import pytest

from apps.legacy.shadow.differ import differ
from apps.legacy.shadow.readers import Rows, _rows_of
from schemas.governance.cutover import Class
from schemas.legacy.readers import AGENT, DISCOVERY, DISPUTE, EVENT, SESSION, STATE

AT, LATER = "2026-11-29T10:00:00", "2026-11-29T11:00:00"
STATED = (AT, 0.0, 1.0, 0.2, 0.0, 0.5, "STABLE")
FOUND = ("lumen", "insight", None, "open", AT, AT, None, "so", "", 0.5, "[]", '["a", "b"]', "[]",
         None, None)  # fmt: skip
SAID = [("lumen", "thesis", AT, "first", None), ("ember", "synthesis", LATER, "second", 1)]


def rows(reader, *told) -> Rows:
    """An answer, its values as a side gave them."""
    return _rows_of(reader, list(told), "UTC")


def changed(row, **other):
    """The same row with other values, by place."""
    return tuple(other.get(f"c{place}", each) for place, each in enumerate(row))


@pytest.mark.parametrize(
    ("reader", "old", "new", "found"),
    [
        (DISCOVERY, [FOUND], [FOUND], None),
        (DISCOVERY, [FOUND], [changed(FOUND, c11='["b", "a"]', c9=0.50)], None),
        (DISCOVERY, [FOUND], [changed(FOUND, c4=f"{AT}+00:00")], None),
        (DISCOVERY, [FOUND], [], Class.MISSING),
        (DISCOVERY, [], [FOUND], Class.MISSING),
        (DISCOVERY, [FOUND], [changed(FOUND, c5="2026-11-29T09:00:00")], Class.STALE),
        (DISCOVERY, [FOUND], [changed(FOUND, c7="other")], Class.MEANING),
        (DISCOVERY, [FOUND], [changed(FOUND, c9=None)], Class.MEANING),
        (DISCOVERY, [changed(FOUND, c7="5")], [changed(FOUND, c7=5.0)], Class.TYPE),
        (DISCOVERY, [changed(FOUND, c8="")], [changed(FOUND, c8=None)], Class.MEANING),
        (DISPUTE, SAID, SAID[::-1], Class.ORDER),
        (DISPUTE, SAID, SAID[:1], Class.MISSING),
        (DISPUTE, SAID, [SAID[0], changed(SAID[1], c4=True)], None),
        (STATE, [STATED], [changed(STATED, c1=-0.0)], Class.TYPE),
        (STATE, [STATED], [changed(STATED, c0=LATER, c1=0.9)], "own"),
        (STATE, [changed(STATED, c0=LATER)], [STATED], Class.STALE),
        (STATE, [], [STATED], "own"),
        (EVENT, [(1.0, '{"a": 1}')], [(1.0, '{"a":1.0}'), (1.0, '{"b": 2}')], "own"),
        (EVENT, [(1.0, '{"a": 1}')], [(1.0, '{"a": "1"}')], Class.MEANING),
        (AGENT, [("active", AT, None, None, "[]")],
         [("active", AT, None, None, "[]", "label", None, None)], None),
        (AGENT, [("active", AT, None, None, "[]")],
         [("paused", AT, None, None, "[]", "label", None, None)], Class.MEANING),
        (SESSION, [("lumen", AT, LATER)], [("lumen", AT, AT)], Class.STALE),
    ],
)  # fmt: skip
def test_two_answers(reader, old, new, found):
    """0.0 and -0.0, empty and null are not the same; the ways to write a value are."""
    assert differ(reader, rows(reader, *old), rows(reader, *new)) == found
