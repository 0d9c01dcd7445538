"""Postgres: each migration up, down and up again gives what there was."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.types.json import Jsonb

from apps.declared.everything import labels
from apps.declared.field import fields
from apps.migrate import runner
from apps.migrate.catalog import postgres
from apps.migrate.catalog.graph import without_declared
from apps.migrate.lines import line
from schemas.server import TENANTS
from tests.unit.declared.round_trip import columns, fill, round_trip
from tests.unit.declared.rows import properties

GOVERNANCE = line("governance")
JSON = {"object", "array"}


class Server:
    """A database by psycopg, as its owner."""

    def __init__(self, made):
        self.database = made.owner
        self.filling = None

    def fill(self):
        """A transaction on one connection for many tables: each of its own would cost more."""
        if self.filling is None or self.filling.closed:
            self.filling = self.connect()
        return self.filling.transaction()

    def connect(self):
        """In UTC, each statement by itself."""
        return psycopg.connect(self.database, autocommit=True, options="-c timezone=UTC")

    def catalog(self):
        """As the drift check reads it."""
        with self.connect() as connection:
            found = without_declared(postgres.read(connection))
        # What audit.partitions lists is rows.
        return {name: said for name, said in found.items() if not name.endswith(", kept up")}

    def content(self, columns):
        """As the server writes each value, which is more than Python could hold."""
        with self.connect() as connection:
            return {table: self._rows(connection, table, columns[table]) for table in columns}

    def _rows(self, connection, table, names):
        listed = ", ".join(f'"{name}"' for name in names)
        # A label's own rows, not those of the labels below it.
        only = "ONLY " * table.startswith("governance_graph.")
        place = ".".join(f'"{part}"' for part in table.split("."))
        with connection.cursor().copy(
            f"COPY (SELECT {listed} FROM {only}{place}) TO STDOUT"
        ) as out:
            lines = b"".join(out).decode().splitlines()
        return sorted(tuple(None if v == "\\N" else v for v in l.split("\t")) for l in lines)

    def insert(self, model, columns, rows):
        """With the numbers that the database would give."""
        kinds = {field.name: field.kind for field in fields(model)}
        marks = ", ".join(f"%({name})s" for name in columns)
        with self.fill():
            if len(rows) == 1:  # the row that there is, as the migration made it
                self.filling.execute(f"DELETE FROM {model.table}")
            self.filling.cursor().executemany(
                f"INSERT INTO {model.table} ({', '.join(columns)})"
                f" OVERRIDING SYSTEM VALUE VALUES ({marks})",
                [taken(row, kinds) for row in rows],
            )

    def update(self, model, columns, rows):
        """By the primary key."""
        kinds = {field.name: field.kind for field in fields(model)}
        sets, keys = ([f"{n} = %({n})s" for n in names] for names in (columns, model.key))
        sql = f"UPDATE {model.table} SET {', '.join(sets)} WHERE {' AND '.join(keys)}"
        with self.fill():
            self.filling.cursor().executemany(sql, [taken(row, kinds) for row in rows])

    def more(self, now):
        """Vertices and edges, once, if there is a graph without any."""
        if self.filling:
            self.filling.close()
        with self.connect() as connection, connection.transaction():
            found = connection.execute("SELECT to_regclass('governance_graph._ag_label_vertex')")
            if found.fetchone()[0] is None:
                return
            there = "SELECT EXISTS (SELECT FROM governance_graph._ag_label_vertex)"
            if connection.execute(there).fetchone()[0]:
                return
            ids = {}
            for label in labels():
                place, ids[label] = f'{label.graph}."{label.label}"', []
                for n, carried in enumerate(properties(label, now)):
                    row = {"properties": json.dumps(carried, default=datetime.isoformat)}
                    for end, of in zip(("start_id", "end_id"), label.ends or (), strict=False):
                        row[end] = ids[of[n % len(of)]][n]
                    sql = (
                        f"INSERT INTO {place} ({', '.join(row)})"
                        f" VALUES ({', '.join(f'%({name})s' for name in row)}) RETURNING id"
                    )
                    ids[label].append(connection.execute(sql, row).fetchone()[0])


def taken(row, kinds):
    """What psycopg takes."""
    plain = {name: list(v) if kinds[name] == "texts" else v for name, v in row.items()}
    return {
        name: Jsonb(value) if kinds[name] in JSON and value is not None else value
        for name, value in plain.items()
    }


@pytest.mark.parametrize(
    ("tenant", "migration"),
    [(name, each) for name in TENANTS for each in line(name).migrations()],
    indirect=["tenant"],
)
def test_each_migration_goes_and_comes_back(tenant, migration, empty, tmp_path):
    """Catalog and rows are as before; what is destroyed is no more than it says."""
    assert round_trip(line(tenant.line), migration, Server(empty), tmp_path) == []


@pytest.mark.parametrize("name", TENANTS)
def test_the_whole_line_goes_and_comes_back(name, request):
    """To nothing, step by step, and to all there was at once, with its comments and grants."""
    of = line(name)
    server = Server(request.getfixturevalue(f"{name}_database"))
    fill(of, server, {}, columns(of, server), datetime.now(UTC))
    catalog = server.catalog()

    # One by one: all at once are undone, but then AGE 1.5 fails at the end of COMMIT
    # ("label (relation) cache corrupted") and the runner takes it for a failure.
    for _ in of.migrations():
        runner.rollback(of, server.database)
    assert columns(of, server) == {}
    runner.apply(of, server.database)
    assert server.catalog() == catalog


@pytest.mark.parametrize(
    ("migration", "wrongs"),
    [
        (
            "0009",
            {
                "DELETE FROM core.discoveries WHERE severity IS NULL": "rows of core.discoveries",
                "UPDATE audit.outcome_events SET void = 0 WHERE void < 0": "rows of audit.outcome_",
                'DELETE FROM governance_graph."WROTE"': "rows of governance_graph.WROTE",
                "DROP INDEX core.discovery_tags_tag_idx": "index core.discovery_tags_tag_idx",
            },
        ),
        (
            "0005",
            {
                "DELETE FROM audit.events WHERE payload = '{}'": "rows of audit.events",
                "CREATE INDEX left_idx ON core.identities (label)": "index core.left_idx",
            },
        ),
    ],
)
def test_a_broken_rollback_is_seen(migration, wrongs, empty_database, tmp_path):
    """The neighbours' rows and all that is around them."""
    shutil.copytree(GOVERNANCE.folder, tmp_path / "broken")
    broken = replace(GOVERNANCE, folder=tmp_path / "broken")
    name = next(name for name in broken.migrations() if name.startswith(migration))
    with (broken.folder / f"{name}.rollback.sql").open("a") as text:
        text.write("\n-- lossy: what it must not" + "".join(f"\n{sql};" for sql in wrongs))

    found = round_trip(broken, name, Server(empty_database), tmp_path / "lines")
    assert [said for said in wrongs.values() if f"down: {said}" not in "\n".join(found)] == []
