"""The line of the agents' files: what models declare is what its migrations build."""

import sqlite3
from contextlib import closing

from apps.declared import sqlite
from apps.declared.everything import tables
from apps.migrate.catalog import build, difference, shown, snapshot
from apps.migrate.catalog import sqlite as catalog
from apps.migrate.lines import line

LINE = line("soulfra_memory")
GUIDE = {
    "memories": "id timestamp type content emotional_context loop_context significance compressed"
    " metadata",
    "reflections": "id timestamp prompt response memory_context emotional_state insights",
    "tone_shifts": "id timestamp from_tone to_tone trigger_type trigger_content magnitude",
}
INDEXES = {"idx_memories_timestamp", "idx_memories_type", "idx_memories_significance"}


def plain(found):
    """Not the pragmas of the file."""
    return {name: text for name, text in found.items() if not name.startswith("pragma ")}


def test_models_and_migrations_agree():
    """Each table, column, check and index."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in sqlite.ddl(tables("soulfra_memory")):
            connection.execute(statement)
        declared = plain(catalog.read(connection))
    found = difference(declared, plain(build.in_file(LINE)))

    assert not found, shown(found)
    assert len(declared) > 50


def test_the_committed_snapshot_is_what_the_migrations_build():
    """python -m apps.migrate.catalog soulfra_memory writes it."""
    found = difference(snapshot.read(LINE), snapshot.built(build.in_file(LINE)))

    assert not found, shown(found)


def test_the_guides_tables_and_indexes_are_there():
    """With its names."""
    found = build.in_file(LINE)

    for table, columns in GUIDE.items():
        assert {f"column {table}.{name}" for name in columns.split()} <= found.keys()
    assert {f"index {name}" for name in INDEXES} <= found.keys()
    assert "WHERE compressed = 0" in found["index idx_memories_significance"]
