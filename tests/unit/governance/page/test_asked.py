"""What a reader asks for in the address."""

from datetime import UTC, datetime

import pytest

from apps.governance.page.asked import LARGEST, LAST, LAST_EVENT, Asked
from apps.governance.page.render import age, cut, link, marked, number, pairs
from schemas.errors import Refused


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "x" * 201), ("text", "a\x00b"), ("text", "\ud800"),
        ("number", "-1"), ("number", "1.5"), ("number", "9" * 20), ("number", "\u0661"),
        ("before", "yesterday"), ("before", "2026-01-01T00:00:00"),
        ("before", "0001-01-01T00:00:00+00:00"), ("before", "9999-12-31T23:59:59-12:00"),
        ("event", "1"), ("event", "g" * 32), ("word", "maybe"),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(name, value):
    """In a sentence that names it; never a crash."""
    asked = Asked({"x": value})
    more = {"number": (0,), "word": (("yes", "no"),)}.get(name, ())

    with pytest.raises(Refused, match=r"^x: "):
        getattr(asked, name)("x", *more)


def test_what_is_absent_is_the_widest():
    """The newest rows, whatever they are."""
    asked = Asked({})

    assert (asked.text("q"), asked.number("n", LARGEST)) == ("", LARGEST)
    assert (asked.before(), asked.event()) == (LAST, LAST_EVENT)


def test_an_instant_is_taken_in_any_offset():
    """And held in UTC."""
    asked = Asked({"before": "2026-01-01T01:00:00+01:00"})

    assert asked.before() == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_link_leaves_out_what_is_empty_and_quotes_the_rest():
    """Names of agents may hold colons, those of discoveries anything."""
    assert link("/p", id="a:b&c=d", q="", n=None) == "/p?id=a%3Ab%26c%3Dd"
    assert link("/p") == "/p"


def test_hits_are_marked_and_nothing_else_is_markup():
    """Even where the text holds the marks, or half of one."""
    assert marked("<b>\x02x\x03</b>") == "&lt;b&gt;<mark>x</mark>&lt;/b&gt;"
    assert marked("\x03a\x02b") == "ab"
    assert marked("\x02\x02a\x03") == "<mark>a</mark>"


def test_texts_are_cut_and_numbers_are_short():
    """A payload of a megabyte is a line."""
    assert cut("x" * 500, 10) == "x" * 9 + "…"
    assert len(pairs({str(n): "x" * 9_999 for n in range(99)})) == 8
    assert pairs({"n": float("1e300"), "d": {"a": 1}}) == [("n", "1e+300"), ("d", '{"a": 1}')]
    assert (number(None), number(-0.5), number(-0.0)) == (
        "\N{EN DASH}",
        "\N{MINUS SIGN}0.50",
        "0.00",
    )


def test_ages_are_told_in_one_unit():
    """And never negative: clocks differ."""
    now = datetime(2026, 1, 2, tzinfo=UTC)

    assert age(datetime(2026, 1, 1, tzinfo=UTC), now) == "1 d ago"
    assert age(datetime(2026, 1, 3, tzinfo=UTC), now) == "0 s ago"
