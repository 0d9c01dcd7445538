"""A bar on stderr for a person at a terminal; nothing for a program."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class Rate(ProgressColumn):
    """How many came in a second."""

    def render(self, task: Task) -> Text:
        """Nothing until it is known."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


@contextmanager
def bar(what: str) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """Two functions: how many more are expected, and how many came. NO_COLOR is rich's business."""
    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn(what), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as shown:
        task = shown.add_task(what, total=None)
        expected = 0

        def expect(more: int) -> None:
            nonlocal expected
            expected += more
            shown.update(task, total=expected)

        yield expect, lambda came: shown.advance(task, came)
