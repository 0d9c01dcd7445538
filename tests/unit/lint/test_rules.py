"""Each rule sees its bad example, where it stands, and leaves its good one alone."""

import pytest

from apps.lint import both, graph, postgres, sqlite
from apps.lint.finding import findings
from apps.lint.lines import RULES
from apps.lint.source import Source

PLAIN = "0009.add-cups.sql"
CUPS = Source("0001.create-cups.sql", """CREATE TABLE cups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, size INTEGER) STRICT;
CREATE INDEX cups_size_idx ON cups (size);""", "sqlite")  # fmt: skip
SAFE = """CREATE TABLE new_cups (id INTEGER PRIMARY KEY AUTOINCREMENT, size REAL) STRICT;
INSERT INTO new_cups (id, size) SELECT id, size FROM cups;
DROP TABLE cups;
ALTER TABLE new_cups RENAME TO cups;
CREATE INDEX cups_size_idx ON cups (size);
UPDATE sqlite_sequence SET seq = 7 WHERE name = 'cups';
"""

EXAMPLES = [
    (postgres.qualified_names, "CREATE TABLE a (b bigint);", "CREATE TABLE core.a (b bigint);"),
    (postgres.qualified_names, "DROP VIEW public.a;", "DROP VIEW core.a;"),
    (postgres.qualified_names, "CREATE INDEX a_idx ON a (b);", "CREATE INDEX a_idx ON core.a (b);"),
    (postgres.qualified_names, "DELETE FROM a;", "DELETE FROM core.a;"),
    (
        postgres.partition_bounds,
        "CREATE TABLE a.b PARTITION OF a.c FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');",
        "CREATE TABLE a.b PARTITION OF a.c FOR VALUES FROM ('2026-01-01 00:00+00') TO (MAXVALUE);",
    ),
    (
        postgres.partition_bounds,
        "SELECT format('ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', a, b, c);",
        "SELECT format('ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', a, b || '+00', c);",
    ),
    (
        postgres.partition_bounds,
        "CREATE TABLE a.b (day date NOT NULL) PARTITION BY RANGE (day);",
        "CREATE TABLE a.b (at timestamptz NOT NULL) PARTITION BY RANGE (at);",
    ),
    (
        postgres.jsonb_shape,
        "CREATE TABLE a.b (data jsonb NOT NULL);",
        "CREATE TABLE a.b (data jsonb CONSTRAINT b_data CHECK (jsonb_typeof(data) = 'object'));",
    ),
    (
        postgres.named_checks,
        "CREATE TABLE a.b (size integer CHECK (size > 0));",
        "CREATE TABLE a.b (size integer CONSTRAINT b_size_check CHECK (size > 0));",
    ),
    (
        postgres.column_types,
        "CREATE TABLE a.b (c varchar(9), d json);",
        "CREATE TABLE a.b (c text, d jsonb, e bigint);",
    ),
    (postgres.time_zone, "ALTER TABLE a.b ADD c timestamp;", "ALTER TABLE a.b ADD c timestamptz;"),
    (postgres.time_zone, "SELECT localtimestamp;", "GRANT SELECT (timestamp) ON TABLE a.b TO c;"),
    (both.select_star, "SELECT a.* FROM a;", "SELECT count(*), b * c FROM a; -- not SELECT *"),
    (
        both.index_where_made,
        "CREATE INDEX cups_size_idx ON core.cups (size);",
        "CREATE TABLE core.cups (size bigint); CREATE INDEX cups_size_idx ON core.cups (size);",
    ),
    (sqlite.time_zone, "CREATE TABLE a (b TEXT DEFAULT CURRENT_TIMESTAMP) STRICT;",
     "CREATE TABLE a (b TEXT) STRICT;"),
    (sqlite.time_zone, "UPDATE a SET b = datetime('now');",
     "UPDATE a SET b = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now');"),
    (sqlite.strict_tables, "CREATE TABLE a (b TEXT);", "CREATE TABLE a (b TEXT) STRICT;"),
    (
        sqlite.json_shape,
        "CREATE TABLE a (b TEXT DEFAULT '{}') STRICT;",
        "CREATE TABLE a (b TEXT DEFAULT '{}' CHECK (json_type(b) = 'object')) STRICT;",
    ),
    (
        graph.age_labels,
        "SELECT ag_catalog.create_vlabel('governance_graph', 'Agnet');",
        "SELECT ag_catalog.create_vlabel('governance_graph', 'Agent');",
    ),
    (
        graph.age_labels,
        "SELECT a FROM ag_catalog.cypher('governance_graph', $q$ MATCH (a:Agent)-[:Agent]->() $q$)",
        "SELECT a FROM ag_catalog.cypher('governance_graph', $q$ MATCH (a:Agent)-[:WROTE]->() $q$)",
    ),
    (
        graph.age_labels,
        "DECLARE a name := 'governance_graph'; create_vlabel(b); SELECT ('Cup', 'v', 1); END",
        "DECLARE a name := 'governance_graph'; create_vlabel(b); SELECT ('Agent', 'v', 1); END",
    ),
]  # fmt: skip


def said(rule, text, name=PLAIN, **more):
    """What one rule finds in a text."""
    return list(findings((rule,), Source(name, text, "postgres", **more)))


@pytest.mark.parametrize(
    ("rule", "bad", "good"), EXAMPLES, ids=lambda of: getattr(of, "__name__", "")
)
def test_a_rule_sees_its_bad_example_only(rule, bad, good):
    """On its own line, with the name of the rule."""
    seen = said(rule, "-- one\n-- two\n" + bad)

    assert [(each.line, each.rule) for each in seen][:1] == [(3, rule.__name__.replace("_", "-"))]
    assert str(seen[0]).startswith(f"{PLAIN}:3: {seen[0].rule}: {seen[0].what}; ")
    assert said(rule, "-- one\n" + good) == []


def test_a_migration_without_its_rollback_is_seen():
    """The runner would only notice when somebody needs it."""
    assert [each.rule for each in said(both.rollback_there, "SELECT 1;")] == ["rollback-there"]
    assert said(both.rollback_there, "SELECT 1;", rollback="SELECT 2;") == []


def test_a_migration_that_ensures_nothing_is_seen():
    """From the first one on that had to."""
    assert [each.rule for each in said(both.ensured, "SELECT 1;")] == ["ensured"]
    assert said(both.ensured, "-- ensure: SELECT true\nSELECT 1;") == []
    assert said(both.ensured, "SELECT 1;", is_old=True) == []


def test_a_rollback_that_destroys_says_so():
    """``abode migrate rollback`` asks with this very sentence."""
    name = "0009.add-cups.rollback.sql"

    assert said(both.says_what_is_lost, "DROP TABLE core.cups;", name)
    assert not said(both.says_what_is_lost, "-- lossy: all cups\nDROP TABLE core.cups;", name)
    assert not said(both.says_what_is_lost, "DROP VIEW core.cups;", name)
    assert not said(both.says_what_is_lost, "DROP TABLE core.cups;", name, is_old=True)


@pytest.mark.parametrize(
    ("text", "loses"),
    [("ALTER TABLE core.cups DROP size;", True), ("ALTER TABLE core.cups DROP COLUMN size;", True),
     ('ALTER TABLE core.cups ADD a text, DROP "size";', True),
     ("UPDATE core.cups SET size = 0;", True), ("UPDATE ONLY core.cups AS c SET size = 0;", True),
     ("ALTER TABLE core.cups ALTER size TYPE integer;", True),
     ("ALTER TABLE core.cups ALTER COLUMN size SET DATA TYPE integer;", True),
     ("ALTER TABLE core.cups DROP CONSTRAINT cups_size_check;", False),
     ("ALTER TABLE core.cups ALTER size DROP NOT NULL, ALTER size DROP DEFAULT;", False),
     ("CREATE TRIGGER a BEFORE UPDATE ON core.cups EXECUTE FUNCTION core.a();", False),
     ("SELECT 1 FROM core.cups FOR UPDATE; SET LOCAL a = 1;", False)],
)  # fmt: skip
def test_every_way_to_destroy_is_seen(text, loses):
    """Rows, columns with and without the word, values."""
    assert bool(said(both.says_what_is_lost, text, "0009.add-cups.rollback.sql")) == loses


UNSAFE = {
    "cups is moved away before": (
        "ALTER TABLE cups RENAME TO old; CREATE TABLE cups (id INTEGER) STRICT;"
        "INSERT INTO cups (id) SELECT id FROM old; DROP TABLE old;"
    ),
    "dropped and made anew": "DROP TABLE cups; CREATE TABLE cups (id INTEGER) STRICT;",
    "before its rows are copied": SAFE.replace("INSERT INTO new_cups (id, size) SELECT", "SELECT"),
    "by position": SAFE.replace("(id, size) SELECT id, size", "SELECT id, size"),
    "may lose rows": SAFE.replace("FROM cups;", "FROM cups WHERE size > 0;"),
    "index cups_size_idx goes": SAFE.replace("CREATE INDEX cups_size_idx ON cups (size);", ""),
    "may come back": SAFE.partition("UPDATE")[0],
}  # fmt: skip


@pytest.mark.parametrize("what", UNSAFE)
def test_a_rebuild_that_may_lose_something_is_seen(what):
    """Each way to do it wrong, by what it would lose."""
    seen = list(findings((sqlite.table_rebuild,), Source(PLAIN, UNSAFE[what], "sqlite", (CUPS,))))

    assert any(what in each.what for each in seen)


def test_the_safe_rebuild_passes():
    """SQLite's own twelve steps, those that a migration takes."""
    assert not list(findings((sqlite.table_rebuild,), Source(PLAIN, SAFE, "sqlite", (CUPS,))))


def test_every_rule_has_an_example_and_says_why_it_is():
    """A rule without either is a rule that nobody understands."""
    shown = {rule for rule, _, _ in EXAMPLES}
    apart = {both.rollback_there, both.ensured, both.says_what_is_lost, sqlite.table_rebuild}

    assert {rule for rules in RULES.values() for rule in rules} == shown | apart
    assert all(rule.__doc__ for rule in shown | apart)
