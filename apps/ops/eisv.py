"""The series of the hosts in force: over ssh in chunks, each kept, so that it comes only once."""

import csv
import io
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from apps.anima.instants import Zones
from apps.declared.field import fields
from apps.eisv import on_pi
from apps.eisv.checkins import COLUMNS, checked_in
from apps.eisv.columns import TABLE, Source, raw
from apps.eisv.parts import SQL, Manifest, unpack
from apps.eisv.selection import Selection
from apps.eisv.sources import Sources, of_file
from apps.hosts import container, in_force
from apps.ops.eisv_cache import Cache, lacking, packed
from apps.ops.migrate import chosen_pi
from apps.ops.progress import bar
from apps.ops.reach import on_mac, ssh_command
from schemas import ports
from schemas.anima.tables import Event
from schemas.errors import Refused, Unreachable
from schemas.governance.server import GOVERNANCE
from schemas.governance.tables import AgentState
from schemas.hosts import Hosts, PiHost
from schemas.table import Table

CHUNK_ROWS: Final = 5_000
"""Read by the Pi in one statement: some hundred kB, and less than a second there."""
MAC_SECONDS: Final = 120.0
OFFLINE: Final = "--offline exports what has come already"
TABLES: Final[tuple[type[Table], ...]] = (*TABLE.values(), Event)
MAC: Final = "mac"


@dataclass(slots=True)
class Pi:
    """How a Pi's files are read: words that run a shell script there, and where they are."""

    name: str
    shell: tuple[str, ...]
    python: str
    database: str
    archive: str


@dataclass(slots=True)
class Fetch:
    """Brings what is lacking; ``progress`` hears of rows that came, and of how many will."""

    cache: Cache
    expect: Callable[[int], None] = field(default=lambda _: None)
    progress: Callable[[int], None] = field(default=lambda _: None)
    note: Callable[[str], None] = field(default=lambda _: None)
    chunk_rows: int = CHUNK_ROWS

    def from_pi(self, pi: Pi, selection: Selection) -> None:
        """The rows of the selection that are not here, and the archives that can have some."""
        seen = self.cache.noted().get("shifts", 0)
        newest = {table.table: self._newest(table.table) for table in TABLES}
        asked = {
            "do": "survey",
            "tables": {table: row and row["last_id"] for table, row in newest.items()},
            "shifts_after": seen,
            "whole": [Event.table],
            "span": _span(selection, timedelta(seconds=1)),
            "wide": _span(selection, timedelta(days=1)),
        }
        told, _ = next(self._ask(pi, asked))
        for _, table, first, last, _ in told["shifts"]:
            if table in newest:
                self.cache.forget(table, (first, last))
        spans = []
        for table, there in told["tables"].items():
            row = self._newest(table)
            if row and not _goes_on(row, there, is_probed=row == newest[table]):
                self.note(f"{pi.name}: {table} is of another file than what was kept: fetched anew")
                self.cache.set_aside(table)
            if there["last"] is not None:
                columns = [name for name in _declared(table) if name in there["columns"]]
                wanted = there["first"], there["last"]
                covered = [tuple(each["covers"]) for each in self.cache.manifests(table)]
                spans += [(table, columns, *span) for span in lacking(wanted, covered)]
        archives = list(self._lacking_archives(told["archives"], selection))
        if spans or archives:
            self.expect(sum(b - a + 1 for _, _, a, b in spans))
            self._bring(pi, spans, archives)
        # A shift that is still at work will have moved more rows by the next time.
        done = takewhile(lambda shift: shift[4] > shift[3], told["shifts"])
        shifts = max((shift[0] for shift in done), default=seen)
        self.cache.note({"adopted": told["adopted"], "host": pi.name, "shifts": shifts})

    def _newest(self, table: str) -> dict[str, Any] | None:
        """The manifest of the chunk with the newest row that is here."""
        found = [each for each in self.cache.manifests(table) if each["last_id"] is not None]
        return max(found, key=lambda each: int(each["last_id"]), default=None)

    def _lacking_archives(
        self, told: list[tuple[str, str, str]], selection: Selection
    ) -> Iterator[tuple[str, str, str]]:
        here = {table.table: set(self.cache.names(f"archive/{table.table}")) for table in TABLES}
        for table, name, text in told:
            manifest = Manifest.model_validate_json(text)
            room = self.cache.folder / "archive" / table / f"{name}.json"
            is_same = name in here[table] and room.read_text("utf-8") == text
            if not is_same and selection.overlaps(manifest.from_at, manifest.upto_at):
                yield table, name, text

    def _bring(self, pi: Pi, spans: list[Any], archives: list[tuple[str, str, str]]) -> None:
        names = [(table, name) for table, name, _ in archives]
        texts = {(table, name): text for table, name, text in archives}
        asked = {"do": "rows", "spans": spans, "files": names, "chunk": self.chunk_rows}
        expected = sum(b - a + 1 for _, _, a, b in spans)
        for head, body in self._ask(pi, asked):
            if "name" in head:
                key = head["table"], head["name"]
                self.cache.keep(f"archive/{key[0]}", key[1], texts.pop(key), body)
                continue
            first, last = head["covers"]
            self.cache.keep(head["table"], f"{first:012}-{last:012}", json.dumps(head), body)
            expected -= last - first + 1
            self.progress(last - first + 1)
        if expected or texts:
            raise Unreachable(f"{pi.name}: the line broke", "again: what has come is kept")

    def _ask(self, pi: Pi, asked: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Each answer and the bytes that follow it."""
        asked |= {"database": pi.database, "archive": pi.archive}
        script = shlex.join(["nice", "-n", "10", pi.python, "-I", "-", json.dumps(asked)])
        with subprocess.Popen(
            [*pi.shell, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as far:
            try:
                assert far.stdin  # noqa: S101  # for mypy
                assert far.stdout  # noqa: S101
                assert far.stderr  # noqa: S101
                try:
                    far.stdin.write(Path(on_pi.__file__).read_bytes())
                    far.stdin.close()
                except BrokenPipeError:
                    self.note(f"{pi.name}: hung up")
                while line := far.stdout.readline():
                    head = json.loads(line)
                    body = far.stdout.read(head["bytes"])
                    if len(body) < head["bytes"]:
                        break
                    yield head, body
                said = far.stderr.read().decode(errors="replace").strip().splitlines()
                if far.wait():
                    raise Unreachable(f"{pi.name}: {said[-1] if said else 'ssh failed'}", OFFLINE)
            finally:
                if far.poll() is None:
                    far.kill()

    def from_mac(self, hosts: Hosts, agent: str, state: Path) -> None:
        """The check-ins that are not here; the newest that is comes again, to compare."""
        psql = ["docker", "exec", "-i", container(hosts, "postgres-age"), "psql", "-U", "postgres",
                "-d", GOVERNANCE.database, "-qAtX", "-v", "ON_ERROR_STOP=1"]  # fmt: skip
        while True:
            held = sorted(self.cache.manifests(MAC), key=lambda each: int(each["last_id"]))
            last = held[-1] if held else None
            after = last["last_id"] - 1 if last else 0
            given = f"SET eisv.agent = '{agent}'; SET eisv.after = '{after}';\n{SQL['check_ins']}\n"
            answer = on_mac(hosts, psql, given, state=state, seconds=MAC_SECONDS)
            if answer.reason is not None:
                raise Unreachable(f"{hosts.mac.name}: {answer.reason}", OFFLINE)
            rows = list(csv.DictReader(io.StringIO(answer.said)))
            if last:
                if not rows or _newest(rows[0]) != last["newest"]:
                    self.note(f"{hosts.mac.name}: check-ins are of another database: fetched anew")
                    self.cache.set_aside(MAC)
                    continue
                rows = rows[1:]
            if not rows:
                return
            self._keep_checkins(rows)

    def _keep_checkins(self, rows: list[dict[str, str]]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
        writer.writerow(COLUMNS)
        writer.writerows([row[name] for name in COLUMNS] for row in rows)
        body, sha256 = packed(text.getvalue())
        first, last = int(rows[0]["id"]), int(rows[-1]["id"])
        manifest = {
            "table": AgentState.table, "rows": len(rows), "first_id": first, "last_id": last,
            "newest": _newest(rows[-1]), "sha256": sha256,
        }  # fmt: skip
        self.cache.keep(MAC, f"{first:012}-{last:012}", json.dumps(manifest), body)


def _newest(row: dict[str, str]) -> list[str]:
    return [row["id"], row["timestamp"], row["boot_id"], row["seq"]]


def _goes_on(kept: dict[str, Any], there: dict[str, Any], *, is_probed: bool) -> bool:
    """Whether the newest row that is kept is one of the file that answers."""
    probe = there["probe"] if is_probed else None
    is_there = bool(there["given"] >= kept["last_id"])
    return is_there and (probe is None or probe == kept["newest"])


def _declared(table: str) -> list[str]:
    model = next(each for each in TABLES if each.table == table)
    return [each.name for each in fields(model)]


def _span(selection: Selection, margin: timedelta) -> tuple[str, str]:
    """As text that sorts beside the timestamps of SQLite."""
    first, last = selection.from_at, selection.upto_at
    low = (first - margin).astimezone(UTC).isoformat() if first else ""
    return low, (last + margin).astimezone(UTC).isoformat() if last else "~"


def sources(
    root: Path,
    selection: Selection,
    file: Path | None,
    archive: Path | None,
    pi: str | None,
    *,
    offline: bool,
) -> Sources:
    """What an export is made of: files of this machine, or what the hosts in force have."""
    if file is not None:
        if pi or offline:
            raise Refused("--file: asks no host", "leave --pi and --offline out")
        return of_file(file, archive, selection)
    if archive is not None:
        raise Refused("--archive: goes with --file", "the hosts' archives are read anyway")
    hosts, state = in_force(root)
    chosen = chosen_pi(hosts, pi)
    cache = Cache(state / "eisv" / chosen.name)
    if not offline:
        with bar(f"fetching from {chosen.name}") as (expect, progress):
            fetch = Fetch(cache, expect, progress, note)
            fetch.from_pi(the_pi(chosen, state), selection)
            fetch.from_mac(hosts, chosen.agent, state)
    if not cache.noted():
        raise Refused(f"{cache.folder}: nothing has come yet", "once without --offline")
    return kept(cache, chosen.agent, selection, offline=offline)


def note(said: str) -> None:
    """Something that a person may want to know of, and a program does not read."""
    sys.stderr.write(f"{said}\n")


def the_pi(pi: PiHost, state: Path) -> Pi:
    """A Pi over ssh, as the user that owns its data."""
    to = pi.ssh.model_copy(update={"user": pi.user})
    return Pi(
        name=pi.name,
        shell=tuple(ssh_command(to, state=state)),
        python=f"{ports.ANIMA_CODE_DIR}/current/venv/bin/python",
        database=pi.database,
        archive=f"{pi.home}/{ports.ANIMA_DATA_DIR}/archive",
    )


def kept(cache: Cache, agent: str, selection: Selection, *, offline: bool = False) -> Sources:
    """What has come, as sources of a data set."""
    about = cache.noted()
    sources = Sources(provenance={"host": about.get("host"), "agent": agent})
    sources.zones = _zones(about.get("adopted", []))
    for series, table in TABLE.items():
        for room, source in (
            (table.table, Source.LIVE),
            (f"archive/{table.table}", Source.ARCHIVE),
        ):
            cache.names(room, offline=offline)
            sources.add_packed(series, source, cache.folder / room, selection)
    for name in cache.names(Event.table, offline=offline):
        sources.add_events(unpack(*_place(cache, Event.table, name), raw(Event)))
    for name in cache.names(MAC, offline=offline):
        path, manifest = _place(cache, MAC, name)
        sources.checkins += [checked_in(row) for row in unpack(path, manifest, COLUMNS).to_pylist()]
    fetched = datetime.fromtimestamp((cache.folder / "about").stat().st_mtime, UTC)
    sources.provenance["fetched_at"] = fetched.isoformat(timespec="seconds")
    return sources


def _place(cache: Cache, room: str, name: str) -> tuple[Path, Manifest]:
    path = cache.folder / room / f"{name}.json"
    return path.with_suffix(".csv.gz"), Manifest.model_validate_json(path.read_bytes())


def _zones(adopted: list[tuple[str, str]]) -> Zones:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    return {table: ZoneInfo(name) for table, name in adopted}
