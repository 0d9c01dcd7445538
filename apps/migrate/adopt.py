"""Take over an SQLite file that was made without us: compared, copied, and no row touched."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from apps.migrate.columns import SQL
from apps.migrate.ledger import SQL as LEDGER
from apps.migrate.ledger import Ledger, Patience
from apps.migrate.lines import Line
from apps.migrate.rebuild import digest, made
from apps.migrate.runner import opened
from apps.migrate.snapshot import snapshot
from apps.migrate.survey import Survey, schema, survey
from schemas.errors import Diverged, Refused, Unreachable

IN_UTC: Final = {"trajectory_events"}
"""Tables whose naive timestamps the real system took in UTC, unlike all others."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What was done."""

    already: bool
    """Adopted before, or made by our own migrations; then nothing was done."""
    zone: str
    baselined: tuple[str, ...] = ()
    """Migrations that were there already."""
    applied: tuple[str, ...] = ()
    """Migrations that were not, and ran."""
    added: tuple[str, ...] = ()
    """Columns and indexes that were missing."""
    rows: dict[str, int] = field(default_factory=dict)
    snapshot: Path | None = None


def adopt(
    line: Line,
    database: str,
    zone: str,
    *,
    wait: float = 10.0,
    say: Callable[[str], None] = lambda _: None,
) -> Adoption:
    """Bring a file to the end of the line in one transaction, whoever else is using it.

    ``zone`` is where its naive timestamps were taken. Diverged names everything that does not
    fit; then nothing was changed. ``wait`` is for another runner, in seconds.
    """
    if line.engine != "sqlite":
        raise Refused(f"{line.name}: lives in Postgres", hint="only a file can be adopted")
    _check_zone(zone)
    path = Path(database).absolute()
    if not path.is_file():
        raise Unreachable(f"{path}: is missing", hint="to make a new one: apply")
    patience = Patience(runner=wait)
    with opened(line, str(path), patience, readonly=True) as ledger:
        if ledger.plan().applied:
            return _adopted_before(ledger, path, zone)
        seen = _surveyed(ledger, path)
    kept = snapshot(path, "before-adopt", say)
    _count(kept, path, seen.rows)
    with opened(line, str(path), patience) as ledger:
        # A plain yoyo may hold a ledger that is there; where there is none, a refusal leaves none.
        held = ledger.lock() if ledger.columns() else ledger.alone()
        with held, ledger.transaction():
            if ledger.plan().applied:
                return _adopted_before(ledger, path, zone)
            # Again: from here on nobody else writes.
            found = _surveyed(ledger, path)
            if found.schema != seen.schema:
                raise Refused(f"{path}: its tables changed meanwhile", hint="run it again")
            _take(ledger, found, zone)
    added = [name for of in found.additions.values() for name, _ in of]
    ids = line.migrations()
    return Adoption(
        already=False,
        zone=zone,
        baselined=tuple(i for i in ids if i in found.there),
        applied=tuple(i for i in ids if i not in found.there),
        added=tuple(added),
        rows=found.rows,
        snapshot=kept,
    )


def _check_zone(zone: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones  # noqa: PLC0415

    try:
        # "localtime" would mean something else on another machine.
        ZoneInfo("" if zone == "localtime" else zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        import difflib  # noqa: PLC0415  only wanted on the way out

        known = available_timezones() - {"localtime"}
        near = difflib.get_close_matches(zone, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "an IANA name, such as America/Denver"
        raise Refused(
            f"no time zone {zone!r}", hint=hint if known else "install the package tzdata"
        ) from None


def _adopted_before(ledger: Ledger, path: Path, zone: str) -> Adoption:
    if ledger.ask(SQL["is_adopted"]).fetchone() == (0,):
        return Adoption(already=True, zone="UTC")
    (declared,) = ledger.ask(SQL["adopted_zone"]).fetchone()
    if declared != zone:
        raise Refused(f"{path}: was adopted with time zone {declared!r}, not {zone!r}")
    return Adoption(already=True, zone=zone)


def _surveyed(ledger: Ledger, path: Path) -> Survey:
    try:
        found = survey(ledger.line, ledger.connection)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise Diverged(
            f"{path}: {error}", hint="is this the right file, and is it whole?"
        ) from None
    if found.faults:
        said = "\n".join(f"{path}: {fault}" for fault in found.faults)
        raise Diverged(said, hint="nothing was changed; put this right by hand, then adopt again")
    if not found.there:
        raise Refused(
            f"{path}: has none of {ledger.line.name}'s tables", hint="to make them: apply"
        )
    return found


def _count(kept: Path, path: Path, before: dict[str, int]) -> None:
    """See that the copy holds every row; a writer may have added or removed some meanwhile."""
    copied, after = (_rows(file, before) for file in (kept, path))
    for table, count in before.items():
        if copied[table] < min(count, after[table]):
            raise Diverged(
                f"{kept}: {table} has {copied[table]} rows, {path.name} has {count}",
                hint="nothing was changed; run it again",
            )


def _rows(path: Path, tables: dict[str, int]) -> dict[str, int]:
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as db:
        count = 'SELECT count(*) FROM "{}"'
        return {name: db.execute(count.format(name)).fetchone()[0] for name in tables}


def _take(ledger: Ledger, found: Survey, zone: str) -> None:
    """Give the file what it lacks and mark what it has, ledger and all, in one transaction."""
    if not ledger.columns():
        ledger.tell(LEDGER["create_yoyo"])
        ledger.tell(LEDGER["note_version"], {"at": datetime.now(UTC).replace(tzinfo=None)})
        ledger.tell(LEDGER["create_checksums"])
    for migration in ledger.line.migrations():
        if migration in found.there:
            for _, sql in found.additions[migration]:
                ledger.ask(sql)
            ledger.baseline(migration)
        else:
            ledger.step(migration)
    _record(ledger, found, zone)


def _record(ledger: Ledger, found: Survey, zone: str) -> None:
    """Keep what was accepted: the drift check and anima must know it."""
    now = datetime.now(UTC).isoformat()
    ledger.ask(SQL["create_adopted"])
    were = {(kind, name) for kind, name, _, _ in found.schema}
    there = [row for row in schema(ledger.connection) if row[:2] in were]
    for kind, name, table, sql in [*there, *ledger.ask(SQL["user_version"]).fetchall()]:
        of = "UTC" if name in IN_UTC else zone
        ledger.ask(
            SQL["record_adopted"],
            {
                "kind": kind,
                "name": name,
                "table_name": table,
                "sql": str(sql),
                "time_zone": of if kind == "table" else None,
                "adopted_at": now,
            },
        )
    for migration, objects in made(ledger.line).items():
        if migration in found.there:
            accepted = digest(ledger.connection, objects)
            ledger.ask(SQL["vouch"], {"migration_id": migration, "accepted": accepted})
