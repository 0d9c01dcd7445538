"""Rules for AGE: a label is made by whoever first writes it, so a typing error makes a label."""

import re
from collections.abc import Iterator
from typing import Final

from apps.declared.everything import labels
from apps.lint.finding import Rule, Said
from apps.lint.source import Source

CYPHER: Final = re.compile(r"\bcypher\s*\(\s*'(\w+)'\s*,\s*(\$\w*\$)(.*?)\2", re.DOTALL)
CALLED: Final = re.compile(
    r"\b(create_[ve]label|drop_label)\s*\(\s*'(\w+)'\s*,\s*'(\w+)'", re.IGNORECASE
)
KINDS: Final = {"v": "vertex", "e": "edge"}
LISTED: Final = re.compile(r"\(\s*'(\w+)'\s*,\s*'([ve])'\s*,")
"""A row of a migration that makes labels in a loop."""
PATTERN: Final = re.compile(r"(?<![\w'\"])[(\[]\s*\w*\s*:\s*(\w+(?:\s*\|\s*:?\s*\w+)*)")


def age_labels(source: Source) -> Said:
    """Graphs and labels are those that schemas declare, as vertex or as edge."""
    kinds = {(label.graph, label.label): label.kind for label in labels()}
    graphs = {graph for graph, _ in kinds}
    for at, graph, label, kind in _used(source):
        if graph not in graphs:
            yield at, f"no graph {graph!r}", f"graphs are {', '.join(sorted(graphs)) or 'none'}"
        elif (known := kinds.get((graph, label))) != kind:
            named = sorted(name for (_, name), of in kinds.items() if of == kind)
            what = f"{label!r} is a {known}" if known else f"no {kind} {label!r}"
            yield at, what, f"{kind} labels are {', '.join(named)}"


def _used(source: Source) -> Iterator[tuple[int, str, str, str]]:
    """Offset, graph, label and the kind that it is used as."""
    for call in CALLED.finditer(source.text):
        if call[1].lower() != "drop_label":
            yield call.start(), call[2], call[3], "vertex" if "vlabel" in call[1] else "edge"
    if re.search(r"\bcreate_[ve]label\s*\(\s*[^'\s]", source.text):
        graph = re.search(r"\bname := '(\w+)'", source.text)
        for row in LISTED.finditer(source.text):
            yield row.start(), graph[1] if graph else "", row[1], KINDS[row[2]]
    for query in CYPHER.finditer(source.text):
        for found in PATTERN.finditer(query[3]):
            kind = "vertex" if found[0].startswith("(") else "edge"
            for label in re.findall(r"\w+", found[1]):
                yield query.start(3) + found.start(), query[1], label, kind


RULES: Final[tuple[Rule, ...]] = (age_labels,)
