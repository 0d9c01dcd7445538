"""Cypher on its way into SQL, and agtype on its way out; no database is needed."""

import pytest

from apps.governance.data.cypher import asked, returned, value
from schemas.errors import Refused


@pytest.mark.parametrize(
    ("cypher", "names"),
    [
        ("MATCH (a) RETURN a", ["a"]),
        ("match (a) return distinct a, count(*) as n order by n, a skip 1 limit 2", ["a", "n"]),
        ("MATCH (a) WITH a, 1 AS one RETURN [a, one], {x: [1, 2]} AS `m`;", ["[a, one]", "m"]),
        ('RETURN \'a, b\' AS t, "c, \\", d" AS u // , v', ["t", "u"]),
        ("/* RETURN x, y */ RETURN 1 AS n", ["n"]),
        ("RETURN 1 AS a UNION RETURN 2 AS a", ["a"]),
        ("CREATE (a:Agent)", []),
        ("MATCH (a {RETURN: 1}) SET a.x = 'RETURN 1, 2'", []),
    ],
)
def test_what_a_query_returns_is_read_off_it(cypher, names):
    """AGE must be told how many columns; what is quoted or said aside does not count."""
    assert returned(cypher) == names


def test_values_are_never_in_the_text():
    """One placeholder, one map; a tag that the text cannot close."""
    sql, given, _ = asked("governance_graph", "MATCH (a {id: $id}) RETURN a $$ %", {"id": "x' $$"})
    other, *_ = asked("governance_graph", "RETURN 1", {})

    assert sql.count("%s") == 1
    assert given == """{"id":"x' $$"}"""
    assert "x'" not in sql
    assert sql.split("$abode_")[1][:16] != other.split("$abode_")[1][:16]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (None, None),
        ("1", 1),
        ("9007199254740993", 9007199254740993),
        ("1.5::numeric", 1.5),
        ('"a::vertex \\" ::edge"', 'a::vertex " ::edge'),
        ('{"id": 1, "label": "Agent", "properties": {}}::vertex',
         {"id": 1, "label": "Agent", "properties": {}}),
        ('[{"id": 1}::vertex, {"id": 2}::edge, {"id": 3}::vertex]::path',
         [{"id": 1}, {"id": 2}, {"id": 3}]),
    ],
)  # fmt: skip
def test_agtype_is_read(text, meant):
    """Marks go, text stays."""
    assert value(text) == meant


def test_a_parameter_in_quotes_is_text():
    """And needs no value."""
    with pytest.raises(Refused, match="the text has no"):
        asked("governance_graph", "RETURN '$id'", {"id": 1})
