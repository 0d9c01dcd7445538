"""JSON files that are data: replaced in one step, read closed, set aside when damaged."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import get_native_id
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from apps.sqlite import sync_directory
from schemas.document import Document

D = TypeVar("D", bound=BaseModel)


def load(path: Path, kind: type[D]) -> D | None:
    """The document in a file; None if there is none, ValueError if it is damaged."""
    try:
        return parse(path.read_bytes(), kind)
    except FileNotFoundError:
        return None


def parse(text: bytes, kind: type[D]) -> D:
    """The document in a text; ValueError names the first that is wrong in it."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "text"
        raise ValueError(f"{where}: {first['msg'].lower()}") from None


def read(path: Path, kind: type[D]) -> D | None:
    """The same, but a damaged file is set aside, loudly, and counts as none."""
    try:
        return load(path, kind)
    except ValueError as error:
        sys.stderr.write(f"{path}: {error}\n  hint: it is kept as {set_aside(path)}\n")
        return None


def write(path: Path, document: Document) -> None:
    """Put a document in the place of the old one."""
    replace(path, (document.model_dump_json(), "\n"))


def write_once(path: Path, document: Document) -> bool:
    """Write a document that must never change; False if there is one, which stays.

    Any number may try at once.
    """
    alone = f"{path.name}.new-{os.getpid()}-{get_native_id()}"
    draft = _draft(path.with_name(alone), (document.model_dump_json(), "\n"))
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    sync_directory(path.parent)
    return True


def replace(path: Path, text: Iterable[str], *, last: str | None = None) -> None:
    """Put text in the place of the old: a reader, or a power cut, sees the one or the other.

    For one writer: what it left behind when it was killed is written over. The old one stays as
    ``<name>.<last>`` if that is asked for.
    """
    draft = _draft(path.with_name(f"{path.name}.new"), text)
    if last and path.exists():
        _second_name(path, path.with_name(f"{path.name}.{last}"))
    draft.replace(path)
    sync_directory(path.parent)


def replace_bytes(path: Path, data: bytes, *, draft: str) -> None:
    """The same for what is no text; ``draft`` is what it is called until it is whole."""
    _draft(path.with_name(draft), (data,)).replace(path)
    sync_directory(path.parent)


def _second_name(path: Path, name: Path) -> None:
    """One more name for a file, in the place of whatever had it."""
    between = name.with_name(f"{name.name}.new")
    between.unlink(missing_ok=True)
    between.hardlink_to(path)
    between.replace(name)


def keep(path: Path, why: str) -> None:
    """Give a file a second name, unless that is taken: replacing the first leaves it."""
    with suppress(FileExistsError):
        path.with_name(f"{path.name}.{why}").hardlink_to(path)


def set_aside(path: Path) -> Path:
    """Rename a damaged file, never over another: what is in it may still be saved by hand."""
    aside = next(
        name
        for number in range(1, 1_000_000)
        if not (name := path.with_name(f"{path.name}.damaged-{number}")).exists()
    )
    path.rename(aside)
    sync_directory(path.parent)
    return aside


def _draft(draft: Path, parts: Iterable[str | bytes]) -> Path:
    """Text or bytes on disk, readable by its owner only."""
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(part.encode() if isinstance(part, str) else part for part in parts)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink()
        raise
    return draft
