"""Where a file's statements begin, and which of them would end the runner's transaction."""

import re
from collections.abc import Iterator
from typing import Final

ENDS: Final = re.compile(
    r"(?:COMMIT|ROLLBACK|END|ABORT|BEGIN|START\s+TRANSACTION|PREPARE\s+TRANSACTION|SAVEPOINT|"
    r"RELEASE)\b",
    re.IGNORECASE,
)
_ASIDE: Final = re.compile(
    r"--[^\n]*"
    r"|(?<!\w)[Ee]'(?:[^'\\]|''|\\.)*'"
    r"|'(?:[^']|'')*'"
    r'|"(?:[^"]|"")*"'
    # Of a function, a procedure or a DO: a COMMIT in there is not ours.
    r"|(?<![\w$])\$(?P<tag>\w*)\$.*?\$(?P=tag)\$"
    r"|/\*",
    re.DOTALL,
)
"""What is no code: comments, literals, quoted names and bodies."""
_NESTS: Final = re.compile(r"/\*|\*/")


def statements(text: str) -> Iterator[tuple[int, str]]:
    """SQLite: each statement of a file with the number of the line on which it starts."""
    import sqlite3  # noqa: PLC0415  # Postgres lines start without it

    start = end = 0
    while (end := text.find(";", end) + 1) > 0:
        if sqlite3.complete_statement(text[start:end]):
            yield _first_line(text, start), text[start:end]
            start = end
    if text[start:].strip():
        yield _first_line(text, start), text[start:]


def endings(text: str, engine: str) -> Iterator[int]:
    """Lines with a statement that begins or ends a transaction."""
    if engine == "sqlite":
        # A trigger has a BEGIN and an END of its own.
        found = ((line, code(each).lstrip()) for line, each in statements(text))
        yield from (line for line, each in found if ENDS.match(each))
        return
    plain, start = code(text), 0
    for each in plain.split(";"):
        if ENDS.match(each.lstrip()):
            yield plain.count("\n", 0, start + len(each) - len(each.lstrip())) + 1
        start += len(each) + 1


def code(text: str) -> str:
    """The same with a blank for every character that is no code; lines stay."""
    parts, at = [], 0
    while found := _ASIDE.search(text, at):
        end = _comment_end(text, found.start()) if found[0] == "/*" else found.end()
        parts += [text[at : found.start()], re.sub(r"[^\n]", " ", text[found.start() : end])]
        at = end
    return "".join([*parts, text[at:]])


def _comment_end(text: str, start: int) -> int:
    """Postgres lets comments hold comments."""
    depth = 0
    for mark in _NESTS.finditer(text, start):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    return len(text)


def _first_line(text: str, start: int) -> int:
    """Past blank lines and comments."""
    number = text.count("\n", 0, start) + 1
    for line in text[start:].splitlines():
        if line.strip() and not line.lstrip().startswith("--"):
            break
        number += 1
    return number
