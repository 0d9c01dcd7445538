"""The local rule of upstream 1.5, line by line, and how soon a pause stops the hand."""

import pytest
from pydantic import SecretStr

from apps.anima.feelings import decide_alone, report
from apps.anima.life import Life
from apps.anima.settings import Settings
from apps.bridge.client import Accepted
from schemas.bridge import Action, Margin, Verdict
from schemas.eisv import Anima, ReportedEisv

WELL = "State healthy (margin: {})"
OVER = "Crossed {} threshold by {}"


@pytest.mark.parametrize(
    ("I", "S", "V", "action", "margin", "reason"),
    [
        # risk = 0.60 - S, coherence = I - 0.40, void = 0.15 - V; the smallest decides
        (0.90, 0.20, -0.10, "proceed", "comfortable", WELL.format("0.25")),
        (0.75, 0.25, 0.00, "proceed", "tight", WELL.format("0.15")),
        (0.90, 0.44, -0.10, "proceed", "comfortable", WELL.format("0.16")),
        (0.90, 0.60, -0.10, "proceed", "tight", WELL.format("0.00")),
        (0.40, 0.20, -0.10, "proceed", "tight", WELL.format("0.00")),
        (0.90, 0.20, 0.15, "proceed", "tight", WELL.format("0.00")),
        (0.90, 0.65, -0.10, "pause", "warning", OVER.format("risk", "0.05")),
        (0.90, 0.75, -0.10, "pause", "critical", OVER.format("risk", "0.15")),
        (0.35, 0.20, -0.10, "pause", "warning", OVER.format("coherence", "0.05")),
        (0.30, 0.20, -0.10, "pause", "critical", OVER.format("coherence", "0.10")),
        (0.90, 0.20, 0.20, "pause", "warning", OVER.format("void", "0.05")),
        (0.90, 0.20, 0.25, "pause", "critical", OVER.format("void", "0.10")),
        (0.10, 0.95, 0.30, "pause", "critical", OVER.format("risk", "0.35")),
        (0.00, 0.95, 0.30, "pause", "critical", OVER.format("coherence", "0.40")),
    ],
)  # fmt: skip
def test_the_smallest_margin_decides(I, S, V, action, margin, reason):  # noqa: PLR0917  EISV
    """And the reason names what was crossed, by how much, and why nobody else was asked."""
    said = decide_alone(ReportedEisv(E=0.5, I=I, S=S, V=V), "timed out")

    assert (said.action, said.margin) == (Action(action), Margin(margin))
    assert said.reason == f"{reason} [governance unavailable: timed out]"
    assert said.is_local


def test_it_goes_by_the_eisv_that_crosses_the_bridge():
    """E is warmth, I is clarity, S what stability lacks, V 0.3 of what presence lacks."""
    told = report(Anima(warmth=0.25, clarity=0.75, stability=0.5, presence=0.5))

    assert (told.E, told.I, told.S, told.V) == (0.25, 0.75, 0.5, 0.15)


def test_the_tick_after_a_pause_places_no_mark(tmp_path, store, will, governance, anima):
    """Nor any after it, until governance says proceed."""
    told = {"home": tmp_path, "agent": "lumen", "governance_url": "http://mac", "seed": 1}
    settings = Settings(governance_token=SecretStr("x"), **told)
    life = Life(settings, store, will, lambda _: None)
    will.anima = anima
    verdict = Verdict.model_validate_json
    for _ in range(60):
        life._draw()
    drawn = life._drawing.piece.marks
    assert drawn > 0

    will.hear(Accepted(verdict(governance.pause)))
    painted = life._drawing.canvas.packed()
    for _ in range(60):
        life._draw()
    assert life._drawing.canvas.packed() == painted
    assert life._drawing.piece.marks == drawn

    will.hear(Accepted(verdict(governance.answers[0][1])))
    for _ in range(60):
        life._draw()
    assert life._drawing.canvas.packed() != painted
