"""The phase portrait: how pieces go through E-I and S-V, and where the equations pull them."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from apps.eisv.figure import ARCS, INK, PALE, drawn
from apps.eisv.plot import NAMES
from apps.eisv.pull import Numbers, Pull
from apps.eisv.strokes import SIGNALS, Strokes
from schemas.errors import Refused

PLANES: Final = (("E", "I"), ("S", "V"))
HOLLOW: Final[Any] = {"color": INK, "markerfacecolor": "white", "markeredgewidth": 0.6}
STAR: Final[Any] = {"color": INK, "markerfacecolor": "#F0E442", "markeredgewidth": 0.6}
DASHED: Final[Any] = {"color": PALE, "linewidth": 0.8, "linestyle": (0, (4, 2))}
DOTTED: Final[Any] = {"color": PALE, "linewidth": 0.8, "linestyle": (0, (1, 1.5))}
ARROWS: Final = 48
"""In a plane; enough to see which way it goes."""
MOST_ROWS: Final = 20_000


def pull(data: Strokes) -> Pull | None:
    """With the signals at their medians over all rows; None where they were not recorded."""
    signals = [data.values[name].astype(float) for name in SIGNALS]
    if any(np.isnan(each).all() for each in signals):
        return None
    return Pull(*(float(np.nanmedian(each)) for each in signals))


def portrait(data: Strokes, out: Path) -> None:
    """Draw both planes."""
    if not len(data.instants):
        raise Refused("drawing: only check-ins tell of it", "abode eisv plot, without --portrait")
    rest = pull(data)
    with drawn(out, 7.2, 3.9) as figure:
        planes = figure.subplots(1, 2)
        for (x, y), axes in zip(PLANES, planes, strict=True):
            _ways(axes, data, x, y)
        _legend(figure)
        if rest:
            _rests(planes, rest)
            figure.supxlabel(
                "rest and nullclines for the medians of the signals:"
                f" intentionality {rest.intentionality:.2f},"
                f" gesture entropy {rest.gesture_entropy:.2f},"
                f" switching rate {rest.switching_rate:.2f}",
                fontsize=6.5,
                color="#555555",
            )


def _ways(axes: Any, data: Strokes, x: str, y: str) -> None:
    """Every run as a line in the colours of its parts of the story, with arrows on the way."""
    xs, ys = data.values[x], data.values[y]
    every = max(1, len(xs) // MOST_ROWS)
    few = len(data.runs) < 20
    for run in data.runs:
        rows = np.arange(run.start, run.stop)
        rows = np.unique(np.concatenate([rows[::every], rows[-1:]]))
        arcs = data.arcs[rows]
        turns = np.flatnonzero(arcs[1:] != arcs[:-1]) + 1
        for part in np.split(np.arange(len(rows)), turns):
            # From the row before, so that the parts of one line touch.
            joined = rows[max(part[0] - 1, 0) : part[-1] + 1]
            colour = ARCS.get(arcs[part[0]], PALE)
            axes.plot(xs[joined], ys[joined], color=colour, alpha=0.9 if few else 0.6, zorder=2)
    for a, b in _on_the_way(data, xs, ys):
        arrow = {"arrowstyle": "-|>", "mutation_scale": 6, "linewidth": 0.6, "shrinkA": 0,
                 "shrinkB": 0, "color": ARCS.get(data.arcs[b], PALE)}  # fmt: skip
        axes.annotate("", (xs[b], ys[b]), (xs[a], ys[a]), arrowprops=arrow, zorder=3)
    turns = np.flatnonzero(data.pieces[1:] != data.pieces[:-1])
    first = np.concatenate([[0], turns + 1])
    last = np.concatenate([turns, [len(data.pieces) - 1]])
    axes.plot(xs[first], ys[first], "o", linestyle="none", markersize=3, **HOLLOW, zorder=4)
    axes.plot(
        xs[last], ys[last], "s", linestyle="none", markersize=2.6 if few else 1.8, color=INK,
        zorder=4,
    )  # fmt: skip
    axes.set_xlabel(f"{x}, {NAMES[x]}")
    axes.set_ylabel(f"{y}, {NAMES[y]}")


def _on_the_way(data: Strokes, xs: Numbers, ys: Numbers) -> list[tuple[int, int]]:
    """Pairs of rows for arrows, even along the way that a run goes."""
    width, height = np.ptp(xs) or 1.0, np.ptp(ys) or 1.0
    each = max(1, min(4, ARROWS // max(len(data.runs), 1)))
    found = []
    for run in data.runs[:: max(1, len(data.runs) // ARROWS)]:
        gone = np.hypot(np.diff(xs[run]) / width, np.diff(ys[run]) / height)
        way = np.concatenate([[0.0], np.cumsum(gone)])
        if way[-1] > 0:
            for n in range(each):
                at = int(way.searchsorted(way[-1] * (n + 1) / (each + 1)))
                found.append((run.start + at - 1, run.start + at))
    return found


def _rests(planes: Any, rest: Pull) -> None:
    """The nullclines, and the point where they meet."""
    left, right = planes
    bounds = [(axes.get_xlim(), axes.get_ylim()) for axes in planes]
    E, V = np.linspace(0, 1, 200), np.linspace(-2, 2, 400)
    still = rest.balance(np.array(rest.energy()))
    left.axvline(rest.energy(), **DASHED, zorder=1)
    left.plot(E, rest.integrity(rest.balance(E)), **DOTTED, zorder=1)
    right.axhline(float(still), **DASHED, zorder=1)
    right.plot(rest.entropy(V), V, **DOTTED, zorder=1)
    points: Any = ((rest.energy(), rest.integrity(still)), (rest.entropy(still), still))
    for axes, (xs, ys), (x, y) in zip(planes, bounds, points, strict=True):
        axes.plot(x, y, "*", markersize=9, **STAR, zorder=5, clip_on=False)
        axes.set_xlim(*_with(xs, float(x)))
        axes.set_ylim(*_with(ys, float(y)))


def _with(bounds: tuple[float, float], value: float) -> tuple[float, float]:
    low, high = bounds
    margin = 0.04 * (high - low)
    return min(low, value - margin), max(high, value + margin)


def _legend(figure: Any) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    point: Any = {"linestyle": "none"}
    handles = [Line2D([], [], color=colour, label=arc) for arc, colour in ARCS.items()]
    handles += [
        Line2D([], [], **point, marker="o", markersize=4, **HOLLOW, label="begins"),
        Line2D([], [], **point, marker="s", markersize=3, color=INK, label="ends"),
        Line2D([], [], **DASHED, label="dE = 0, dV = 0"),
        Line2D([], [], **DOTTED, label="dI = 0, dS = 0"),
        Line2D([], [], **point, marker="*", markersize=7, **STAR, label="rest"),
    ]
    figure.legend(
        handles=handles, loc="outside upper left", ncols=9, handlelength=1.6, columnspacing=1.0
    )
