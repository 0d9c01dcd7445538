"""Lines over time, point by point."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from apps.governance.page.chart import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    SPANS,
    TOP,
    WIDTH,
    Series,
    Window,
    chart,
    x_ticks,
    y_ticks,
)
from apps.governance.page.eisv import panels
from apps.governance.page.rows import State
from apps.governance.verdict import Thresholds

NOW = datetime(2026, 11, 28, 18, 7, 31, tzinfo=UTC)
DAY = Window.ending(NOW, SPANS["24h"])


def line(*points, window=DAY):
    """The one line of a chart of these minutes before the end, and their values."""
    told = [(window.until - timedelta(minutes=before), value) for before, value in points]
    return chart("t", "s", [Series("a", "b", told)], window).lines[0]


def test_a_window_ends_on_a_whole_step_and_holds_now():
    """So that two looks within a step draw the same axis."""
    for span in SPANS.values():
        window = Window.ending(NOW, span)
        assert window.since < NOW <= window.until
        assert window.until.timestamp() % span.step_seconds == 0
        assert (window.until - window.since).total_seconds() == span.seconds


def test_the_ends_of_the_window_are_the_ends_of_the_axis():
    """And the lowest and highest values lie on the lowest and highest ticks, or within."""
    drawn = line((24 * 60, 0.0), (24 * 60 - 10, 1.0), (10, 0.5), (0, 0.5))
    first = drawn.path.removeprefix("M").split("L")[0]

    assert first == f"{LEFT:.1f} {HEIGHT - BOTTOM:.1f}"
    assert (drawn.x, drawn.y) == (WIDTH - RIGHT, round((TOP + HEIGHT - BOTTOM) / 2, 1))


def test_a_gap_breaks_the_line_and_a_lonely_point_is_a_dot():
    """Where nobody checked in nothing is drawn."""
    drawn = line((100, 0.1), (90, 0.2), (50, 0.3), (20, 0.4), (10, 0.5))

    assert drawn.path.count("M") == 2
    assert len(drawn.dots) == 1


def test_what_was_not_measured_is_a_gap():
    """An agent that stopped drawing has no line there."""
    drawn = line((30, 0.1), (20, 0.2), (10, None), (5, 0.3), (0, 0.4))

    assert drawn.path.count("M") == 2
    assert drawn.last == "0.400"


@pytest.mark.parametrize(
    "values", [[0.5], [0.0, 1.0], [-2.0, 2.0], [0.4999, 0.5001], [-0.031, -0.013], [0.001, 2.0]]
)
def test_ticks_are_round_few_and_around_the_values(values):
    """Three to six of them, evenly apart."""
    ticks = y_ticks(values)
    gaps = {round(b - a, 6) for a, b in pairwise(ticks)}

    assert 3 <= len(ticks) <= 6
    assert ticks[0] <= min(values) <= max(values) <= ticks[-1]
    assert len(gaps) == 1


def test_times_on_the_axis_are_whole_hours_in_utc():
    """Within the window."""
    ticks = x_ticks(DAY)

    assert [f"{at:%H:%M}" for at in ticks] == ["00:00", "06:00", "12:00", "18:00"]
    assert all(DAY.since <= at <= DAY.until for at in ticks)


def test_numbers_at_the_ends_never_lie_on_one_another():
    """Nor below the axis."""
    told = [(DAY.until - timedelta(minutes=m), 0.5) for m in (10, 0)]
    drawn = chart("t", "s", [Series(n, n, told) for n in ("a", "b", "c")], DAY).lines
    places = [one.label_y for one in drawn]

    assert all(b - a >= 11 for a, b in pairwise(places))
    assert max(places) <= HEIGHT - BOTTOM + 4


def test_a_panel_says_what_it_shows():
    """To whoever does not see it; an empty one says that too."""
    told = [(DAY.until - timedelta(minutes=m), 0.5) for m in (10, 0)]
    full = chart("Energy", "s", [Series("governance", "g", told)], DAY)
    empty = chart("Energy", "s", [Series("governance", "g", [])], DAY)

    assert full.described == "Energy, from 0.49 to 0.51: governance is now 0.500."
    assert empty.described == "Energy: nothing in this time."


def test_each_letter_has_a_panel_with_both_lines_and_its_limit():
    """Governance and drawing side by side; the limit where it is in sight."""
    at = DAY.until - timedelta(minutes=5)
    state = State(at, 0.7, 0.8, 0.2, 0.14, 0.45, 0.3, "proceed", 0.6, 0.5, 0.4, 0.16, 0.39)
    drawn = panels([state], DAY, Thresholds())

    assert [panel.letter for panel in drawn] == ["E", "I", "S", "V", "C", ""]
    assert all(len(panel.lines) == 2 for panel in drawn[:5])
    assert drawn[3].edge.text == "pause above 0.15"
    assert drawn[4].edge.text == "pause below 0.4"
    assert drawn[0].edge is None
