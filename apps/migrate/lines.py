"""The lines of migrations: where their files lie, how they must be called, what they hold.

Pure standard library, so that anything that runs may ask which schema it was written for.
"""

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from apps.migrate.statements import endings
from schemas.errors import Diverged, Refused

Engine = Literal["postgres", "sqlite"]

MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "migrations"
ENGINES: Final[dict[str, Engine]] = {
    "governance": "postgres",
    "soulfra": "postgres",
    "anima": "sqlite",
    "soulfra_memory": "sqlite",
}
VERBS: Final = ("create", "add", "fill", "constrain", "rename", "drop")

UNLABELLED: Final = {"governance": "0003", "anima": "0004"}
"""Up to here files are older than ``-- ensure:`` and ``-- lossy:``; all of them are lossy."""

_WORDS = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_MIGRATION = re.compile(rf"(\d{{4}})\.(?:{'|'.join(VERBS)})-{_WORDS}(\.rollback)?\.sql")
_POST_APPLY = re.compile(rf"post-apply\.{_WORDS}\.sql")
_LABEL = re.compile(r"--\s*(ensure|lossy|depends)\s*:\s*(\S.*?)\s*")
_COPY = re.compile(r" \d+\.|copy|\.icloud$", re.IGNORECASE)
_NOT_TRANSACTIONAL = re.compile(r"^\s*--\s*transactional\s*:\s*false", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Line:
    """A named sequence of migrations for one engine, in one folder."""

    name: str
    engine: Engine
    folder: Path

    def problems(self) -> Iterator[str]:
        """Everything about the folder that is not as it must be, one sentence each."""
        if not self.folder.is_dir():
            yield f"{self.folder}: no such folder"
            return
        files = sorted(f for f in self.folder.iterdir() if not f.name.startswith("."))
        forward: set[str] = set()
        back: set[str] = set()
        for file in files:
            matched = _MIGRATION.fullmatch(file.name)
            if matched is None and not _POST_APPLY.fullmatch(file.name):
                yield f"{self._at(file)}: not a migration name"
                continue
            yield from self._within(file)
            if matched:
                (back if matched[2] else forward).add(file.name.removesuffix(".sql"))
        back = {name.removesuffix(".rollback") for name in back}
        for name in sorted(forward - back):
            yield f"{self._at(self.folder / name)}.sql: has no {name}.rollback.sql beside it"
        for name in sorted(back - forward):
            yield f"{self._at(self.folder / name)}.rollback.sql: rolls nothing back"
        for expected, name in enumerate(sorted(forward), start=1):
            if int(name[:4]) != expected:
                yield f"{self._at(self.folder / name)}.sql: expected number {expected:04}"
                return
            yield from self._unlabelled(name, forward)

    def check(self) -> None:
        """Refuse a folder that is not well formed, naming every file at once."""
        if problems := list(self.problems()):
            copied = any(_COPY.search(problem) for problem in problems)
            law = f"NNNN.verb-object.sql, numbered from 0001; verbs are {', '.join(VERBS)}"
            hint = "looks like a copied file; remove it" if copied else law
            raise Refused("\n".join(problems), hint=hint)

    def migrations(self) -> tuple[str, ...]:
        """Ids in the order in which they are applied."""
        return tuple(self._ids("[0-9]*.sql"))

    def post_applies(self) -> tuple[str, ...]:
        """Ids of what runs again after every change, such as grants."""
        return tuple(self._ids("post-apply.*.sql"))

    def content(self, migration_id: str) -> bytes:
        """The file and its rollback, with a zero byte between them."""
        text = (self.folder / f"{migration_id}.sql").read_bytes()
        back = self.folder / f"{migration_id}.rollback.sql"
        return text + b"\0" + back.read_bytes() if back.is_file() else text

    def checksum(self, migration_id: str) -> str:
        """SHA-256 of the file and of its rollback."""
        return hashlib.sha256(self.content(migration_id)).hexdigest()

    def sql(self, migration_id: str, *, back: bool = False) -> str:
        """What the file says, or its rollback."""
        file = self.folder / f"{migration_id}{'.rollback' * back}.sql"
        return file.read_text(encoding="utf-8")

    def ensures(self, migration_id: str) -> tuple[str, ...]:
        """Queries that must each give one true value before the migration may stay."""
        return tuple(said for name, said in labels(self.sql(migration_id)) if name == "ensure")

    def lossy(self, migration_id: str) -> tuple[str, ...]:
        """What its rollback destroys, in the words of its author."""
        said = labels(self.sql(migration_id, back=True))
        return tuple(text for name, text in said if name == "lossy")

    def is_lossy(self, migration_id: str) -> bool:
        """Whether its rollback says that it destroys, or is older than that."""
        old = migration_id[:4] <= UNLABELLED.get(self.name, "")
        return old or bool(self.lossy(migration_id))

    def _ids(self, pattern: str) -> list[str]:
        names = sorted(file.name.removesuffix(".sql") for file in self.folder.glob(pattern))
        return [name for name in names if not name.endswith(".rollback")]

    def _within(self, file: Path) -> Iterator[str]:
        text = file.read_text(encoding="utf-8")
        if _NOT_TRANSACTIONAL.search(text):
            yield f"{self._at(file)}: every migration runs in one transaction"
        for number in endings(text, self.engine):
            yield f"{self._at(file)}:{number}: only the runner ends its transaction"

    def _unlabelled(self, name: str, known: Collection[str]) -> Iterator[str]:
        at = f"{self._at(self.folder / name)}.sql"
        said = labels(self.sql(name))
        for other in (word for label, text in said if label == "depends" for word in text.split()):
            if other not in known or other >= name:
                yield f"{at}: depends on {other!r}, which does not come before it"
        if name[:4] > UNLABELLED.get(self.name, "0000") and not self.ensures(name):
            yield f"{at}: has no '-- ensure:' that tells whether it worked"

    def _at(self, file: Path) -> str:
        """The path as the operator types it."""
        root = MIGRATIONS.parent
        return str(file.relative_to(root) if file.is_relative_to(root) else file)


def labels(text: str) -> Iterator[tuple[str, str]]:
    """Names and texts of the labels in a file's comments."""
    for said in text.splitlines():
        if matched := _LABEL.fullmatch(said.strip()):
            yield matched[1], matched[2]


def line(name: str) -> Line:
    """The line called ``name``."""
    if name not in ENGINES:
        raise Refused(f"no line {name!r}", hint=f"lines are {', '.join(sorted(ENGINES))}")
    return Line(name, ENGINES[name], MIGRATIONS / name)


def known_as(name: str) -> str:
    """How a process calls itself in the database of its line: with the newest migration it knows.

    ``soulfra``, or ``soulfra of persons`` for a part of it.
    What an evolution drops stays as long as somebody is there who does not know that it goes.
    """
    of = name.partition(" ")[0]
    known = line(of).migrations() if of in ENGINES else ()
    return f"{name}@{known[-1][:4]}" if known else name


def checksums(name: str) -> dict[str, str]:
    """Content hash of each file of a line, as its ledger holds them when nothing is left to do."""
    of = line(name)
    return {i: of.checksum(i) for i in (*of.migrations(), *of.post_applies())}


def require(name: str, applied: Collection[str]) -> None:
    """Refuse a database that is not exactly at the end of the line this release was built with."""
    wanted = line(name).migrations()
    if missing := [i for i in wanted if i not in applied]:
        raise Diverged(
            f"{name}: migration {missing[0]} is missing", f"apply {len(missing)}: deploy again"
        )
    if unknown := sorted(set(applied) - set(wanted)):
        raise Diverged(
            f"{name}: migration {unknown[0]} is not known to this release",
            "start the release that brought it, or roll it back",
        )
