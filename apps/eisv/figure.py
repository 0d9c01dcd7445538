"""How a figure looks: white paper, text as text, colours that every eye tells apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from schemas.eisv import ArcPhase, Era
from schemas.errors import Refused, Unreachable

FORMATS: Final = (".png", ".svg")
INK: Final = "#222222"
PALE: Final = "#8a8a8a"
GAP: Final = "#e4e4e4"
ERAS: Final[dict[str, str]] = {
    Era.GESTURAL: "#E69F00",
    Era.POINTILLIST: "#56B4E9",
    Era.FIELD: "#009E73",
    Era.GEOMETRIC: "#CC79A7",
    Era.RESONANCE: "#0072B2",
    Era.EXPRESSIVE: "#F0E442",
    Era.MINIMAL: "#999999",
}
ARCS: Final[dict[str, str]] = {
    ArcPhase.OPENING: "#56B4E9",
    ArcPhase.DEVELOPING: "#0072B2",
    ArcPhase.RESOLVING: "#D55E00",
    ArcPhase.CLOSING: "#000000",
}
"""Okabe and Ito's colours, told apart by every kind of eye and in grey."""

SETTINGS: Final[Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 0.9,
    "svg.fonttype": "none",
    "svg.hashsalt": "abode",
    "path.simplify": True,
    "timezone": "UTC",
}


def wanted(out: Path, *, force: bool) -> None:
    """Refuse what cannot be written before anything is read."""
    if out.suffix not in FORMATS:
        raise Refused(f"--out: {out.name!r} is no {' or '.join(FORMATS)}", f"{out.stem}.svg")
    if out.exists() and not force:
        raise Refused(f"{out}: is there already", "--force writes it anew")


@contextmanager
def drawn(out: Path, width: float, height: float) -> Iterator[Any]:
    """A figure in inches; it is saved at the end, whole or not at all."""
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        part = out.with_name(f".{out.name}.part")
        metadata = {"Date": None} if out.suffix == ".svg" else {"Software": "abode eisv plot"}
        try:
            figure.savefig(part, format=out.suffix[1:], dpi=220, metadata=metadata)
            part.replace(out)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise Unreachable(f"{out}: {error.strerror}") from error
