"""The governance EISV and its verdict, against upstream's golden numbers and by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.governance.verdict import (
    START,
    Thresholds,
    coherence,
    complexity_of,
    decide,
    distance,
    drift,
    health,
    judge,
    phi,
    regime,
    risk,
    step,
)
from schemas.bridge import Action, Edge, Margin
from schemas.eisv import Anima, GovernanceEisv
from schemas.governance.tables import Health
from schemas.governance.words import Regime

LIMIT = Thresholds()
CALM = Anima(warmth=0.4, clarity=0.8, stability=0.9, presence=0.9)
ratio = st.floats(0, 1)
animas = st.builds(Anima, warmth=ratio, clarity=ratio, stability=ratio, presence=ratio)
states = st.builds(GovernanceEisv, E=ratio, I=ratio, S=st.floats(0.001, 2), V=st.floats(-2, 2))


def test_the_golden_step_of_upstream_is_met():
    """Fresh agent, v2.7.3: I .79948 and V -.003 exactly; E .7028 without drift."""
    after = step(START, 0.0, 0.0)

    assert pytest.approx(0.79948, abs=1e-12) == after.I
    assert pytest.approx(-0.003, abs=1e-12) == after.V
    assert pytest.approx(0.7028, abs=1e-12) == after.E
    assert round(coherence(after.V), 4) == 0.4985


def test_the_drift_that_upstream_had_gives_its_energy():
    """E .7028188 is the golden value with a drift of squared length .00376."""
    assert pytest.approx(0.7028188, abs=1e-9) == step(START, 0.00376, 0.0).E


def test_entropy_moves_as_its_equation_says():
    """S: -.8 S + .125 d2 - .05 C + .15 complexity, one tenth of it."""
    expected = 0.2 + 0.1 * (-0.16 + 0.125 * 0.04 - 0.025 + 0.15 * 0.3)

    assert pytest.approx(expected, abs=1e-12) == step(START, 0.04, 0.3).S


def test_phi_and_risk_of_the_golden_state():
    """By hand: phi .15752, phi risk .29624."""
    after = GovernanceEisv(E=0.7028, I=0.79948, S=0.18425, V=-0.003)

    assert phi(after, 0.0) == pytest.approx(0.157515, abs=1e-9)
    assert risk(0.157515, 0.0, 0.5) == pytest.approx(
        0.7 * (0.3 - 0.007515 * 0.5) + 0.3 * 0.35 * 0.5, abs=1e-12
    )


@pytest.mark.parametrize(
    ("balance", "expected"), [(0.15, 0.3), (0.075, 0.5), (0.0, 0.7), (-0.1, 0.9), (-9.0, 1.0)]
)
def test_risk_of_phi_has_three_pieces(balance, expected):
    """Safe, caution, high risk; the pieces meet at .15 and at 0."""
    assert risk(balance, 0.0, 1.0) == pytest.approx(0.7 * expected)


@pytest.mark.parametrize(
    ("balance", "hazard", "c", "void", "action"),
    [
        (-0.01, 0.1, 0.5, 0.0, Action.PAUSE),
        (0.1, 0.34, 0.1, 0.9, Action.PROCEED),
        (0.2, 0.1, 0.5, 0.16, Action.PAUSE),
        (0.2, 0.1, 0.39, 0.0, Action.PAUSE),
        (0.2, 0.34, 0.5, 0.0, Action.PROCEED),
        (0.1, 0.59, 0.5, 0.0, Action.PROCEED),
        (0.1, 0.60, 0.5, 0.0, Action.PAUSE),
    ],
)
def test_the_rules_apply_in_order(balance, hazard, c, void, action):
    """Each row is one rule, and the ones before it do not apply."""
    assert decide(balance, hazard, c, void, LIMIT)[0] == action


@pytest.mark.parametrize(
    ("hazard", "c", "void", "expected"),
    [
        (0.1, 0.9, 0.0, (Margin.TIGHT, Edge.VOID)),
        (0.1, 0.5, 0.0, (Margin.TIGHT, Edge.COHERENCE)),
        (0.65, 0.9, 0.0, (Margin.WARNING, Edge.RISK)),
        (0.1, 0.9, -0.25, (Margin.CRITICAL, Edge.VOID)),
    ],
)
def test_the_margin_is_that_of_the_nearest_edge(hazard, c, void, expected):
    """The smallest room names the edge, and its size the margin."""
    assert distance(hazard, c, void, LIMIT) == expected


def test_a_wide_margin_is_comfortable():
    """Needs another void limit: with .15 nothing is ever farther than .15 from it."""
    wide = Thresholds(void_pause=0.5)

    assert distance(0.1, 0.8, 0.0, wide) == (Margin.COMFORTABLE, Edge.COHERENCE)


def test_high_risk_is_critical_and_pauses():
    """A wild jump of the anima at high entropy ends in a pause."""
    shaken = GovernanceEisv(E=0.1, I=0.2, S=1.5, V=0.0)
    made = judge(shaken, CALM, CALM, None, LIMIT)

    assert (made.action, made.margin) == (Action.PAUSE, Margin.CRITICAL)


def test_the_first_check_in_has_no_drift():
    """There is nothing to drift from."""
    assert drift(None, CALM) == (0.0, 0.0, 0.0)


def test_drift_is_bounded():
    """Three times the change, at most a half."""
    other = Anima(warmth=0.5, clarity=0.0, stability=0.8, presence=0.1)

    assert drift(CALM, other) == pytest.approx((0.3, -0.5, -0.3))


def test_complexity_is_derived_when_it_is_not_sent():
    """Sent 0 is 0; not sent is what the anima says."""
    assert complexity_of(CALM) == pytest.approx(0.4 * 0.2 + 0.6 * 0.1)
    assert judge(None, None, CALM, 0.0, LIMIT).eisv.S < judge(None, None, CALM, None, LIMIT).eisv.S


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((1, 0.001), (1, 0.001), Regime.STABLE),
        ((0.5, 0.5), (0.6, 0.4), Regime.TRANSITION),
        ((0.9, 0.05), (0.9, 0.05), Regime.CONVERGENCE),
        ((0.5, 0.5), (0.4, 0.6), Regime.DIVERGENCE),
    ],
)
def test_the_regime_is_read_off_a_step(before, after, expected):
    """Integrity and entropy before and after."""
    ends = (GovernanceEisv(E=0.5, I=i, S=s, V=0) for i, s in (before, after))

    assert regime(*ends) == expected


def test_health_is_risk_in_words():
    """Healthy below .35, moderate below .60."""
    assert [health(x, LIMIT) for x in (0.34, 0.35, 0.6)] == list(Health)


@given(states, animas, animas, st.none() | ratio)
def test_no_input_leaves_the_ranges(before, felt, anima, complexity):
    """Any legal state and any legal anima make a legal judgement."""
    made = judge(before, felt, anima, complexity, LIMIT)

    assert 0 <= made.risk <= 1
    assert 0 <= made.coherence <= 1
    assert math.isfinite(made.eisv.V)


def test_a_steady_creature_stays_healthy():
    """A day of calm check-ins never pauses."""
    state = None
    for _ in range(1440):
        made = judge(state, CALM, CALM, None, LIMIT)
        assert made.action == Action.PROCEED
        state = made.eisv
