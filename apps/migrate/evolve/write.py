"""The migrations of an evolution: what a database is given that has no rows to spare."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from apps.migrate.evolve.constrain import checks
from apps.migrate.evolve.declared import Declared, read
from apps.migrate.evolve.flip import back, forth, views_back, views_forth
from apps.migrate.evolve.indexes import definition
from apps.migrate.evolve.refer import clause
from apps.migrate.lines import Line
from schemas.errors import Refused

GUARD: Final = """\
DO $$
BEGIN
    IF EXISTS (SELECT FROM {table}) THEN
        RAISE EXCEPTION '{table} has rows'
              USING HINT = 'abode evolve {line} run {name}{more}';
    END IF;
END
$$;
"""

FORGET: Final = """\
DO $$
BEGIN
    IF to_regclass('ledger._abode_evolution') IS NOT NULL THEN
        DELETE FROM ledger._abode_evolution WHERE name = '{name}';
    END IF;
END
$$;
"""
"""It may begin again; where it never began there is no such table."""

LAWFUL: Final = (
    "-- squawk-ignore-file adding-not-nullable-field, adding-required-field, ban-drop-column,"
    " constraint-missing-not-valid, adding-foreign-key-constraint,"
    " ban-drop-default, ban-drop-not-null\n"
)
"""Of no rows nothing must be looked at; what goes back has the table, and says that it is lossy."""


def write(line: Line, name: str, *, check: bool = False) -> tuple[Path, ...]:
    """Write what is not as the declaration says; gives those. ``check`` only looks."""
    declared = read(line, name)
    changed = []
    for file, text in files(line, declared).items():
        path = line.folder / file
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        changed.append(path)
        if not check:
            if not line.folder.is_dir():
                raise Refused(f"{line.folder}: no such folder")
            path.write_text(text, encoding="utf-8")
    return tuple(changed)


def files(line: Line, declared: Declared) -> dict[str, str]:
    """Names and texts of the migrations and of their rollbacks."""
    of = declared.of
    found = {
        f"{of.migration}.sql": "".join(_expand(line, declared)),
        f"{of.migration}.rollback.sql": "".join(_collapse(declared)),
    }
    if of.replaces:
        found[f"{of.replaces.drop}.sql"] = "".join(_contract(line, declared))
        found[f"{of.replaces.drop}.rollback.sql"] = "".join(_restore(declared))
    return found


def _expand(line: Line, declared: Declared) -> Iterator[str]:
    of = declared.of
    column = of.column
    yield f"-- {of.says}\n-- evolution: {declared.name}\n{LAWFUL}"
    yield (
        "-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_attribute"  # noqa: S608
        f" WHERE attrelid = '{of.table}'::regclass AND attname = '{column.name}'"
        f" AND atttypid = '{column.type}'::regtype"
        f" AND {'' if column.required else 'NOT '}attnotnull\n"
    )
    for name in [of.checked] * bool(column.check) + [of.referring] * bool(of.references):
        yield (
            "-- ensure: SELECT convalidated FROM pg_catalog.pg_constraint"  # noqa: S608
            f" WHERE conrelid = '{of.table}'::regclass AND conname = '{name}'\n"
        )
    for index in of.index:
        yield (
            "-- ensure: SELECT indisvalid FROM pg_catalog.pg_index"  # noqa: S608
            f" WHERE indexrelid = '{of.schema_name}.{index.name}'::regclass\n"
        )
    yield "\n" + GUARD.format(table=of.table, line=line.name, name=declared.name, more="")
    default = f" DEFAULT {column.default}" if column.default else ""
    required = " NOT NULL" * column.required
    yield f"ALTER TABLE {of.table} ADD COLUMN {column.name} {column.type}{required}{default};\n"
    for name, condition in checks(of).items():
        if name == of.checked:
            yield f"ALTER TABLE {of.table} ADD CONSTRAINT {name} CHECK ({condition});\n"
    if of.references:
        yield f"ALTER TABLE {of.table} ADD CONSTRAINT {of.referring} {clause(of)};\n"
    for index in of.index:
        unique = "UNIQUE " * index.unique
        yield f"CREATE {unique}INDEX {index.name} ON {of.table} {definition(index)};\n"
    for each in (*views_forth(of), *forth(of)):
        yield f"{each};\n"


def _collapse(declared: Declared) -> Iterator[str]:
    of = declared.of
    column = of.column.name
    yield f"-- Takes {of.table}.{column} back.\n-- lossy: {column} of every row\n{LAWFUL}"
    if of.replaces and of.replaces.required:
        old = of.replaces.column
        yield f"UPDATE {of.table} SET {old} = {of.replaces.back} WHERE {old} IS NULL;\n"  # noqa: S608
    for each in (*views_back(of), *back(of)):
        yield f"{each};\n"
    for index in reversed(of.index):
        yield f"DROP INDEX {of.schema_name}.{index.name};\n"
    for name in [of.referring] * bool(of.references) + [of.checked] * bool(of.column.check):
        yield f"ALTER TABLE {of.table} DROP CONSTRAINT {name};\n"
    if of.fill:
        for keeper in of.keepers:
            yield f"DROP TRIGGER IF EXISTS {keeper} ON {of.table};\n"
        yield f"DROP FUNCTION IF EXISTS ledger.{of.keeper}();\n"
    yield f"ALTER TABLE {of.table} DROP COLUMN {column};\n"
    yield FORGET.format(name=declared.name)


def _contract(line: Line, declared: Declared) -> Iterator[str]:
    of = declared.of
    assert of.replaces is not None  # noqa: S101  # only then is there such a file
    old = of.replaces.column
    yield f"-- {of.table}.{old} goes: {of.column.name} took its place.\n"
    yield f"-- evolution: {declared.name}\n{LAWFUL}"
    yield (
        "-- ensure: SELECT count(*) = 0 FROM pg_catalog.pg_attribute"  # noqa: S608
        f" WHERE attrelid = '{of.table}'::regclass AND attname = '{old}' AND NOT attisdropped\n\n"
    )
    yield GUARD.format(table=of.table, line=line.name, name=declared.name, more=" --to drop")
    yield f"ALTER TABLE {of.table} DROP COLUMN {old};\n"


def _restore(declared: Declared) -> Iterator[str]:
    of = declared.of
    assert of.replaces is not None  # noqa: S101  # as above
    old = of.replaces.column
    yield f"-- Brings {of.table}.{old} back, as {of.column.name} tells it.\n"
    yield f"-- lossy: {old} as it was written, where {of.column.name} does not tell it\n"
    yield f"ALTER TABLE {of.table} ADD COLUMN {old} {of.replaces.definition};\n"
    yield f"UPDATE {of.table} SET {old} = {of.replaces.back};\n"  # noqa: S608
    yield FORGET.format(name=declared.name)
