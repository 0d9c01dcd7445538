"""The catalog of an SQLite file, taken apart from the text of its own schema."""

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from apps.queries import load

SQL = load(Path(__file__).with_suffix(".sql"))

_TOKEN = re.compile(
    r"""\s+|--[^\n]*|/\*.*?\*/      # nothing to compare
      | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
      | \w+(?:\.\w+)? | <= | >= | <> | != | == | \|\| | ->>? | .""",
    re.VERBOSE | re.DOTALL,
)
_TABLE_RULE = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


def read(connection: sqlite3.Connection) -> dict[str, str]:
    """Object to definition. Writes nothing."""
    return parse(connection.execute(SQL["catalog"]).fetchone()[0])


def script() -> str:
    """The same for the sqlite3 command: a statement whose one answer ``parse`` takes."""
    return SQL["catalog"]


def parse(answer: str | None) -> dict[str, str]:
    """Object to definition, from the JSON of the one query."""
    found: dict[str, str] = {}
    for kind, name, table, text in json.loads(answer or "[]"):
        if kind == "table":
            found.update(_table(name, text))
        elif kind == "pragma":
            found[f"pragma {name}"] = str(text)
        else:
            of = f"{table}.{name}" if kind == "trigger" else name
            found[f"{kind} {of}"] = _plain(_tokens(text or "made by the engine"))
    return found


def _table(name: str, text: str) -> Iterator[tuple[str, str]]:
    """A table, its columns, and its rules: what the engine keeps as one text."""
    tokens = _tokens(text)
    if "(" not in tokens:  # CREATE VIRTUAL TABLE ... USING module
        yield f"table {name}", _plain(tokens)
        return
    start = tokens.index("(")
    end = _closing(tokens, start)
    virtual = "virtual " if "VIRTUAL" in (word.upper() for word in tokens[:start]) else ""
    options = _plain(tokens[end + 1 :]).upper() or "ordinary"
    yield f"table {name}", f"{virtual}{options}"
    if virtual:
        yield f"table {name}", _plain(tokens)
        return
    for part in _split(tokens[start + 1 : end]):
        if part[0].upper() in _TABLE_RULE:
            yield f"constraint {name} {_plain(part)}", "there"
            continue
        column = _bare(part[0])
        rest, checks = _checks(part[1:])
        yield f"column {name}.{column}", _plain(rest)
        if checks:
            said = " ".join(f"CHECK {_plain(check)}" for check in checks)
            yield f"constraint {name}.{column}", said


def _tokens(text: str) -> list[str]:
    words = (token[0] for token in _TOKEN.finditer(text))
    return [word for word in words if word.strip() and not word.startswith(("--", "/*"))]


def _closing(tokens: list[str], start: int) -> int:
    """Where the parenthesis that opens at ``start`` closes."""
    depth = 0
    for place in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[place], 0)
        if not depth:
            return place
    return len(tokens)


def _split(tokens: list[str]) -> Iterator[list[str]]:
    """At the commas that no parenthesis holds."""
    depth, part = 0, list[str]()
    for word in tokens:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == "," and not depth:
            yield part
            part = []
        else:
            part.append(word)
    if part:
        yield part


def _checks(tokens: list[str]) -> tuple[list[str], list[list[str]]]:
    """A column's definition without its checks, and the checks."""
    rest, checks, place = list[str](), list[list[str]](), 0
    while place < len(tokens):
        if tokens[place].upper() == "CHECK":
            end = _closing(tokens, place + 1)
            checks.append(tokens[place + 1 : end + 1])
            place = end + 1
        else:
            rest.append(tokens[place])
            place += 1
    return rest, checks


def _plain(tokens: list[str]) -> str:
    """One line, spaced the same however it was typed."""
    return re.sub(r"(?<=\() | (?=[(),.;])", "", " ".join(tokens)).removesuffix(";")


def _bare(word: str) -> str:
    return word[1:-1] if word[:1] in {'"', "`", "["} else word
