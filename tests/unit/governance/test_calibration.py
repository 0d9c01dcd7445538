"""The reliability curve by hand, and how sure an agent is of itself."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from apps.governance.calibration.curve import Counted, brier, curve, expected_error, wilson
from apps.governance.outcomes import assessment, confidence_of
from schemas.eisv import Anima
from schemas.governance.audit import Assessment
from schemas.governance.thresholds import Thresholds

CALM = Anima(warmth=0.4, clarity=0.8, stability=0.9, presence=0.9)
counts = st.integers(1, 10_000)
rates = st.floats(0, 1)


def counted(number: int, scores: list[tuple[float, float]]) -> Counted:
    """A bin of confidences and scores, as the query counts it."""
    return Counted(
        number, len(scores), sum(c for c, _ in scores), sum(a for _, a in scores),
        sum((a - c) ** 2 for c, a in scores),
    )  # fmt: skip


def test_a_curve_by_hand():
    """Five times 0.8 sure and right 4.8 times, as in upstream's data; twice 0.1 sure, never."""
    high = counted(8, [(0.8, 1.0)] * 4 + [(0.8, 0.8)])
    low = counted(1, [(0.1, 0.0)] * 2)
    first, second = bins = curve([high, low])

    assert (first.low, first.high, first.count, first.observed_rate) == (0.1, 0.2, 2, 0)
    assert (second.low, second.high, second.count) == (0.8, 0.9, 5)
    assert second.actual == pytest.approx(4.8)
    assert second.predicted == pytest.approx(4.0)
    assert second.observed_rate == pytest.approx(0.96)
    assert second.mean_confidence == pytest.approx(0.8)
    assert expected_error(bins) == pytest.approx((5 * 0.16 + 2 * 0.1) / 7)
    assert brier([high, low]) == pytest.approx((4 * 0.04 + 0 + 2 * 0.01) / 7)


def test_without_outcomes_there_is_no_error():
    """None, and not 0: nothing was right."""
    assert curve([]) == ()
    assert expected_error(()) is None
    assert brier(()) is None


def test_wilsons_interval_by_hand():
    """Known values: 9 of 10, 0 of 10."""
    assert [round(end, 4) for end in wilson(0.9, 10)] == [0.5958, 0.9821]
    assert [round(end, 4) for end in wilson(0.0, 10)] == [0.0, 0.2775]


@given(rates, counts)
def test_wilsons_interval_holds_its_rate_and_narrows(rate, count):
    """In [0, 1], around the rate, and no wider with four times as many."""
    low, high = wilson(rate, count)
    assert 0 <= low <= rate + 1e-9
    assert rate - 1e-9 <= high <= 1
    closer = wilson(rate, 4 * count)
    assert closer[1] - closer[0] <= high - low + 1e-12


@given(st.lists(st.tuples(st.integers(0, 9), counts, rates, rates), max_size=10))
def test_the_expected_error_is_a_ratio(bins):
    """Whatever was counted."""
    made = curve(
        Counted(n, size, c * size, a * size, (c - a) ** 2 * size) for n, size, c, a in bins
    )
    error = expected_error(made)
    assert error is None or (0 <= error <= 1 and not math.isnan(error))


def test_confidence_falls_with_a_shock():
    """By what the anima changes beyond 0.15, at most 0.3; never below 0.05."""
    assert confidence_of(None, CALM) == confidence_of(CALM, CALM) == 0.85
    slight = CALM.model_copy(update={"warmth": 0.5})
    assert confidence_of(slight, CALM) == 0.85
    shaken = CALM.model_copy(update={"warmth": 0.65})
    assert confidence_of(shaken, CALM) == pytest.approx(0.75)
    other = Anima(warmth=1, clarity=0, stability=0, presence=0)
    assert confidence_of(other, CALM) == pytest.approx(0.55)
    assert confidence_of(CALM, other) == 0.05


def test_the_word_for_a_phi():
    """Safe from 0.15, caution from 0."""
    assert [assessment(phi) for phi in (0.15, 0.149, 0.0, -0.001)] == [
        Assessment.SAFE, Assessment.CAUTION, Assessment.CAUTION, Assessment.HIGH_RISK,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [{"risk_low": 0.7}, {"risk_pause": 1.1}, {"void": 0.1}, {"void_pause": float("nan")}],
)
def test_thresholds_that_make_no_sense_are_refused(data):
    """Out of order, out of range, unknown, no number."""
    with pytest.raises(ValidationError):
        Thresholds.model_validate(data)
