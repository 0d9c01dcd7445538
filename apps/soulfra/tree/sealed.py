"""A document on disk: replaced in one step, read back, and known again by its own hash."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

from apps.documents import parse, replace
from apps.sqlite import sync_directory
from apps.where.read import glob
from schemas.document import Document
from schemas.errors import Diverged, Unreachable
from schemas.soulfra.documents import Made

M = TypeVar("M", bound=Made)
ENVELOPE: Final = frozenset(Made.model_fields)
LOCK: Final = ".tree.lock"


class Altered(ValueError):
    """What is there is not what was written."""


def path_of(root: Path, kind: type[Any], *ids: str) -> Path:
    """Where a document lies; ``ids`` are what its place leaves open, in their order."""
    assert issubclass(kind, Document)  # noqa: S101  # every Made that lies somewhere is one
    name = glob(kind)
    for one in ids:
        name = name.replace("*", one, 1)
    return root / name


def sealed(document: M) -> M:
    """With the hash of all else that it says."""
    return document.model_copy(update={"sha256": _hash(document)})


def content(document: Made) -> dict[str, Any]:
    """What it says beside when and of which place in the log it was made."""
    return document.model_dump(exclude=set(ENVELOPE))


def read(path: Path, kind: type[M]) -> M | None:
    """What is there, None if nothing is; Altered if a single byte is not as it was written."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Altered(f"{error.strerror}") from None
    return known(text, kind)


def known(text: bytes, kind: type[M]) -> M:
    """The document of a text, or Altered with what is wrong."""
    try:
        found = parse(text, kind)
    except ValueError as error:
        raise Altered(str(error)) from None
    if found.sha256 != _hash(found):
        raise Altered("its hash is of something else")
    if text != _text(found):
        raise Altered("is written in another way")
    return found


def write(path: Path, document: M) -> M:
    """Put it in the place of the old one, durably, and read it back."""
    made = sealed(document)
    text = _text(made)
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_directory(path.parent.parent)
        replace(path, (text.decode(),))
        back = path.read_bytes()
    except OSError as error:
        raise Unreachable(f"{path}: {error.strerror}", "is the disk full?") from None
    if back != text:
        raise Diverged(f"{path}: does not read back as it was written", "is the disk failing?")
    return made


@contextmanager
def held(root: Path) -> Iterator[None]:
    """One writes at a time, whichever process; a killed one lets go. Others wait."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(root / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _hash(document: Made) -> str:
    return sha256(document.model_dump_json(exclude={"sha256"}).encode()).hexdigest()


def _text(document: Made) -> bytes:
    return document.model_dump_json().encode() + b"\n"
