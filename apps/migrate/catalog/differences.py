"""How one catalog differs from another."""

from collections.abc import Mapping
from difflib import ndiff
from typing import Literal

from schemas.quantity import Closed


class Difference(Closed):
    """One object that is not as it should be."""

    object: str
    kind: Literal["missing", "unexpected", "changed"]
    expected: str | None
    actual: str | None

    def __str__(self) -> str:
        """The object, what is wrong with it, and both definitions where they are short."""
        if self.expected is None:
            return f"{self.object}: unexpected: {_line(self.actual)}"
        if self.actual is None:
            return f"{self.object}: missing: {_line(self.expected)}"
        if "\n" not in self.expected + self.actual:
            return f"{self.object}: {self.actual!r}, expected {self.expected!r}"
        lines = ndiff(self.expected.splitlines(), self.actual.splitlines())
        changed = [line for line in lines if line.startswith(("-", "+"))]
        return "\n    ".join([f"{self.object}: changed (- expected, + there)", *changed])


def difference(expected: Mapping[str, str], actual: Mapping[str, str]) -> list[Difference]:
    """Everything that only one of two catalogs has, or that they define differently, by object."""
    return [
        Difference(
            object=name,
            kind="unexpected" if name not in expected
            else "missing" if name not in actual else "changed",
            expected=expected.get(name),
            actual=actual.get(name),
        )
        for name in sorted(expected.keys() | actual.keys())
        if expected.get(name) != actual.get(name)
    ]  # fmt: skip


def disordered(expected: Mapping[str, str], actual: Mapping[str, str]) -> list[Difference]:
    """Tables whose columns are the same and stand in another order."""
    was, now = _columns(expected), _columns(actual)
    return [
        Difference(
            object=f"table {table}",
            kind="changed",
            expected=f"columns {', '.join(names)}",
            actual=f"columns {', '.join(now[table])}",
        )
        for table, names in was.items()
        if names != now.get(table, names) and sorted(names) == sorted(now[table])
    ]


def shown(differences: list[Difference]) -> str:
    """A line or two for each."""
    return "\n".join(f"  {each}" for each in differences)


def _columns(catalog: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in catalog:
        if name.startswith("column "):
            table, _, column = name.removeprefix("column ").rpartition(".")
            found.setdefault(table, []).append(column)
    return found


def _line(text: str | None) -> str:
    first, newline, _ = (text or "").partition("\n")
    return repr(first) + (" ..." if newline else "")
