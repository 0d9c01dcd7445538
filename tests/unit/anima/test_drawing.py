"""The drawing loop's body: order, determinism, the story, the canvas."""

import json
import math
from collections import Counter
from datetime import UTC, datetime
from random import Random

import pytest

from apps.anima import canvas as canvas_file
from apps.anima.arc import PHASE_OF, Telling, coherence_settled, ending, next_arc
from apps.anima.canvas import FULL, SIZE, Canvas
from apps.anima.drawing import Drawing, chance_of_mark
from apps.anima.equations import Attention, Eisv, Signals, step
from apps.anima.eras import MANNERS, SHAPES, Hold, shape
from apps.anima.piece import Piece
from apps.anima.resonance import MODES, paint
from schemas.eisv import ArcPhase, Era, Phase

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def _draw(drawing, anima, ticks):
    return [state for _ in range(ticks) if (state := drawing.tick(anima, NOW))]


def test_the_same_seed_draws_the_same_picture(anima):
    """Chance comes from one generator only."""
    one, two = (Drawing(Canvas(), None, Random(7)) for _ in range(2))

    assert _draw(one, anima, 2000) == _draw(two, anima, 2000)
    assert list(one.canvas.pixels()) == list(two.canvas.pixels())
    assert _draw(Drawing(Canvas(), None, Random(8)), anima, 50) != _draw(two, anima, 50)


def test_a_row_holds_the_step_and_the_coherence_before_it(anima):
    """E, I, S, V after the step over the old window; C before; the signals after the append."""
    piece = Piece(
        era=Era.GESTURAL, x=100, y=100, gesture="dot", run=20, remaining=11, is_locked=True,
        marks=9, gestures=["dot"] * 3 + ["drag"] * 6, gesture_entropy=0.37, switching_rate=0.125,
        intentionality=0.2, eisv=Eisv(0.6, 0.3, 0.4, 0.2), coherences=[0.5],
    )  # fmt: skip
    expected, C = step(piece.eisv, Signals(0.2, 0.37, 0.125))
    (state,) = _draw(Drawing(Canvas(), piece, Always(1)), anima, 1)

    assert (state.E, state.I, state.S, state.V) == (
        expected.E,
        expected.I,
        expected.S,
        expected.V,
    )
    assert state.C == C == 0.5 * (1 + math.tanh(0.2))
    assert state.marks == 10
    assert state.switching_rate == 2 / 9
    assert state.gesture_entropy == pytest.approx(0.9709505944546686 / math.log2(5))
    assert state.intentionality == 0.2 + 0.4 + min(0.4, 10 / 20 * 0.4)


class Always(Random):
    """Every tick places a mark."""

    def random(self):
        """The smallest draw there is."""
        return 0.0


def test_a_piece_ends_by_itself_and_the_next_begins_on_a_clean_canvas(anima, capsys):
    """Attention runs out: within a few thousand marks, not by a clock."""
    drawing = Drawing(Canvas(), None, Random(3))
    marks = [state.marks for state in _draw(drawing, anima, 60_000)]
    ended = capsys.readouterr().out.count("piece finished")

    assert ended == marks.count(1) - 1
    assert ended >= 1
    assert max(marks) < 2000


@pytest.mark.parametrize("era", MANNERS)
def test_every_era_tells_the_whole_story(anima, era):
    """Opening, developing, resolving: and phase speaks its own words."""
    drawing = Drawing(Canvas(), Piece(era=era, x=120, y=120), Random(5))
    seen: Counter[ArcPhase] = Counter()
    for _ in range(40_000):
        state = drawing.tick(anima, NOW)
        if state and state.era is era:
            seen[state.arc_phase] += 1
            assert state.phase is PHASE_OF[state.arc_phase]
        if drawing.piece.era is not era or drawing.piece.arc_phase is ArcPhase.CLOSING:
            break

    assert {ArcPhase.OPENING, ArcPhase.DEVELOPING, ArcPhase.RESOLVING} <= set(seen)
    assert drawing.piece.arc_phase in {ArcPhase.CLOSING, ArcPhase.OPENING}


def test_the_two_vocabularies_share_no_word():
    """Upstream wrote one into the other."""
    assert set(PHASE_OF) == set(ArcPhase)
    assert set(PHASE_OF.values()) == set(Phase)
    assert not {str(arc) for arc in ArcPhase} & {str(phase) for phase in Phase}


def _told(**changes):
    told = {
        "arc": ArcPhase.DEVELOPING, "ticks_in_phase": 50, "pixels": 400, "coherences": [0.5],
        "velocity": 0.0, "i_momentum": 0.5, "attention": Attention(), "satisfaction": 0.5,
    }  # fmt: skip
    return Telling(**(told | changes))


@pytest.mark.parametrize(
    ("changes", "arc"),
    [
        ({"arc": ArcPhase.OPENING}, ArcPhase.DEVELOPING),
        ({"arc": ArcPhase.OPENING, "ticks_in_phase": 10}, ArcPhase.OPENING),
        ({"coherences": [0.61]}, ArcPhase.RESOLVING),
        ({"coherences": [0.61], "velocity": 0.03}, ArcPhase.DEVELOPING),
        ({"coherences": [0.29], "i_momentum": 0.2}, ArcPhase.OPENING),
        ({"attention": Attention(curiosity=0.2)}, ArcPhase.RESOLVING),
        ({"arc": ArcPhase.RESOLVING, "coherences": [0.4]}, ArcPhase.DEVELOPING),
        ({"arc": ArcPhase.RESOLVING, "attention": Attention(fatigue=0.9)}, ArcPhase.CLOSING),
        ({"arc": ArcPhase.RESOLVING, "pixels": 9}, ArcPhase.OPENING),
    ],
)
def test_the_story_moves_on_as_documented(changes, arc):
    """One line for each transition."""
    assert next_arc(_told(**changes)) is arc


def test_a_story_ends_for_a_stated_reason():
    """And not before."""
    assert ending(_told()) is None
    assert ending(_told(attention=Attention(fatigue=0.86))) == "tired"
    assert ending(_told(satisfaction=0.8, attention=Attention(curiosity=0.1))) == "composed"
    spent = Attention(curiosity=0.0, engagement=0.1)
    assert ending(_told(ticks_in_phase=121, attention=spent)) == "spent"
    assert ending(_told(ticks_in_phase=120, attention=spent)) is None
    assert coherence_settled([0.8] * 20)
    assert not coherence_settled([0.8] * 19)
    assert not coherence_settled([0.4, 1.0] * 10)


@pytest.mark.parametrize(
    ("era", "hold", "score"),
    [
        (Era.GESTURAL, Hold(0), 0.2),
        (Era.GESTURAL, Hold(20, is_locked=True), 1.0),
        (Era.POINTILLIST, Hold(30, is_locked=True), 0.7),
        (Era.FIELD, Hold(25, progress=1.0), 0.7),
        (Era.GEOMETRIC, Hold(0), 0.1),
        (Era.GEOMETRIC, Hold(1), 0.6),
    ],
)
def test_intentionality_is_the_eras_own(era, hold, score):
    """The documented formula of each era."""
    assert MANNERS[era].intentionality(hold) == pytest.approx(score)


def test_every_gesture_of_every_era_has_a_shape():
    """5, 3, 3, 16 and 3 gestures, each of which paints something."""
    assert [len(manner.gestures) for manner in MANNERS.values()] == [5, 3, 3, 16, 3]
    ringing = MANNERS[Era.RESONANCE].gestures
    for gesture in (gesture for m in MANNERS.values() for gesture in m.gestures):
        if gesture in ringing:
            assert paint(gesture, MODES[0], 100, 100, Random(1))
        else:
            assert shape(gesture, 0.5, Random(1))
    assert set(SHAPES) | set(ringing) == {g for m in MANNERS.values() for g in m.gestures}


def test_an_empty_canvas_invites(anima):
    """The chance of a mark: sure to begin soon, rare when the canvas is full of pixels."""
    piece = Piece(era=Era.FIELD, x=0, y=0)

    assert chance_of_mark(anima, 0, piece) == pytest.approx(0.3 + 0.7 * 0.85)
    assert chance_of_mark(anima, 75, piece) == pytest.approx(0.12 + 0.09)
    assert chance_of_mark(anima, 150, piece) == pytest.approx(0.07 * 1.35 * 0.8)


def test_a_full_canvas_ends_the_piece(anima):
    """15 000 pixels are enough for anyone."""
    canvas = Canvas()
    for at in range(FULL):
        canvas.paint(at % SIZE, at // SIZE, (1, 2, 3))
    drawing = Drawing(canvas, Piece(era=Era.FIELD, x=0, y=0, marks=900, ticks=100), Random(1))
    drawing.tick(anima, NOW)

    assert drawing.piece.marks <= 1
    assert canvas.count < 50


def test_a_saved_canvas_comes_back_as_it_was(tmp_path, anima):
    """Pixels, piece, and the hand goes on where it was."""
    file = tmp_path / "canvas.json"
    drawing = Drawing(Canvas(), None, Random(7))
    _draw(drawing, anima, 500)
    canvas_file.save(file, drawing.canvas, drawing.piece.saved())
    canvas, piece = canvas_file.load(file)

    assert list(canvas.pixels()) == list(drawing.canvas.pixels())
    assert Piece.restored(piece) == drawing.piece
    assert [entry.name for entry in tmp_path.iterdir()] == ["canvas.json"]


def test_a_failed_save_leaves_the_old_canvas(tmp_path):
    """The draft is written beside it; only a whole one takes its place."""
    file = tmp_path / "canvas.json"
    piece = Piece(era=Era.FIELD, x=0, y=0, marks=1).saved()
    canvas_file.save(file, Canvas(), piece)
    with pytest.raises(ValueError, match="JSON"):
        canvas_file.save(file, Canvas(), {"marks": math.nan})

    assert canvas_file.load(file)[1]["marks"] == 1


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pixels": {}}', '{"pixels": {"1": [1,2,3]}, "piece": {}}',
             '{"pixels": {"1,2": [1,2,300]}, "piece": {}}',
             '{"pixels": {}, "piece": {"E": NaN}}'],
)  # fmt: skip
def test_a_damaged_canvas_is_told_from_a_missing_one(tmp_path, text):
    """Damage raises; absence does not."""
    file = tmp_path / "canvas.json"

    assert canvas_file.load(file) is None

    file.write_text(text)
    with pytest.raises(ValueError):  # noqa: PT011  damage has many words
        canvas_file.load(file)


def test_a_picture_of_the_real_system_is_drawn_on(tmp_path, anima, capsys):
    """Its pixels stay; its file is kept under another name when ours takes its place."""
    file = tmp_path / "canvas.json"
    text = json.dumps(
        {"pixels": {"0,0": [1, 2, 3], "239,7": [9, 9, 9]}, "mark_count": 142, "energy": 0.6,
         "drawing_phase": "developing", "era": "gestural", "recent_locations": [[1, 2]]}
    )  # fmt: skip
    file.write_text(text)
    canvas, piece = canvas_file.load(file)
    drawing = Drawing(canvas, piece, Random(7))
    before = list(canvas.pixels())
    _draw(drawing, anima, 50)
    canvas_file.save(file, drawing.canvas, drawing.piece.saved())

    assert before == [(0, 0, (1, 2, 3)), (239, 7, (9, 9, 9))]
    assert "canvas adopted" in capsys.readouterr().out
    assert canvas_file.load(file)[1]["marks"] == drawing.piece.marks
    assert (tmp_path / "canvas.json.adopted").read_text() == text


def test_a_damaged_canvas_is_kept_aside_every_time(tmp_path):
    """Never deleted, never written over by the next damaged one."""
    file = tmp_path / "canvas.json"
    for text in ("one", "two"):
        file.write_text(text)
        canvas_file.set_aside(file, "damaged")

    assert sorted(entry.read_text() for entry in tmp_path.iterdir()) == ["one", "two"]


def test_paint_beside_the_canvas_is_lost():
    """No wrap-around to the next row."""
    canvas = Canvas()
    for x, y in ((-1, 0), (SIZE, 0), (0, SIZE), (0, -1)):
        canvas.paint(x, y, (255, 255, 255))

    assert canvas.count == 0
    assert json.dumps(list(canvas.pixels())) == "[]"
