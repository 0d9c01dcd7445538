"""Take any one thing away from any one of the three: the comparison names it.

What lies in different tables does not touch each other, so each round takes one column from every
table at once; and one comment, check or grant does not touch another.
"""

import re
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from itertools import zip_longest

import psycopg
import pytest

from apps.declared import postgres, sqlite
from apps.declared.everything import tables
from apps.migrate.catalog import difference
from apps.migrate.catalog import postgres as postgres_catalog
from apps.migrate.catalog import sqlite as sqlite_catalog
from schemas.governance.graph import GRAPH
from tests.database.declared import conftest
from tests.database.declared.conftest import OBJECT, build, declarable, in_file

AGES = {"column", "constraint", "sequence"}


def named(expected, actual):
    """What the comparison speaks of."""
    return {each.object for each in difference(expected, actual)}


def kind_of(name):
    """``comment``, ``grant``, ``column``..."""
    return name.partition(" ")[0]


def rounds(names, of):
    """One from each group at a time."""
    groups = defaultdict(list)
    for name in names:
        groups[of(name)].append(name)
    return [[n for n in each if n] for each in zip_longest(*groups.values())]


def table_of(name):
    """Of a column or a constraint."""
    return name.partition(" ")[2].rpartition(".")[0]


def removal(name):
    """The statement that takes an object away; a renamed one is gone, too."""
    found = OBJECT.fullmatch(name)
    kind, what = found["kind"], found["name"]
    table, _, part = what.rpartition(".")
    gone = f"gone_{abs(hash(what)) % 10**6}"
    if found["about"]:
        about = found["about"].strip()
        revoked = _revoked(kind, what, found["role"])
        return {"comment": f"COMMENT ON {kind} {what} IS NULL", "grant": revoked}[about]
    if table == GRAPH and kind in {"label", "table"}:
        label = part.strip('"')
        return f"SELECT ag_catalog.drop_label('{GRAPH}', '{label}')"
    if what == GRAPH:
        return f"SELECT ag_catalog.drop_graph('{GRAPH}', true)"
    return {
        "column": f"ALTER TABLE {table} RENAME COLUMN {part} TO {gone}",
        "constraint": f"ALTER TABLE {table} RENAME CONSTRAINT {part} TO {gone}",
        "policy": f"DROP POLICY {part} ON {table}",
        "sequence": f"ALTER SEQUENCE {what} RENAME TO {gone}",
    }.get(kind, f"DROP {kind} {what} CASCADE")


def _revoked(kind, what, role):
    if kind == "column":
        table, _, column = what.rpartition(".")
        return f"REVOKE ALL ({column}) ON {table} FROM {role}"
    kind = {"view": "TABLE", "function": "ROUTINE"}.get(kind, kind)
    return f"REVOKE ALL ON {kind} {what} FROM {role}"


def test_nothing_can_go_from_the_migrated_database_unnamed(tenant, template, migrated):
    """Dropped, renamed, revoked or set to null, each for real, each undone again."""
    with psycopg.connect(template.admin) as connection:
        # The columns and sequences of a label are AGE's: they come and go with it.
        ours = [n for n in migrated if kind_of(n) not in AGES or GRAPH not in n]
        missed = set(ours)
        alike = defaultdict(list)
        for name in ours:
            alike[kind_of(name)].append(name)
        for kind, names in alike.items():
            for some in rounds(names, table_of) if kind == "column" else [names]:
                with connection.transaction(force_rollback=True):
                    # Only who gave a right can take it; labels are dropped by the superuser.
                    if kind == "grant":
                        connection.execute(f"SET LOCAL ROLE {tenant.database.owner}")
                    build(connection, [removal(name) for name in some])
                    connection.execute("RESET ROLE")
                    seen = named(migrated, declarable(postgres_catalog.read(connection)))
                missed -= seen & set(some)

    assert not missed


def test_nothing_can_go_from_the_models_unnamed(tenant, empty, migrated, monkeypatch):
    """A column, a check, a key, an index, a label, a comment or a grant that no model declares."""
    missed = set(migrated)
    with psycopg.connect(empty.owner) as connection:

        def seen(statements):
            with connection.transaction(force_rollback=True):
                build(connection, statements)
                return named(migrated, declarable(postgres_catalog.read(connection)))

        whole = conftest.reference(tenant)
        assert seen(whole) == set()
        columns = [name for name in migrated if kind_of(name) == "column"]
        for some in rounds(columns, table_of):
            less = _without(
                monkeypatch, tenant, {n.partition(" ")[2].replace('"', "") for n in some}
            )
            missed -= seen(less) & set(some)
        # What is not a column stands for itself: all of it can go at once.
        missed -= seen(_bare(monkeypatch, tenant))
        missed -= {name for name in seen([]) if kind_of(name) in {"schema", "table", "sequence"}}

    assert not missed


def _without(monkeypatch, tenant, columns):
    """The tables that lose one of these, without it."""
    with monkeypatch.context() as patch:
        patch.setattr(postgres, "fields", lambda model: [
            f for f in _fields(model) if f"{getattr(model, 'table', '')}.{f.name}" not in columns
        ])  # fmt: skip
        touched = {column.rpartition(".")[0] for column in columns}
        return list(postgres.ddl(t for t in tables(tenant.line) if t.table in touched))


def _bare(monkeypatch, tenant):
    """Tables of columns: no check, key, index, identity, label, comment or grant."""
    with monkeypatch.context() as patch:
        patch.setattr(postgres, "check", lambda field: None)
        for table in tables(tenant.line):
            patch.setattr(table, "key", ())
            patch.setattr(table, "references", {})
            patch.setattr(table, "unique", {})
            patch.setattr(table, "indexes", ())
        plain = {"references": None, "unique": False, "identity": False}
        patch.setattr(postgres, "fields", lambda model: [
            replace(f, column=replace(f.column, **plain)) for f in _fields(model)
        ])  # fmt: skip
        return list(postgres.ddl(tables(tenant.line)))


_fields = postgres.fields


@pytest.mark.parametrize("side", ["declared", "migrated", "living"])
def test_nothing_can_go_from_a_catalog_unnamed(request, tenant, side):
    """One at a time, from a copy, on either side of the comparison."""
    whole = request.getfixturevalue(side)
    for name in whole:
        less = {other: text for other, text in whole.items() if other != name}
        assert named(whole, less) == named(less, whole) == {name}


def test_nothing_can_go_from_the_file_unnamed(migrated_path, migrated_file):
    """A column, a check, a table or an index, taken out of the schema that SQLite keeps."""
    with closing(sqlite3.connect(migrated_path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = on")
        for name in migrated_file:
            connection.execute("BEGIN")
            _take(connection, name, migrated_file)
            seen = named(migrated_file, in_file(sqlite_catalog.read(connection)))
            connection.execute("ROLLBACK")
            assert name in seen


def _take(connection, name, catalog):
    """Rename what may be needed by others, cut out a rule, drop the rest."""
    kind, _, what = name.partition(" ")
    table, _, part = what.replace(".", " ", 1).partition(" ")
    if kind == "column":
        connection.execute(f"ALTER TABLE {table} RENAME COLUMN {part} TO gone")
    elif kind == "constraint":
        ask = "SELECT sql FROM sqlite_schema WHERE name = ?"
        (text,) = connection.execute(ask, [table]).fetchone()
        sought = {_plain(part), _plain(catalog[name])}
        cut = next(rule for rule in _rules(text) if _plain(rule) in sought)
        less = re.sub(r",\s*\)(?= STRICT)", ")", text.replace(cut, "", 1))
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", [less, table])
    else:
        connection.execute(f"DROP {kind} {what}")


def _plain(rule):
    return "".join(rule.split())


def _rules(text):
    """Each CHECK (...) and UNIQUE (...) of a table, as it is written."""
    for word in ("CHECK", "UNIQUE", "PRIMARY KEY"):
        start = text.find(word + " (")
        while start >= 0:
            depth, end = 0, start
            while depth or "(" not in text[start:end]:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            yield text[start:end]
            start = text.find(word + " (", end)


def test_nothing_can_go_from_the_models_of_the_file_unnamed(migrated_file, monkeypatch):
    """A column, a check, an index or a table that no model declares."""

    def seen(statements):
        with closing(sqlite3.connect(":memory:")) as connection:
            for statement in statements:
                try:
                    connection.execute(statement)
                except sqlite3.Error:
                    continue  # the hole is what we look for
            return named(migrated_file, in_file(sqlite_catalog.read(connection)))

    missed = set(migrated_file)
    fields = sqlite.fields
    columns = [name for name in migrated_file if kind_of(name) == "column"]
    for some in rounds(columns, table_of):
        gone = {name.partition(" ")[2] for name in some}
        with monkeypatch.context() as patch:
            patch.setattr(sqlite, "fields", lambda model, gone=gone: [
                f for f in fields(model) if f"{model.table}.{f.name}" not in gone])  # fmt: skip
            missed -= seen(list(sqlite.ddl(tables("anima")))) & set(some)
    whole = list(sqlite.ddl(tables("anima")))
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "check", lambda field: None)
        for table in tables("anima"):
            patch.setattr(table, "unique", {})
            patch.setattr(table, "key", table.key[:1])
        missed -= seen(list(sqlite.ddl(tables("anima"))))
    for word in ("CREATE INDEX", "CREATE TABLE"):
        missed -= seen([s for s in whole if not s.startswith(word)])

    assert not missed
