"""One line per step with its seconds, and at the end where the time went."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass
class Step:
    """One thing that is done, and how long it took."""

    what: str
    seconds: float = 0.0
    fetching: float = 0.0
    """Seconds of it spent on downloads."""
    note: str = ""
    doing: Callable[[str], None] = lambda _: None
    """Shows what it is at just now, to whoever watches."""


@dataclass
class Progress:
    """What was done so far. Plain lines when nobody watches; colours respect NO_COLOR."""

    console: Console = field(default_factory=lambda: Console(highlight=False))
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, what: str) -> Iterator[Step]:
        """A step: shown while it runs, one line when it is done."""
        step = Step(what)
        begun = time.monotonic()
        try:
            if self.console.is_terminal:
                with self.console.status(f"{what} ...") as shown:
                    step.doing = lambda now: shown.update(f"{what}: {now} ...")
                    yield step
            else:
                yield step
        except BaseException:
            took = time.monotonic() - begun
            self.console.print(f"[red]x[/] {what:<34} {took:6.1f} s  [red]failed[/]")
            raise
        step.seconds = time.monotonic() - begun
        self.steps.append(step)
        self.console.print(f"[green]+[/] {what:<34} {step.seconds:6.1f} s  [dim]{step.note}[/]")

    def show_breakdown(self) -> None:
        """Downloads against our own work, step by step."""
        table = Table("step", "downloads s", "own work s", title="where the time went")
        for column in table.columns[1:]:
            column.justify = "right"
        for step in self.steps:
            fetched = min(step.fetching, step.seconds)
            table.add_row(step.what, f"{fetched:.1f}", f"{step.seconds - fetched:.1f}")
        fetched = sum(min(step.fetching, step.seconds) for step in self.steps)
        own = sum(step.seconds for step in self.steps) - fetched
        table.add_section()
        table.add_row("together", f"{fetched:.1f}", f"{own:.1f}")
        self.console.print(table)
