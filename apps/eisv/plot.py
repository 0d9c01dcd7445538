"""E, I, S, V and C over time: gaps stay open, eras are bands, pieces end at a tick."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from apps.eisv.figure import ERAS, GAP, INK, PALE, drawn
from apps.eisv.strokes import STATE, Strokes, thinned
from schemas.eisv import Era

NAMES: Final = {
    "E": "energy",
    "I": "integrity",
    "S": "entropy",
    "V": "balance",
    "C": "coherence",
}
MANY_PIECES: Final = 80
"""With more of them, their ends are only ticks above."""


def plot(data: Strokes, out: Path) -> None:
    """Draw the time series."""
    with drawn(out, 7.2, 6.6) as figure:
        bands, *panels = figure.subplots(
            6, 1, sharex=True, gridspec_kw={"height_ratios": [0.32, 1, 1, 1, 1, 1]}
        )
        ends = _ends(data)
        _bands(bands, data, ends)
        for name, panel in zip(STATE, panels, strict=True):
            _panel(panel, name, data, ends)
        panels[-1].set_xlabel("time (UTC)")
        _dates(panels[-1])
        figure.align_ylabels(panels)
        _legend(figure, data)


def _panel(panel: Any, name: str, data: Strokes, ends: Any) -> None:
    for first, last, _ in data.gaps:
        panel.axvspan(first, last, color=GAP, linewidth=0, zorder=0)
    if len(ends) <= MANY_PIECES:
        for end in ends:
            panel.axvline(end, color=PALE, linewidth=0.35, linestyle=(0, (1, 2)), zorder=1)
    values = data.values[name]
    most = max(4_000 // max(len(data.runs), 1), 40)
    for run in data.runs:
        at, kept = thinned(data.instants[run], values[run], most)
        lone = {"marker": ".", "markersize": 2} if len(at) == 1 else {}
        panel.plot(at, kept, color=INK, solid_joinstyle="round", zorder=2, **lone)
    if len(data.told_at):
        panel.plot(
            data.told_at, data.told[name], linestyle="none", marker="o", markersize=2.4,
            markerfacecolor="white", markeredgecolor=INK, markeredgewidth=0.6, zorder=3,
        )  # fmt: skip
    if name == "V":
        panel.axhline(0, color=PALE, linewidth=0.5, zorder=1)
    panel.set_ylabel(f"{name}\n{NAMES[name]}")
    panel.margins(x=0.01, y=0.12)
    panel.yaxis.get_major_locator().set_params(nbins=4)


def _bands(axes: Any, data: Strokes, ends: Any) -> None:
    """Runs of one era as bands, and the ends of pieces above them."""
    eras = data.eras
    starts = [run.start for run in data.runs]
    cuts = sorted({0, *starts, *(np.flatnonzero(eras[1:] != eras[:-1]) + 1).tolist()})
    for first, last in zip(cuts, [*cuts[1:], len(eras)], strict=True):
        if first < last and eras[first]:
            # A band reaches to the next row of the same run, so that bands touch.
            until = data.instants[last - 1 if last in {*starts, len(eras)} else last]
            colour = ERAS.get(eras[first], PALE)
            axes.axvspan(data.instants[first], until, 0, 0.62, color=colour, linewidth=0)
    if len(ends):
        axes.plot(
            ends, np.full(len(ends), 0.86), linestyle="none", marker="v", markersize=3,
            color=INK, clip_on=False,
        )  # fmt: skip
    axes.set_ylim(0, 1)
    axes.margins(x=0.01)
    axes.set_yticks([])
    axes.tick_params(bottom=False)
    axes.spines[["left", "bottom"]].set_visible(False)


def _ends(data: Strokes) -> Any:
    """The last row of every piece but the one that is still being drawn."""
    pieces = data.pieces
    return data.instants[np.flatnonzero(pieces[1:] != pieces[:-1])]


def _dates(panel: Any) -> None:
    from matplotlib import dates  # noqa: PLC0415

    known: Any = dates  # has no types of its own
    locator = known.AutoDateLocator(minticks=4, maxticks=9)
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(known.ConciseDateFormatter(locator))


def _legend(figure: Any, data: Strokes) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415
    from matplotlib.patches import Patch  # noqa: PLC0415

    there = {word for word in data.eras if word}
    handles: list[Any] = [Patch(color=ERAS[era], label=era) for era in Era if era in there]
    handles.append(
        Line2D(
            [], [], linestyle="none", marker="v", markersize=4, color=INK, label="end of a piece"
        )
    )
    if data.gaps:
        handles.append(Patch(color=GAP, label="gap"))
    if len(data.told_at):
        handles.append(
            Line2D([], [], linestyle="none", marker="o", markersize=3, markerfacecolor="white",
                   markeredgecolor=INK, label="told by a check-in")
        )  # fmt: skip
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=len(handles),
        handlelength=1.2,
        columnspacing=1.2,
    )
