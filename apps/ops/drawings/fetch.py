"""Rows and pictures of one Pi, over ssh as its service's user: only what is not here yet."""

import hashlib
import io
import json
import re
import shlex
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from apps import documents
from apps.ops.drawings.shapes import Fetched
from apps.ops.reach import ssh_command
from apps.queries import load
from schemas import ports
from schemas.anima.drawings import PICTURE, FinishedPiece
from schemas.hosts import PiHost

SQL = load(Path(__file__).with_name("queries.sql"))
RECORDS, SUMS = "records.json", "sums.json"
BATCH = 40
"""Pictures that come in one go; what was fetched stays when the next go fails."""
WAIT_SECONDS = 60.0
Rows = TypeAdapter(list[FinishedPiece])
Sums = dict[str, str]


def fetch(
    pi: PiHost, folder: Path, state: Path, say: Callable[[str], None] = lambda _: None
) -> Fetched:
    """Bring a Pi's folder here up to date; what the Pi has let go stays."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    to = pi.ssh.model_copy(update={"user": pi.user})
    seen = Fetched(pi=pi.name, answers=False)
    try:
        rows, sizes = _listed(_run(ssh_command(to, _listing(), state=state)))
        known = remembered(folder)
        known |= {row.piece_uid: row for row in rows}
        _write(folder / RECORDS, Rows.dump_json(sorted(known.values(), key=_when), indent=1))
        seen = seen.model_copy(
            update={"answers": True, "records": len(rows), "pictures": len(sizes)}
        )
        wanted = sorted(_missing(folder, sizes), reverse=True)
        names = iter(wanted)
        while batch := list(islice(names, BATCH)):
            whole, size = _taken(_run(ssh_command(to, _packing(batch), state=state)), folder)
            seen = seen.model_copy(
                update={
                    "fetched": seen.fetched + whole,
                    "fetched_bytes": seen.fetched_bytes + size,
                    "broken": seen.broken + len(batch) - whole,
                }
            )
            say(f"{pi.name}: {seen.fetched} of {len(wanted)} pictures")
    except (OSError, ValueError, tarfile.TarError) as error:
        return seen.model_copy(update={"answers": False, "reason": str(error)})
    return seen


def remembered(folder: Path) -> dict[str, FinishedPiece]:
    """The pieces that are known here, by their names; a file that is damaged is set aside."""
    try:
        rows = Rows.validate_json((folder / RECORDS).read_bytes())
    except FileNotFoundError:
        return {}
    except ValidationError:
        documents.set_aside(folder / RECORDS)
        return {}
    return {row.piece_uid: row for row in rows}


def _when(row: FinishedPiece) -> tuple[Any, str]:
    return row.finished_at, row.piece_uid


def _listing() -> str:
    """A line of rows, then size and name of each picture."""
    sqlite = ["sqlite3", "-readonly", "-cmd", ".timeout 2000", ports.ANIMA_DB, SQL["finished"]]
    find = "find drawings -maxdepth 1 -type f -name '*.png' -printf '%s %f\\n'"
    return (
        f"cd {ports.ANIMA_DATA_DIR} && {shlex.join(sqlite)} && {{ [ ! -d drawings ] || {find}; }}"
    )


def _packing(names: list[str]) -> str:
    """The sums, an empty line, the files; one that was let go meanwhile is left out."""
    listed = shlex.join(names)
    return (
        f"cd {ports.ANIMA_DATA_DIR}/drawings && {{ sha256sum -- {listed} 2>/dev/null; echo; "
        f"tar --ignore-failed-read -cf - -- {listed} 2>/dev/null; true; }}"
    )


def _run(command: list[str]) -> bytes:
    """What a command says; OSError with its last words when it fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=WAIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"no answer within {WAIT_SECONDS:.0f} s") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(lines[-1] if lines else f"exit {done.returncode}")
    return done.stdout


def _listed(said: bytes) -> tuple[list[FinishedPiece], dict[str, int]]:
    """The rows, and the size of each picture by its name; other names are none of ours."""
    first, _, rest = said.partition(b"\n")
    rows = [FinishedPiece.model_validate(row) for row in json.loads(first)]
    pairs = (line.partition(" ") for line in rest.decode().splitlines())
    return rows, {name: int(size) for size, _, name in pairs if re.fullmatch(PICTURE, name)}


def _missing(folder: Path, sizes: dict[str, int]) -> Iterator[str]:
    """Pictures that are not here whole: by size, and by the sum that they came with."""
    sums = _sums(folder)
    for name, size in sizes.items():
        file = folder / name
        is_there = file.is_file() and file.stat().st_size == size
        if not is_there or hashlib.sha256(file.read_bytes()).hexdigest() != sums.get(name):
            yield name


def _taken(said: bytes, folder: Path) -> tuple[int, int]:
    """How many pictures came whole, and their bytes; each is in its place, or nowhere."""
    told, _, packed = said.partition(b"\n\n") if not said.startswith(b"\n") else (b"", b"", b"")
    sums = {name: sha for sha, _, name in (s.partition("  ") for s in told.decode().splitlines())}
    known, count, size = _sums(folder), 0, 0
    if not packed:
        return 0, 0
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name in sums else None
            if file is None or not re.fullmatch(PICTURE, member.name):
                continue
            data = file.read()
            if hashlib.sha256(data).hexdigest() == sums[member.name]:
                documents.replace_bytes(folder / member.name, data, draft="picture.new")
                known[member.name] = sums[member.name]
                count, size = count + 1, size + len(data)
    _write(folder / SUMS, json.dumps(known, indent=0).encode())
    return count, size


def _sums(folder: Path) -> Sums:
    """What was fetched, by name; without it everything is fetched anew."""
    try:
        return dict(json.loads((folder / SUMS).read_bytes()))
    except (FileNotFoundError, ValueError):
        return {}


def _write(path: Path, data: bytes) -> None:
    documents.replace_bytes(path, data, draft=f"{path.name}.new")
