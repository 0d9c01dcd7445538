"""Pure: Cypher as AGE takes it inside SQL, and agtype as it comes back."""

import json
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from secrets import token_hex
from typing import Any

from pydantic_core import to_json

from schemas.errors import Refused

TEXT_LIMIT = 65_536
ROWS_LIMIT = 10_000
ASIDE = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|//[^\n]*|/\*.*?\*/", re.DOTALL)
"""Text, quoted names and comments: what looks like Cypher in there is none."""
PARAMETER = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
CLAUSE_ENDS = re.compile(r"\b(?:ORDER\s+BY|SKIP|LIMIT|UNION)\b", re.IGNORECASE)
RETURN = re.compile(r"\bRETURN\b(?:\s+DISTINCT\b)?", re.IGNORECASE)
ALIAS = re.compile(r"\bAS\s", re.IGNORECASE)
MARK = re.compile(r'"(?:[^"\\]|\\.)*"|::[a-z]+')


def asked(graph: str, cypher: str, params: Mapping[str, Any]) -> tuple[str, str, list[str]]:
    """The SQL with one placeholder, what goes there, and the names of the columns.

    ``graph`` is a declared one. No value is ever put into the text: AGE takes them as one map.
    """
    if len(cypher) > TEXT_LIMIT:
        raise Refused(f"cypher: longer than {TEXT_LIMIT} characters")
    if "\0" in cypher:
        raise Refused("cypher: holds a NUL", "Postgres would take the text to end there")
    bare = _bare(cypher)
    _same_names(set(PARAMETER.findall(bare)), params.keys())
    columns = returned(cypher)
    tag = f"$abode_{token_hex(8)}$"
    wanted = ", ".join(f"c{place}" for place in range(max(len(columns), 1)))
    shape = ", ".join(f"c{place} ag_catalog.agtype" for place in range(max(len(columns), 1)))
    text = cypher.replace("%", "%%")  # psycopg reads a lone one as a placeholder
    sql = (
        f"SELECT {wanted} FROM ag_catalog.cypher('{graph}', {tag}{text}{tag}, %s)"  # noqa: S608
        f" AS ({shape}) LIMIT {ROWS_LIMIT + 1}"
    )
    return sql, to_json(params).decode(), columns


def returned(cypher: str) -> list[str]:
    """Names of what the last RETURN gives; none if there is no RETURN. AGE must be told how many.

    >>> returned("MATCH (a)-[e]->(b) RETURN a, {x: 1, y: 'RETURN b, c'} AS m LIMIT 3")
    ['a', 'm']
    """
    plain = ASIDE.sub(lambda found: " " * len(found[0]) if found[0][0] == "/" else found[0], cypher)
    flat = _flat(_bare(plain))
    *_, last = [None, *RETURN.finditer(flat)]
    if last is None:
        return []
    end = CLAUSE_ENDS.search(flat, last.end())
    upto = end.start() if end else len(flat)
    cuts = [place for place in range(last.end(), upto) if flat[place] == ","]
    ends = zip([last.end(), *(cut + 1 for cut in cuts)], [*cuts, upto], strict=True)
    names = [_name(plain[start:stop], flat[start:stop]) for start, stop in ends]
    if len(set(names)) < len(names):
        raise Refused(f"cypher: RETURN gives {', '.join(names)}: a name twice", "say AS")
    return names


def value(text: str | None) -> Any:
    """What an agtype means: a vertex and an edge are objects, a path is a list.

    >>> value('[{"id": 1, "label": "Agent", "properties": {"id": "::x"}}::vertex]::path')
    [{'id': 1, 'label': 'Agent', 'properties': {'id': '::x'}}]
    """
    if text is None:
        return None
    return json.loads(MARK.sub(lambda found: found[0] if found[0][0] == '"' else "", text))


def _name(part: str, flat: str) -> str:
    found = ALIAS.search(flat)
    return part[found.end() if found else 0 :].strip().rstrip(";").strip().strip("`")


def _bare(cypher: str) -> str:
    """The text with what is quoted or said aside blanked out, place by place."""
    return ASIDE.sub(lambda found: "_" * len(found[0]), cypher)


def _flat(bare: str) -> str:
    """The text with everything inside brackets blanked out, place by place."""
    depth, out = 0, []
    for character in bare:
        depth -= character in ")]}"
        out.append(character if depth <= 0 else " ")
        depth += character in "([{"
    return "".join(out)


def _same_names(named: set[str], given: AbstractSet[str]) -> None:
    if missing := sorted(named - given):
        raise Refused(f"params: {missing[0]!r} is not given", "AGE would take it for null")
    if unknown := sorted(given - named):
        raise Refused(f"params: {unknown[0]!r}: the text has no ${unknown[0]}")
