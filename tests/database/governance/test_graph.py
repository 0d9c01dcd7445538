"""The graph: its labels and indexes are the declared ones, and AGE can be trusted with text."""

import json

import psycopg
import pytest
from psycopg import errors

from apps.migrate import runner
from apps.migrate.lines import line
from schemas.governance.graph import EDGES, GRAPH, LABELS, VERTICES

CREATE = (line("governance").folder / "0008.create-graph.sql").read_text()
CURSED = 'quotes \' " ` and \\ and $$ and $1 and {"a": [1]} and \n a line and ünï¢ode 🜁'


def cypher(conn, query: str, **parameters):
    """Rows of one column, each as AGE writes it."""
    conn.execute('SET search_path = "$user", ag_catalog')
    # Parameters travel as one map, never inside the text: AGE takes them from PREPARE only.
    conn.execute(
        f"PREPARE asked (ag_catalog.agtype) AS SELECT r"
        f" FROM ag_catalog.cypher('{GRAPH}', $query$ {query} $query$, $1) AS (r ag_catalog.agtype)"
    )
    given = psycopg.sql.Literal(json.dumps(parameters))
    asked = psycopg.sql.SQL("EXECUTE asked ({})").format(given)
    rows = conn.execute(asked).fetchall()
    conn.execute("DEALLOCATE asked")
    return [row[0] for row in rows]


def labels(conn) -> dict[str, str]:
    """Label to kind, as AGE holds them."""
    return dict(
        conn.execute(
            "SELECT l.name, l.kind::text FROM ag_catalog.ag_label AS l"
            " JOIN ag_catalog.ag_graph AS g ON g.graphid = l.graph"
            " WHERE g.name = %s AND l.name !~ '^_'",
            [GRAPH],
        ).fetchall()
    )


def indexes(conn) -> dict[str, tuple[str, bool, str]]:
    """Index to label, whether it is unique, and what it holds."""
    rows = conn.execute(
        "SELECT i.relname, t.relname, x.indisunique, pg_get_indexdef(i.oid)"
        "  FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid"
        "  JOIN pg_class AS t ON t.oid = x.indrelid"
        " WHERE t.relnamespace = %s::regnamespace AND t.relname !~ '^_'",
        [GRAPH],
    ).fetchall()
    return {name: (label, unique, sql.partition(" USING ")[2]) for name, label, unique, sql in rows}


def declared() -> dict[str, tuple[str, bool, str]]:
    """What each label asks for."""
    wanted = {}
    looked_up = (
        "btree (ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties,"
        " '\"{}\"'::ag_catalog.agtype]))"
    )
    for label in LABELS:
        stem = label.label.lower()
        wanted[f"{stem}_id_idx"] = (label.label, True, "btree (id)")
        for end in ("start_id", "end_id") if label.ends else ():
            wanted[f"{stem}_{end}_idx"] = (label.label, False, f"btree ({end})")
        if not label.ends:
            wanted[f"{stem}_properties_idx"] = (label.label, False, "gin (properties)")
        for place, name in enumerate(label.indexed):
            wanted[f"{stem}_{name}_property_idx"] = (
                label.label,
                place == 0 and not label.ends,
                looked_up.format(name),
            )
    return wanted


def test_labels_are_those_declared(shared_database):
    """One vocabulary: code, migration and catalog."""
    with psycopg.connect(shared_database.owner) as conn:
        assert labels(conn) == {label.label: label.kind[0] for label in LABELS}


def test_indexes_are_those_declared(shared_database):
    """On ids, on both ends of an edge, and on what queries look for."""
    with psycopg.connect(shared_database.owner) as conn:
        assert indexes(conn) == declared()


def test_every_indexed_property_is_declared():
    """And each vertex has a key."""
    for label in LABELS:
        assert set(label.indexed) <= set(label.model_fields), label.label
    assert all(vertex.indexed for vertex in VERTICES)
    assert all(end in VERTICES for edge in EDGES for side in edge.ends or () for end in side)


def test_creation_is_repeatable_and_heals(governance_database):
    """What is there stays; what somebody took away is made again."""
    with psycopg.connect(governance_database.owner) as conn:
        cypher(conn, "CREATE (a:Agent {id: 'lumen'}) RETURN a")
        before = labels(conn), indexes(conn)
        # AGE 1.5 lets nobody drop a label, not even its owner.
        conn.execute("DROP INDEX governance_graph.agent_id_property_idx")
        conn.execute("DROP INDEX governance_graph.wrote_end_id_idx")
        assert (labels(conn), indexes(conn)) != before
        conn.execute(CREATE)
        conn.execute(CREATE)
        assert (labels(conn), indexes(conn)) == before
        assert len(cypher(conn, "MATCH (a:Agent) RETURN a")) == 1


def test_going_back_leaves_no_graph(governance_database):
    """And going forward makes it anew."""
    governance = line("governance")
    with psycopg.connect(governance_database.owner, autocommit=True) as conn:
        before = labels(conn), indexes(conn)
        runner.rollback(governance, governance_database.owner, to="0007")
        assert labels(conn) == {}
        assert conn.execute("SELECT to_regnamespace(%s)", [GRAPH]).fetchone() == (None,)
        runner.apply(governance, governance_database.owner)
        assert (labels(conn), indexes(conn)) == before


def test_the_app_tells_and_asks(shared_database):
    """Every label, by the app itself; text that is not code comes back as it went."""
    with psycopg.connect(shared_database.app) as conn:
        for vertex in VERTICES:
            key = vertex.indexed[0]
            cypher(conn, f"CREATE (n:{vertex.label} {{{key}: $key}}) RETURN n", key=CURSED)
        for edge in EDGES:
            start, end = (side[0] for side in edge.ends)
            [made] = cypher(
                conn,
                f"MATCH (a:{start.label}), (b:{end.label})"
                f" CREATE (a)-[e:{edge.label}]->(b) RETURN type(e)",
            )
            assert json.loads(made) == edge.label
        [found] = cypher(
            conn,
            "MATCH (a:Agent {id: $id})-[:DISCOVERED]->(d:Discovery) RETURN d.id",
            id=CURSED,
        )
        assert json.loads(found) == CURSED
        assert cypher(conn, "MATCH (a:Agent) WHERE a.id = $id DETACH DELETE a", id=CURSED) == []
        conn.rollback()


def test_the_key_of_a_vertex_is_unique(shared_database):
    """Two writers cannot make the same agent twice."""
    with psycopg.connect(shared_database.app) as conn:
        cypher(conn, "CREATE (a:Agent {id: 'ember'}) RETURN a")
        with pytest.raises(errors.UniqueViolation, match="agent_id_property_idx"):
            cypher(conn, "CREATE (a:Agent {id: 'ember'}) RETURN a")


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("MATCH (a:Agent) WHERE a.id = $id RETURN a", "agent_id_property_idx"),
        ("MATCH (a:Agent {id: $id}) RETURN a", "agent_properties_idx"),
        ("MATCH (d:Discovery) WHERE d.type = $id RETURN d", "discovery_type_property_idx"),
        ("MATCH (a:Agent)-[:DISCOVERED]->(d) WHERE a.id = $id RETURN d",
         "discovered_start_id_idx"),
        ("MATCH (d:Discovery)-[:HAS_TAG]->(t:Tag) WHERE t.name = $id RETURN d",
         "has_tag_end_id_idx"),
    ],
)  # fmt: skip
def test_queries_use_the_indexes(shared_database, query, index):
    """Each question that has an index finds it."""
    with psycopg.connect(shared_database.app) as conn:
        conn.execute("SET enable_seqscan = off; SET enable_hashjoin = off")
        conn.execute("SET enable_mergejoin = off")
        plan = cypher_plan(conn, query)
    assert index in plan, plan


def cypher_plan(conn, query: str) -> str:
    """How Postgres would answer."""
    conn.execute('SET search_path = "$user", ag_catalog')
    conn.execute(
        f"PREPARE asked (ag_catalog.agtype) AS SELECT r FROM"
        f" ag_catalog.cypher('{GRAPH}', $query$ {query} $query$, $1) AS (r ag_catalog.agtype)"
    )
    rows = conn.execute('EXPLAIN EXECUTE asked (\'{"id": "x"}\')').fetchall()
    return "\n".join(row[0] for row in rows)
