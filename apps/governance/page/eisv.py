"""The six panels of an agent: governance EISV and drawing EISV letter by letter, and the risk."""

from collections.abc import Sequence
from datetime import datetime

from apps.governance.page.chart import Chart, Series, Window, chart
from apps.governance.page.rows import State
from schemas.governance.thresholds import Thresholds

LETTERS = (
    ("E", "Energy", "energy", "drawing_energy"),
    ("I", "Integrity", "integrity", "drawing_integrity"),
    ("S", "Entropy", "entropy", "drawing_entropy"),
    ("V", "Void", "void", "drawing_void"),
    ("C", "Coherence", "coherence", "drawing_coherence"),
)
SAYS = {
    "E": "How much there is to act with.",
    "I": "How well what is known holds together.",
    "S": "How much is unsettled.",
    "V": "The balance of energy and integrity.",
    "C": "Agreement, from the void.",
}


def panels(states: Sequence[State], window: Window, limits: Thresholds) -> tuple[Chart, ...]:
    """One panel each; two lines where the agent draws."""
    edges = {
        "V": (limits.void_pause, f"pause above {limits.void_pause:g}"),
        "C": (limits.coherence_pause, f"pause below {limits.coherence_pause:g}"),
    }
    drawn = [
        chart(
            name,
            SAYS[letter],
            (
                Series("governance", "governance", _points(states, ours)),
                Series("drawing", "drawing", _points(states, theirs)),
            ),
            window,
            letter=letter,
            edge=edges.get(letter),
        )
        for letter, name, ours, theirs in LETTERS
    ]
    risk = chart(
        "Risk",
        "What a verdict is measured by.",
        (Series("risk", "risk", _points(states, "risk")),),
        window,
        edge=(limits.risk_pause, f"pause at {limits.risk_pause:g}"),
    )
    return (*drawn, risk)


def _points(states: Sequence[State], name: str) -> list[tuple[datetime, float | None]]:
    return [(state.recorded_at, getattr(state, name)) for state in states]
