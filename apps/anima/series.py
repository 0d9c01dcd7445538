"""A recorded series as a CSV file that declares its units, read row by row.

A header cell is a name with its unit, ``ambient_temp_c [Cel]``; an empty cell is an absent
reading. A file that is not ours is declared in ``NAME.csv.toml`` beside it. The names are those
of the sensors, or of the four feelings, or with ``eisv = "2026-02"`` in the TOML the letters of
a reported EISV, read backwards: E warmth, I clarity, S 1 - stability, V 0.3 (1 - presence).
Nothing is converted, and what is not declared is refused.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from apps.anima.readings import UNITS
from schemas.errors import Refused, Unreachable

SECONDS = "seconds"
FEELINGS = ("warmth", "clarity", "stability", "presence")
EISV = ("E", "I", "S", "V")
EISV_FORM = "2026-02"
CELL = re.compile(r"([^\s\[\]]+)(?: *\[([^\[\]]+)\])?")
KEYS = {"units": dict, "ignore": list, "eisv": str, "at_end": str, "licence": str}
ENDS = ("again", "stop")


class Row(NamedTuple):
    """One row: its second if it says one, its readings, its feelings."""

    seconds: float | None
    values: dict[str, float]
    felt: dict[str, float] | None


class Series:
    """The rows of one file; its declaration and its header are checked at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        said = _declared(path)
        self.goes_again = said.get("at_end", ENDS[0]) == ENDS[0]
        """Whether it begins anew after its last row."""
        self._felt_as = EISV if "eisv" in said else FEELINGS
        try:
            _, header = next(_cells(path), (1, []))
        except OSError as error:
            raise Unreachable(f"{path}: {error.strerror}", hint="ANIMA_SOURCE names it") from None
        self._columns = self._named(header, said)
        names = set(self._columns.values())
        self.is_timed = SECONDS in names
        self.feels = not names.isdisjoint((*FEELINGS, *EISV))
        """Whether it says how it felt, rather than what was measured."""

    def rows(self) -> Iterator[Row]:
        """Every row from the first on; Refused with its line if one is not as declared."""
        lines = _cells(self.path)
        width, before = len(next(lines)[1]), -1.0
        for line, cells in lines:
            if len(cells) != width:
                self._refuse(f"line {line}: has {len(cells)} cells, the header {width}")
            found: dict[str, float] = {}
            for at, name in self._columns.items():
                if text := cells[at].strip():
                    found[name] = self._number(line, name, text)
            seconds = found.pop(SECONDS, None)
            if self.is_timed:
                if seconds is None or seconds <= before:
                    self._refuse(f"line {line}: {SECONDS} {seconds} does not follow {before}")
                before = seconds
            felt = self._felt(line, found) if self.feels else None
            yield Row(seconds, found, felt)

    def _named(self, cells: list[str], said: dict[str, Any]) -> dict[int, str]:
        """The columns that count, by their place."""
        ignored, units = said.get("ignore", []), said.get("units", {})
        columns: dict[int, str] = {}
        for at, text in enumerate(cells):
            matched = CELL.fullmatch(text.strip())
            name, unit = matched.groups() if matched else (text.strip(), None)
            if name in ignored:
                continue
            self._check(name, unit or units.get(name))
            if name in columns.values():
                self._refuse(f"column {name!r} is there twice")
            columns[at] = name
        names, whole = set(columns.values()), set(self._felt_as)
        if names & whole and not whole <= names:
            self._refuse(f"{', '.join(sorted(whole - names))} is missing", "all four or none")
        if not names - {SECONDS}:
            self._refuse("has no column that we know")
        return columns

    def _check(self, name: str, unit: str | None) -> None:
        """Refuse a name or a unit that is not declared."""
        known = {**UNITS, SECONDS: "s", **dict.fromkeys(self._felt_as, "1")}
        if name not in known:
            hint = f"names are {', '.join(known)}; {self.path.name}.toml may ignore it"
            self._refuse(f"column {name!r} is unknown", hint)
        if unit is None:
            hint = f"write it as '{name} [{known[name]}]'"
            self._refuse(f"column {name!r} has no unit", hint)
        if unit != known[name]:
            what = f"column {name!r} is in {unit!r}, not in {known[name]!r}"
            self._refuse(what, "nothing is converted")

    def _number(self, line: int, name: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self._refuse(f"line {line}: {name} {text!r} is not a number")
        return number

    def _felt(self, line: int, found: dict[str, float]) -> dict[str, float] | None:
        """The four feelings, taken out of ``found``; None where the row has none."""
        told = [found.pop(name) for name in self._felt_as if name in found]
        if not told:
            return None
        if len(told) < len(self._felt_as):
            self._refuse(f"line {line}: has only {len(told)} of {', '.join(self._felt_as)}")
        if self._felt_as is EISV:
            E, I, S, V = told
            told = [E, I, 1 - S, 1 - V / 0.3]
        felt = dict(zip(FEELINGS, told, strict=True))
        for name, value in felt.items():
            if not 0 <= value <= 1:
                self._refuse(f"line {line}: {name} would be {value:g}, not in [0, 1]")
        return felt

    def _refuse(self, what: str, hint: str | None = None) -> NoReturn:
        raise Refused(f"{self.path}: {what}", hint=hint)


def _cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each line that has any."""
    import csv  # noqa: PLC0415  only where a series is replayed

    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        for cells in lines:
            if cells:
                yield lines.line_num, cells


def _declared(path: Path) -> dict[str, Any]:
    """What the TOML beside the series says of it; nothing if there is none."""
    import tomllib  # noqa: PLC0415  only where a series is replayed

    file = path.with_name(f"{path.name}.toml")
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Refused(f"{file}: {error}") from None
    for key, value in said.items():
        if key not in KEYS:
            raise Refused(f"{file}: unknown key {key!r}", hint=f"keys are {', '.join(KEYS)}")
        if not isinstance(value, KEYS[key]):
            raise Refused(f"{file}: {key} is no {KEYS[key].__name__}")
    for key, words in (("at_end", ENDS), ("eisv", (EISV_FORM,))):
        if key in said and said[key] not in words:
            raise Refused(f"{file}: {key} is {said[key]!r}", hint=f"it may be {', '.join(words)}")
    return said
