"""Figures are what they say: gaps open, words as words, rests where the equations rest."""

import re
import sqlite3
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from apps.anima.equations import Eisv, Signals, coherence, step
from apps.eisv.pull import Pull
from apps.eisv.selection import Selection
from apps.eisv.strokes import STATE, strokes, thinned

ROOT = Path(__file__).parents[3]


@pytest.fixture
def data(published):
    """The drawing series as strokes."""
    return strokes(published, Selection())


def test_no_line_goes_over_a_gap_or_into_another_piece(data):
    """Every run is of one piece, and every row is in one run."""
    assert len(data.runs) == 16
    assert [data.runs[0].start, data.runs[-1].stop] == [0, 1126]
    for run in data.runs:
        assert len(set(data.pieces[run])) == 1
    for first, last, _ in data.gaps:
        assert not any(
            data.instants[run][0] <= first and data.instants[run][-1] >= last for run in data.runs
        )


def test_a_gap_within_a_piece_cuts_its_line(history, exported, tmp_path):
    """Rows that are gone are not joined over."""
    with closing(sqlite3.connect(history)) as db, db:
        db.execute("DELETE FROM drawing_history WHERE id BETWEEN 20 AND 30")
    exported(history)
    data = strokes(tmp_path / "data", Selection())

    assert (len(data.runs), data.runs[0].stop) == (17, 19)


@pytest.mark.parametrize("portrait", [[], ["--portrait"]])
def test_a_png_is_drawn_and_not_empty(abode, published, tmp_path, portrait):
    """220 dots an inch, with ink in it."""
    out = tmp_path / "f.png"
    code, said, _ = abode("eisv", "plot", "--data", published, "--out", out, *portrait)

    assert (code, said) == (0, f"{out}: 1126 rows, 2 gaps\n")
    assert struct.unpack(">II", out.read_bytes()[16:24])[0] == 1584
    import matplotlib.image  # noqa: PLC0415

    ink = matplotlib.image.imread(out)[..., :3].mean(axis=2)
    assert 0.01 < (ink < 0.5).mean() < 0.2
    assert ink[0, 0] == 1


@pytest.mark.parametrize("portrait", [[], ["--portrait"]])
def test_an_svg_keeps_its_words_and_is_the_same_each_time(abode, published, tmp_path, portrait):
    """Text as text, no date in it: a figure in a repository changes when its data does."""
    for name in ("a.svg", "b.svg"):
        out = tmp_path / name
        assert abode("eisv", "plot", "--data", published, "--out", out, *portrait)[0] == 0
    said = (tmp_path / "a.svg").read_text()

    assert said == (tmp_path / "b.svg").read_text()
    words = set(re.findall(r">([^<>\n]+)</text>", said))
    assert {"resolving", "I, integrity"} <= words if portrait else {"geometric", "gap"} <= words


def test_a_figure_is_refused_before_anything_is_read(abode, tmp_path):
    """Another format, a file that is there."""
    code, _, said = abode("eisv", "plot", "--file", tmp_path / "none", "--out", tmp_path / "f.gif")
    assert (code, "is no .png or .svg" in said) == (2, True)
    there = tmp_path / "f.png"
    there.touch()
    code, _, said = abode("eisv", "plot", "--file", tmp_path / "none", "--out", there)
    assert (code, "--force" in said) == (2, True)


@pytest.mark.parametrize("signals", [(0.5, 0.4, 0.1), (0.2, 0.9, 0.9), (0.9, 0.0, 0.0)])
def test_the_rest_is_where_the_equations_come_to_rest(signals):
    """Stepped for long enough by the house's own equations."""
    rest = Pull(*signals)
    state = Eisv()
    for _ in range(60_000):
        state, _ = step(state, Signals(*signals))
    V = float(rest.balance(np.array(rest.energy())))

    assert rest.energy() == pytest.approx(state.E, abs=1e-9)
    assert pytest.approx(state.V, abs=1e-9) == V
    assert float(rest.integrity(np.array(V))) == pytest.approx(state.I, abs=1e-9)
    assert float(rest.entropy(np.array(V))) == pytest.approx(state.S, abs=1e-9)
    assert coherence(V) == pytest.approx(coherence(state.V), abs=1e-9)


def test_thinning_keeps_the_extremes():
    """A peak of one row among a million is still there."""
    values = np.zeros(1_000_000)
    values[123_456], values[777_777] = 1, -1
    at, kept = thinned(np.arange(1_000_000), values)

    assert len(kept) <= 4_000
    assert (kept.max(), kept.min()) == (1, -1)
    assert (np.diff(at) > 0).all()


def test_what_draws_is_loaded_only_to_draw():
    """The command is quick to complete and to help: neither pyarrow nor matplotlib for that."""
    script = (
        "import sys, apps.ops.cli; print({'pyarrow', 'matplotlib', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "set()\n"
    assert STATE == ("E", "I", "S", "V", "C")
