"""The drawing EISV: numbers worked out by hand, and bounds that nothing escapes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.anima.equations import (
    Attention,
    Eisv,
    Signals,
    attend,
    coherence,
    gesture_entropy,
    look,
    step,
    switching_rate,
)
from apps.anima.eras import MANNERS, Hold
from schemas.eisv import ArcPhase

ratios = st.floats(0, 1)
states = st.builds(Eisv, E=ratios, I=ratios, S=st.floats(0.001, 2), V=st.floats(-2, 2))
signals = st.builds(Signals, intentionality=ratios, gesture_entropy=ratios, switching_rate=ratios)
anything = st.floats() | st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324])
any_states = st.builds(Eisv, anything, anything, anything, anything)
any_signals = st.builds(Signals, anything, anything, anything)
any_attentions = st.builds(Attention, anything, anything, anything)
attentions = st.builds(Attention, curiosity=ratios, engagement=ratios, fatigue=ratios)


def test_a_step_from_the_start_matches_the_hand_calculation():
    """dE -.00275, dI .0026, dS -.024, dV -.0015, each times dt .1; C from before the step."""
    stepped, C = step(Eisv(0.7, 0.2, 0.5, 0.0), Signals(0.6, 0.5, 0.0))

    assert C == 0.5
    assert pytest.approx((0.699725, 0.20026, 0.4976, -0.00015), abs=1e-15) == (
        stepped.E,
        stepped.I,
        stepped.S,
        stepped.V,
    )


def test_drift_enters_squared():
    """At r .5: dE gains .002*.25, dS gains .02*.25; I and V are untouched."""
    calm, _ = step(Eisv(), Signals(0.6, 0.5, 0.0))
    hasty, _ = step(Eisv(), Signals(0.6, 0.5, 0.5))

    assert pytest.approx(0.1 * 0.002 * 0.25, abs=1e-15) == hasty.E - calm.E
    assert pytest.approx(0.1 * 0.02 * 0.25, abs=1e-15) == hasty.S - calm.S
    assert (hasty.I, hasty.V) == (calm.I, calm.V)


def test_coherence_is_taken_before_the_step():
    """V moves, C still tells of the V before."""
    stepped, C = step(Eisv(V=0.3), Signals(1.0, 0.0, 0.0))

    assert 0.5 * (1 + math.tanh(0.3)) == C
    assert stepped.V != 0.3


def test_void_follows_intent_minus_energy():
    """The sign is the drawing loop's, the opposite of governance's."""
    assert step(Eisv(E=0.2), Signals(intentionality=0.8))[0].V > 0
    assert step(Eisv(E=0.8), Signals(intentionality=0.2))[0].V < 0


@given(states, signals)
def test_no_step_leaves_its_range(state, given_signals):
    """E, I in [0, 1]; S in [.001, 2]; V in [-2, 2]; C in [0, 1]."""
    stepped, C = step(state, given_signals)

    assert 0 <= stepped.E <= 1
    assert 0 <= stepped.I <= 1
    assert 0.001 <= stepped.S <= 2
    assert -2 <= stepped.V <= 2
    assert 0 <= C <= 1


@given(any_states, any_signals)
def test_whatever_goes_in_comes_out_within_its_range(state, given_signals):
    """NaN, infinity, numbers beyond all sense: bounded, and as if the nearest had gone in."""
    stepped, C = step(state, given_signals)

    assert 0 <= stepped.E <= 1
    assert 0 <= stepped.I <= 1
    assert 0.001 <= stepped.S <= 2
    assert -2 <= stepped.V <= 2
    assert 0 <= C <= 1
    assert step(state.bounded, given_signals.bounded) == (stepped, C)


@given(any_attentions, any_signals, anything, st.sampled_from(ArcPhase))
def test_whatever_attention_is_given_it_stays_a_ratio(before, given_signals, number, arc):
    """And energy, looking and coherence with it."""
    for after in (
        attend(before, given_signals, number, arc, has_switched=True),
        attend(before, given_signals, number, arc, has_switched=False),
        look(before.bounded, 10**9),
    ):
        assert 0 <= after.curiosity <= 1
        assert 0 <= after.engagement <= 1
        assert 0 <= after.fatigue <= 1
        assert 0 <= after.energy <= 1
    assert 0 <= before.energy <= 1
    assert 0 <= coherence(number) <= 1


@given(
    st.sampled_from(list(MANNERS)),
    st.integers(0, 10**9),
    st.booleans(),
    ratios,
)
def test_intentionality_is_a_ratio_in_every_era(era, remaining, is_locked, progress):
    """However long a gesture is held."""
    assert 0 <= MANNERS[era].intentionality(Hold(remaining, is_locked, progress)) <= 1


@given(signals)
def test_coherence_stays_below_its_bound(given_signals):
    """V settles within .75, so C never passes .5 (1 + tanh .75)."""
    state = Eisv()
    for _ in range(300):
        state, C = step(state, given_signals)
        assert 0.5 * (1 + math.tanh(0.75)) >= C


@given(st.lists(st.sampled_from("abcdefgh"), max_size=40), st.integers(1, 16))
def test_signals_of_any_gestures_are_ratios(gestures, vocabulary):
    """Whatever was drawn."""
    assert 0 <= gesture_entropy(gestures, vocabulary) <= 1
    assert 0 <= switching_rate(gestures) <= 1


def test_entropy_is_a_half_until_five_gestures():
    """Four say nothing; five of a kind say zero; evenly used says one."""
    assert gesture_entropy(["a"] * 4, 5) == 0.5
    assert gesture_entropy(["a"] * 5, 5) == 0
    assert gesture_entropy(list("abcd") * 5, 4) == 1


def test_only_the_last_twenty_gestures_count():
    """What was drawn before is forgotten."""
    assert gesture_entropy(list("abcde") * 4 + ["a"] * 20, 5) == 0
    assert switching_rate(list("ab") * 10 + ["a"] * 20) == 0


def test_switching_needs_two_gestures():
    """One gesture cannot switch; each of n - 1 neighbours can."""
    assert switching_rate(["a"]) == 0
    assert switching_rate(list("aba")) == 1
    assert coherence(0) == 0.5


@given(attentions, signals, ratios, st.sampled_from(ArcPhase), st.booleans())
def test_attention_stays_a_ratio(before, given_signals, C, arc, has_switched):
    """And energy with it."""
    after = attend(before, given_signals, C, arc, has_switched=has_switched)

    assert 0 <= after.curiosity <= 1
    assert 0 <= after.engagement <= 1
    assert 0 <= after.fatigue <= 1
    assert 0 <= after.energy <= 1
    assert after.fatigue >= before.fatigue


def test_curiosity_grows_back_while_fresh_and_runs_out_when_tired():
    """The rule that ends a piece: fatigue outweighs regeneration above 0.2, even at C .8."""
    fresh = attend(Attention(0.5, 0.5, 0.0), Signals(), 0.5, ArcPhase.OPENING, has_switched=False)
    tired = attend(Attention(0.5, 0.5, 0.21), Signals(), 0.8, ArcPhase.OPENING, has_switched=False)

    assert fresh.curiosity == pytest.approx(0.5005)
    assert tired.curiosity < 0.5


def test_attention_depletes_at_the_coherence_that_once_kept_it_alive():
    """920 marks at C .5, a new gesture every twelfth: nothing is left."""
    attention = Attention()
    for mark in range(920):
        attention = attend(
            attention, Signals(0.5, 0.5, 0.1), 0.5, ArcPhase.DEVELOPING, has_switched=not mark % 12
        )

    assert attention.curiosity < 0.15
    assert attention.energy < 0.2
