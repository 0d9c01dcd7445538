"""An SQL file as the rules see it: its code without comments and literals, its statements."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, NamedTuple

Engine = Literal["postgres", "sqlite"]

ASIDE: Final = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
BODY: Final = re.compile(r"(\$\w*\$).*?\1", re.DOTALL)


class Statement(NamedTuple):
    """Where it starts, what it says, and the same without comments, literals and bodies."""

    start: int
    text: str
    code: str


@dataclass(frozen=True)
class Source:
    """One file. ``earlier`` are the migrations that ran before it, oldest first."""

    path: str
    text: str
    engine: Engine
    earlier: tuple["Source", ...] = ()
    rollback: str | None = None
    """The text of the file beside it."""
    is_old: bool = False
    """From before a migration said what it ensures and what its rollback loses."""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return Path(self.path).name

    @property
    def is_rollback(self) -> bool:
        """Takes back what the file beside it made."""
        return self.name.endswith(".rollback.sql")

    @property
    def is_migration(self) -> bool:
        """Neither a query of an app nor what runs after every change."""
        return self.name[:4].isdigit()

    @cached_property
    def code(self) -> str:
        """The text with comments and literals blanked; every other character stays in place."""
        return ASIDE.sub(_blank, self.text)

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Cut at each semicolon outside of a function's body."""
        return tuple(self._cut())

    def line(self, offset: int) -> int:
        """The number of the line that holds a character."""
        return self.text.count("\n", 0, offset) + 1

    def _cut(self) -> Iterator[Statement]:
        code, start = BODY.sub(_blank, self.code), 0
        for end in [found.end() for found in re.finditer(";", code)] + [len(code)]:
            lead = len(code[start:end]) - len(code[start:end].lstrip())
            if code[start:end].strip("; \n\t"):
                yield Statement(
                    start + lead, self.text[start + lead : end], code[start + lead : end]
                )
            start = end


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])
