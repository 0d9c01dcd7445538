"""What travels to a host: our code, and the locked wheels for its platform and Python."""

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

from pyinfra import logger

from schemas.errors import Unreachable

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".abode" / "cache"
"""Wheels and archives; may be deleted at any time."""

PI_CODE = (
    "schemas", "apps/__init__.py", "apps/anima", "apps/bridge/__init__.py", "apps/bridge/client.py",
    "apps/documents.py", "apps/lean", "apps/migrate", "apps/queries.py", "apps/sqlite.py",
    "migrations/anima",
)  # fmt: skip
MAC_CODE = (
    "schemas", "apps/__init__.py", "apps/governance", "apps/bridge", "apps/migrate",
    "apps/archive.py", "apps/archive.sql", "apps/declared", "apps/documents.py", "apps/queries.py",
    "apps/postgres.py", "apps/redis_line.py", "apps/settings.py", "apps/soulfra", "apps/sqlite.py",
    "apps/where", "migrations/governance", "migrations/soulfra", "migrations/soulfra_memory",
)  # fmt: skip


def files(paths: Iterable[str], root: Path = ROOT) -> dict[str, bytes]:
    """Every source file below ``paths`` by its path in the repository."""
    found: dict[str, bytes] = {}
    for path in paths:
        below = root / path
        for file in sorted(below.rglob("*")) if below.is_dir() else [below]:
            if file.is_file() and "__pycache__" not in file.parts:
                found[str(file.relative_to(root))] = file.read_bytes()
    return found


def digest(contents: dict[str, bytes], *more: str) -> str:
    """The first 16 hex digits of the SHA-256 over names, contents and ``more``."""
    sha = hashlib.sha256()
    for name, content in sorted(contents.items()):
        sha.update(f"{name}\0{len(content)}\0".encode() + content)
    for word in more:
        sha.update(b"\0" + word.encode())
    return sha.hexdigest()[:16]


def tar(path: Path, contents: dict[str, bytes]) -> Path:
    """A reproducible tar.gz of ``contents``, written whole or not at all."""
    if path.exists():
        return path
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=1) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w") as archive,
    ):
        for name, content in sorted(contents.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            archive.addfile(info, io.BytesIO(content))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(buffer.getvalue())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def pack(path: Path, contents: dict[str, bytes], python: str, machine: str, *groups: str) -> bool:
    """Make the archive of contents and of the wheels of groups; says why and False if it cannot.

    pyinfra runs this between its commands and would print a traceback.
    """
    try:
        found = wheels(path.parent, python, machine, *groups) if groups else {}
        tar(path, {**contents, **found})
    except (Unreachable, OSError) as error:
        logger.error(str(error))
        return False
    return True


def lock(*groups: str) -> str:
    """The locked requirements of ``groups`` as pip reads them."""
    return "".join((ROOT / "locks" / f"{group}.txt").read_text() for group in groups)


def wheels(cache: Path, python: str, machine: str, *groups: str) -> dict[str, bytes]:
    """The locked wheels for a Linux machine (x86_64, aarch64) and a Python such as ``3.13``.

    Downloaded once into ``cache`` with their hashes checked; nothing is compiled, here or there.
    """
    wanted = lock(*groups)
    key = hashlib.sha256(f"{python} {machine}\n{wanted}".encode()).hexdigest()[:16]
    place = cache / f"wheels-{'-'.join(groups)}-{python}-{machine}-{key}"
    if not place.is_dir():
        _download(place, python, machine, groups)
    return {f"wheels/{path.name}": path.read_bytes() for path in sorted(place.iterdir())}


def _download(place: Path, python: str, machine: str, groups: tuple[str, ...]) -> None:
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    draft.mkdir(mode=0o700, parents=True, exist_ok=True)
    platforms = [f"manylinux_2_{n}_{machine}" for n in range(17, 37)] + [f"manylinux2014_{machine}"]
    abi = f"cp{python.replace('.', '')}"
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--require-hashes", "--no-deps", "--only-binary", ":all:", "--dest", str(draft),
        "--implementation", "cp", "--python-version", python,
        "--abi", abi, "--abi", "abi3", "--abi", "none",
        *(word for platform in platforms for word in ("--platform", platform)),
        *(word for group in groups for word in ("-r", str(ROOT / "locks" / f"{group}.txt"))),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(draft)
        last = "\n".join(done.stderr.strip().splitlines()[-3:])
        hint = "is a package index reachable, and does it have wheels for that machine?"
        raise Unreachable(f"wheels for Python {python} on {machine}: {last}", hint)
    try:
        draft.replace(place)
    except OSError:  # another lab of this checkout was faster
        shutil.rmtree(draft)
