"""Golden vectors: every line of upstream.md 3.2 to 3.7, worked out elsewhere, to 1e-12."""

import json
import math
from pathlib import Path
from random import Random

import pytest

from apps.anima import arc, drawing, equations, resonance
from apps.anima.canvas import Canvas
from apps.anima.equations import Attention, Eisv, Signals
from apps.anima.eras import MANNERS, Hold
from apps.anima.piece import Piece
from schemas.eisv import ArcPhase, Era
from tests.unit.anima.golden import make

FILE = Path(__file__).parent / "golden" / "golden.json"
VECTORS = json.loads(FILE.read_text())
LINES = sorted({vector["line"] for vector in VECTORS})
SECTIONS = {
    "3.1": 2, "3.2": 4, "3.3": 7, "3.4": 10, "3.5": 9, "3.6": 9, "3.7": 11,
}  # fmt: skip
"""Lines at least, of each section."""


def _step(letter):
    def call(*given):
        after, C = equations.step(Eisv(*given[:4]), Signals(*given[4:]))
        return C if letter == "C" else getattr(after, letter)

    return call


def _attended(before, signals=None, C=0.5, arc_phase="opening", switched=False):
    return equations.attend(
        before, signals or Signals(), C, ArcPhase(arc_phase), has_switched=switched
    )


def _telling(told):
    attention = Attention(**told["attention"])
    return arc.Telling(**told | {"arc": ArcPhase(told["arc"]), "attention": attention})


def _tracked(C=0.5, coherences=(), **piece):
    hand = drawing.Drawing(Canvas(), Piece(Era.FIELD, 0, 0, **piece), Random(1))
    hand.piece.coherences = list(coherences)
    hand._track(C)
    return hand.piece


def _settles(aim, entropy):
    """I after so many steps at C .5 that it moves no more."""
    state = Eisv(E=aim)
    for _ in range(40_000):
        state, _ = equations.step(Eisv(aim, state.I, 0.5, 0.0), Signals(aim, entropy, 0.0))
    return state.I


def _highest():
    """C when E is nothing, intent is all, and V has come to rest."""
    V = 0.0
    for _ in range(30_000):
        after, C = equations.step(Eisv(0.0, 0.5, 0.5, V), Signals(1.0, 0.0, 0.0))
        V = after.V
    return C


CALLS = {
    "gesture_entropy": equations.gesture_entropy,
    "switching_rate": equations.switching_rate,
    "at_birth": lambda what: {
        "intentionality": Signals().intentionality,
        "eisv": [Eisv().E, Eisv().I, Eisv().S, Eisv().V],
        "attention": [Attention().curiosity, Attention().engagement, Attention().fatigue],
    }[what],
    **{f"step {letter}": _step(letter) for letter in "CEISV"},
    "steady I": _settles,
    "highest C": _highest,
    "curiosity": lambda curiosity, fatigue, C, arc_phase: (
        _attended(Attention(curiosity, 0.5, fatigue), C=C, arc_phase=arc_phase).curiosity
    ),
    "engagement": lambda engagement, aim, noise: (
        _attended(Attention(engagement=engagement), Signals(aim, noise)).engagement
    ),
    "fatigue": lambda fatigue, switched: (
        _attended(Attention(fatigue=fatigue), switched=switched).fatigue
    ),
    "looking": lambda fatigue, ticks: equations.look(Attention(fatigue=fatigue), ticks).fatigue,
    "energy": lambda *three: Attention(*three).energy,
    "velocity": lambda velocity, before, C: (
        _tracked(C, [before], velocity=velocity).velocity
    ),
    "momentum": lambda momentum, aim: (
        _tracked(i_momentum=momentum, intentionality=aim).i_momentum
    ),
    "remembered": lambda marks: len(_tracked(coherences=[0.5] * marks).coherences),
    "next_arc": lambda told: arc.next_arc(_telling(told)),
    "phase": lambda phase: arc.PHASE_OF[ArcPhase(phase)],
    "settled": arc.coherence_settled,
    "exhausted": lambda *three: Attention(*three).is_exhausted,
    "ending": lambda told: arc.ending(_telling(told)),
    "floor": lambda: arc.FLOOR_TICKS,
    "bound": arc.bound,
    "vocabulary": lambda era: len(MANNERS[Era(era)].gestures),
    "intentionality": lambda era, *hold: MANNERS[Era(era)].intentionality(Hold(*hold)),
    "resonance field": lambda: resonance.FIELD,
}  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_upstream_is_what_we_compute(line):
    """Every vector of the line; what is no number must be the same."""
    for vector in VECTORS:
        if vector["line"] == line:
            got = CALLS[vector["call"]](*vector["given"])
            assert _agree(got, vector["want"]), (vector, got)


def _agree(got, want):
    if isinstance(want, list):
        return len(got) == len(want) and all(map(_agree, got, want))
    if isinstance(want, float):
        return math.isclose(got, want, rel_tol=0, abs_tol=1e-12)
    return got == want


def test_every_section_of_upstream_has_its_vectors():
    """And every way to compute is used by one of them."""
    told = {section: sum(line.startswith(section) for line in LINES) for section in SECTIONS}

    assert all(told[section] >= least for section, least in SECTIONS.items()), told
    assert {vector["call"] for vector in VECTORS} == set(CALLS)
    assert len(VECTORS) > 600


def test_the_vectors_are_those_that_their_generator_makes():
    """Nobody changed one by hand, and it imports nothing of what it checks."""
    imported = {line.split()[1] for line in Path(make.__file__).read_text().splitlines()
                if line.startswith(("import ", "from "))}  # fmt: skip

    assert make.VECTORS == VECTORS
    assert imported == {"json", "decimal", "fractions", "itertools", "pathlib"}
