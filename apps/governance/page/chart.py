"""Lines over time as SVG numbers: pure, so that a test can look at every point.

A chart is drawn by the server with axes, ticks and gaps; the template only writes it down.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from typing import Final, NamedTuple

from apps.governance.page.render import number

WIDTH, HEIGHT = 340, 168
LEFT, RIGHT, TOP, BOTTOM = 36, 46, 20, 24
QUIET_SECONDS: Final = 300.0
"""As long as a check-in counts as fresh, its line goes on."""
STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0)


class Span(NamedTuple):
    """A stretch of time that a reader may choose, and how it is cut."""

    word: str
    says: str
    seconds: int
    step_seconds: int
    tick_seconds: int
    form: str

    @property
    def step(self) -> str:
        """A step in words."""
        minutes = self.step_seconds // 60
        if minutes < 60:
            return "minute" if minutes == 1 else f"{minutes} minutes"
        return "hour" if minutes == 60 else f"{minutes // 60} hours"


SPANS: Final = {
    span.word: span
    for span in (
        Span("1h", "1 hour", 3_600, 60, 900, "%H:%M"),
        Span("24h", "24 hours", 86_400, 600, 21_600, "%H:%M"),
        Span("7d", "7 days", 604_800, 3_600, 172_800, "%d %b"),
    )
}


class Window(NamedTuple):
    """From when to when, cut on whole steps so that a reload draws the same."""

    since: datetime
    until: datetime
    span: Span

    @classmethod
    def ending(cls, now: datetime, span: Span) -> "Window":
        """The span up to now, the running step included."""
        seconds = ceil(now.timestamp() / span.step_seconds) * span.step_seconds
        until = datetime.fromtimestamp(seconds, UTC)
        return cls(until - timedelta(seconds=span.seconds), until, span)


class Series(NamedTuple):
    """One line's numbers: when and how much; None is a gap."""

    name: str
    style: str
    """Which line it is to the style sheet."""
    points: Sequence[tuple[datetime, float | None]]


class Tick(NamedTuple):
    """A mark on an axis: where, and what it says."""

    at: float
    text: str


class Line(NamedTuple):
    """One line, ready to be written: path data, its last point and what stands there."""

    name: str
    style: str
    path: str
    dots: tuple[tuple[float, float], ...]
    x: float
    y: float
    label_y: float
    last: str


class Chart(NamedTuple):
    """One panel."""

    title: str
    says: str
    letter: str
    unit: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    edge: Tick | None
    """A limit that a verdict is measured against, drawn across."""

    @property
    def described(self) -> str:
        """The panel in a sentence, for who does not see it."""
        if not self.lines:
            return f"{self.title}: nothing in this time."
        now = "; ".join(f"{line.name} is now {line.last}" for line in self.lines)
        return f"{self.title}, from {self.y_ticks[0].text} to {self.y_ticks[-1].text}: {now}."


def chart(
    title: str,
    says: str,
    series: Iterable[Series],
    window: Window,
    *,
    letter: str = "",
    unit: str = "1",
    edge: tuple[float, str] | None = None,
) -> Chart:
    """A panel of the lines that have points; its axis holds them all and is never flat."""
    told = [one for one in series if any(value is not None for _, value in one.points)]
    values = [value for one in told for _, value in one.points if value is not None]
    ticks = y_ticks(values) if values else ()
    low, high = (ticks[0], ticks[-1]) if ticks else (0.0, 1.0)
    shown = edge if edge and low <= edge[0] <= high else None
    return Chart(
        title,
        says,
        letter,
        unit,
        _apart([_line(one, window, low, high) for one in told]),
        tuple(Tick(_x(at, window), at.strftime(window.span.form)) for at in x_ticks(window)),
        tuple(Tick(_y(value, low, high), _text(value)) for value in ticks),
        Tick(_y(shown[0], low, high), shown[1]) if shown else None,
    )


def y_ticks(values: Sequence[float]) -> tuple[float, ...]:
    """Three to six round numbers around the values.

    >>> y_ticks([0.42, 0.55])
    (0.4, 0.45, 0.5, 0.55)
    >>> y_ticks([0.0])
    (-0.01, 0.0, 0.01)
    """
    low, high = min(values), max(values)
    size = next((s for s in STEPS if (high - low) / s <= 4), STEPS[-1])
    first, last = floor(round(low / size, 9)), ceil(round(high / size, 9))
    while last - first < 2:
        first, last = first - (last - first < 2), last + 1
    return tuple(round(n * size, 4) + 0.0 for n in range(first, last + 1))


def x_ticks(window: Window) -> tuple[datetime, ...]:
    """Whole quarters, hours or days within the window, in UTC."""
    size = window.span.tick_seconds
    first = ceil(window.since.timestamp() / size)
    last = floor(window.until.timestamp() / size)
    return tuple(datetime.fromtimestamp(n * size, UTC) for n in range(first, last + 1))


def _line(series: Series, window: Window, low: float, high: float) -> Line:
    gap = max(QUIET_SECONDS, 2.01 * window.span.step_seconds)
    runs: list[list[tuple[float, float]]] = []
    before: datetime | None = None
    for at, value in series.points:
        if value is None:
            before = None
            continue
        if before is None or (at - before).total_seconds() > gap:
            runs.append([])
        runs[-1].append((_x(at, window), _y(value, low, high)))
        before = at
    path = "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run) for run in runs if len(run) > 1
    )
    x, y = runs[-1][-1]
    last = next(value for _, value in reversed(series.points) if value is not None)
    alone = tuple(run[0] for run in runs if len(run) == 1)
    label = number(last, 3)
    return Line(series.name, series.style, path, alone, x, y, y + 3.5, label)


def _apart(lines: list[Line]) -> tuple[Line, ...]:
    """The numbers at the lines' ends, moved until none lies on another."""
    placed: list[Line] = []
    for line in sorted(lines, key=lambda each: each.y):
        y = line.label_y
        if placed:
            y = max(y, placed[-1].label_y + 12)
        placed.append(line._replace(label_y=y))
    over = (placed[-1].label_y - (HEIGHT - BOTTOM + 4)) if placed else 0
    if over > 0:
        placed = [line._replace(label_y=line.label_y - over) for line in placed]
    order = [line.style for line in lines]
    return tuple(sorted(placed, key=lambda each: order.index(each.style)))


def _x(at: datetime, window: Window) -> float:
    share = (at - window.since).total_seconds() / window.span.seconds
    return round(LEFT + min(max(share, 0), 1) * (WIDTH - LEFT - RIGHT), 1)


def _y(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low)
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _text(value: float) -> str:
    """A number of an axis, with a true minus.

    >>> _text(0.25)
    '0.25'
    """
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
