"""What a rule says about a place."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from apps.lint.source import Source

Said = Iterator[tuple[int, str, str]]
"""Offset in the text, what is wrong, what to do."""
Rule = Callable[[Source], Said]


class Finding(NamedTuple):
    """Prints as ``file:line: rule: what; hint``."""

    path: str
    line: int
    rule: str
    what: str
    hint: str

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.path}:{self.line}: {self.rule}: {self.what}{hint}"


def findings(rules: tuple[Rule, ...], source: Source) -> Iterator[Finding]:
    """What each rule finds in a file."""
    for rule in rules:
        for offset, what, hint in rule(source):
            name = rule.__name__.replace("_", "-")
            yield Finding(source.path, source.line(offset), name, what, hint)
