"""A line is known by its bytes."""

import json

import pytest

from apps.governance.trail.line import ORIGIN, Tip, is_sealed, link, seal

BODY = b'{"event_id":"e-1","payload":{"a":"\\"seq\\":9}"}}'


def test_a_sealed_line_says_where_it_belongs():
    """Its number, the hash before it and its own; it is JSON still."""
    line, tip = seal(BODY, Tip())
    second, end = seal(BODY, tip)

    assert json.loads(line) == {**json.loads(BODY), "seq": 1, "prev": ORIGIN, "hash": tip.hash}
    assert link(second[:-1]) == (2, tip.hash, end.hash)
    assert link(second[:-1]).tip == end
    assert end.hash != tip.hash


@pytest.mark.parametrize("place", range(0, 250, 7))
def test_a_changed_byte_is_seen(place):
    """Wherever it is: the seal breaks, or the line has none any more."""
    line = seal(BODY, Tip(41, "ab" * 32))[0][:-1]
    place %= len(line)
    changed = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
    said = link(changed)

    assert is_sealed(line, link(line))
    assert said is None or not is_sealed(changed, said)


def test_what_only_looks_like_a_link_is_none():
    """A payload cannot pretend to be a place in the chain."""
    fake = b'{"payload":{"x":1,"seq":1,"prev":"%s","hash":"%s"}}' % (b"0" * 64, b"1" * 64)

    assert link(fake) is None
    assert link(b"") is None
    assert link(b"nonsense") is None
