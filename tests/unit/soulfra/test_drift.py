"""How fast all drift: what the numbers are, and that no cut of the log changes them."""

import math
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.soulfra.drift import (
    PER_DAY,
    Counted,
    Counts,
    critical_level,
    half_lives,
    raised,
    rated,
    rating,
    taken,
)
from apps.soulfra.upcast import Recorded
from schemas.soulfra.drift import CRITICAL, HALF_LIFE_SECONDS, TONES, distance
from schemas.soulfra.events import AgentRegistered, LoopCreated, LoopDissolved, ToneShifted
from schemas.soulfra.words import Tone

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HALF = timedelta(seconds=HALF_LIFE_SECONDS)
NAMES = ("loop:a", "loop:b", "agent:a", "agent:c")


def recorded(n, stream, what, at=NOON):
    """An event as a follower gets it."""
    return Recorded(n, n, stream, n, what.type, at, what, {})


CREATED = LoopCreated.model_construct()
REGISTERED = AgentRegistered.model_construct()
THINGS = st.one_of(
    st.builds(ToneShifted, before=st.sampled_from(Tone), after=st.sampled_from(Tone)),
    st.sampled_from([LoopDissolved(), CREATED, REGISTERED]),
)
LOGS = st.lists(
    st.tuples(
        st.sampled_from(NAMES), THINGS, st.timedeltas(timedelta(0), timedelta(days=400))
    ),
    max_size=60,
).map(
    lambda found: [
        recorded(n, stream if what not in (LoopDissolved(), CREATED) else "loop:a", what, NOON + at)
        for n, (stream, what, at) in enumerate(found, 1)
    ]
)  # fmt: skip


def kept(counts):
    """What stays between two batches: the rows, and nothing else."""
    rows = {name: deepcopy(counts.each[name]) for name in counts.each}
    return Counts(deepcopy(counts.whole), counts.agents, counts.loops, rows)


@given(LOGS, st.lists(st.integers(1, 9), max_size=60))
def test_no_cut_changes_a_number(log, sizes):
    """However it is split, with a restart between any two: the very same floats."""
    whole = Counts()
    taken(whole, log)
    cut, left = Counts(), list(log)
    for size in [*sizes, len(log)]:
        taken(cut, left[:size])
        del left[:size]
        cut = kept(cut)

    assert (cut.whole, cut.agents, cut.loops) == (whole.whole, whole.agents, whole.loops)
    assert cut.each == whole.each


@given(LOGS)
def test_a_rating_is_the_sum_that_is_declared(log):
    """ln 2 / half-life * sum of distance * 2 ** -(age / half-life), of those that live."""
    counts = Counts()
    taken(counts, log)
    now = NOON + timedelta(days=401)
    sums = {}
    for event in log:
        entity, _, name = event.stream.partition(":")
        if isinstance(event.what, ToneShifted):
            far = distance(event.what.before, event.what.after)
            more = far * 2 ** -((now - event.recorded_at) / HALF) * PER_DAY
            sums[entity, name] = sums.get((entity, name), 0) + more
            sums["all"] = sums.get("all", 0) + more
        elif isinstance(event.what, LoopDissolved):
            sums.pop((entity, name), None)

    assert rating(counts.whole.level, now) == pytest.approx(sums.pop("all", 0), rel=1e-9)
    assert {name for name, total in sums.items() if total} == set(counts.each)
    for name, one in counts.each.items():
        assert rating(one.level, now) == pytest.approx(sums[name], rel=1e-9)


@given(
    st.lists(st.tuples(st.floats(1e-3, 1), st.timedeltas(timedelta(0), timedelta(days=90))),
             min_size=1, max_size=20),
    st.lists(st.tuples(st.floats(1e-3, 1), st.timedeltas(timedelta(0), timedelta(days=90))),
             min_size=1, max_size=20),
    st.timedeltas(timedelta(0), timedelta(days=900)),
)  # fmt: skip
def test_levels_have_the_order_of_the_ratings_at_any_instant(one, other, later):
    """So that an index of levels is one of ratings; the threshold lies among them, too."""
    levels = []
    for shifts in (one, other):
        level = None
        for far, at in shifts:
            level = raised(level, far, NOON + at)
        levels.append(level)
    now = NOON + timedelta(days=90) + later
    a, b = (rating(level, now) for level in levels)

    assert (levels[0] >= levels[1]) >= (a > b)
    for level in levels:
        if not math.isclose(rating(level, now), CRITICAL, rel_tol=1e-9):
            assert (rating(level, now) >= CRITICAL) == (level >= critical_level(now))


def test_half_of_it_is_gone_after_a_half_life():
    """And nothing of it was touched."""
    level = raised(None, 0.5, NOON)

    assert rating(level, NOON) == pytest.approx(0.5 * math.log(2))
    assert rating(level, NOON + HALF) == pytest.approx(0.25 * math.log(2))
    assert rating(None, NOON) == 0
    assert rating(level, NOON + timedelta(days=50_000)) == 0
    assert half_lives(NOON + HALF) - half_lives(NOON) == pytest.approx(1)


def test_a_tone_to_itself_is_no_shift():
    """Nor is anything counted of it."""
    counts = Counts()
    taken(counts, [recorded(1, "loop:a", ToneShifted(before="joy", after="joy"))])

    assert (counts.whole, counts.each, counts.changed) == (Counted(), {}, set())


def test_distances_are_distances():
    """Each tone has a place in the ball; apart from others, both ways, by no detour shorter."""
    assert set(TONES) == set(Tone)
    assert all(math.hypot(*place) <= 1 for place in TONES.values())
    for a, b, c in product(Tone, repeat=3):
        assert 0 <= distance(a, b) == distance(b, a) <= 1
        assert (distance(a, b) == 0) == (a is b)
        assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-12
    assert max(distance(a, b) for a, b in product(Tone, repeat=2)) > 0.75


def test_critical_is_from_the_threshold_on():
    """Two long ways within a minute are; one is not."""
    far = distance(Tone.JOY, Tone.GRIEF)
    once = raised(None, far, NOON)
    twice = raised(once, far, NOON + timedelta(minutes=1))
    now = NOON + timedelta(minutes=1)

    assert not rated(("loop", "a", once, 1, NOON), now).critical
    assert rated(("loop", "a", twice, 2, NOON), now).critical
    assert not rated(("loop", "a", twice, 2, NOON), now + HALF).critical
