"""What an old text file holds: lines told by their keys, a document by its own."""

import json
from pathlib import Path
from typing import Any, Final

from apps.legacy.seen import Part, Thing
from schemas.legacy.files import DOCUMENTS, GRAPH, LINES
from schemas.legacy.shape import OldFile

DOCUMENT_BYTES: Final = 64 << 20
"""A document is read whole: above this it is none that an old writer made."""
LINE_BYTES: Final = 16 << 20
"""A longer line is passed over in pieces, and counted as not understood."""
FIRST_LINES: Final = 20
SHOWN: Final = 3


def inspect(path: Path, name: str, *, quick: bool = False) -> Thing | None:
    """A thing, when its first lines or its document are known; quick, no other line is parsed."""
    with path.open("rb") as file:
        for _ in range(FIRST_LINES):
            told = _object(file.readline(LINE_BYTES))
            for kind in LINES:
                if told is not None and kind.keys <= told.keys():
                    return _counted(path, name, kind) if quick else _lines(path, name, kind)
    if path.stat().st_size > DOCUMENT_BYTES:
        return None
    told = _object(path.read_bytes())
    for kind in DOCUMENTS:
        if told is not None and kind.keys <= told.keys():
            return _document(path, name, kind, told)
    return None


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _lines(path: Path, name: str, kind: OldFile) -> Thing:
    """Every line counted, one in memory at a time."""
    rows = bad = number = 0
    shown: list[str] = []
    with path.open("rb") as file:
        while line := file.readline(LINE_BYTES):
            number += 1
            whole = line.endswith(b"\n")
            told = _object(line)
            if told is not None and kind.keys <= told.keys():
                rows += 1
                continue
            if not line.strip():
                continue
            while not whole and (more := file.readline(LINE_BYTES)):
                whole = more.endswith(b"\n")
            bad += 1
            if len(shown) < SHOWN:
                what = "is no JSON object" if told is None else _without(kind, told)
                shown.append(f"line {number}: {what if whole else 'is torn off'}")
    if bad > len(shown):
        shown.append(f"{bad - len(shown)} more lines")
    part = Part(name="lines", rows=rows, fate=kind.fate, target=kind.target)
    return Thing(path=name, kind=kind.kind, size_bytes=path.stat().st_size, fate=kind.fate,
                 parts=[part], not_understood=shown)  # fmt: skip


def _counted(path: Path, name: str, kind: OldFile) -> Thing:
    """As many rows as there are ends of lines."""
    rows = 0
    with path.open("rb") as file:
        while block := file.read(LINE_BYTES):
            rows += block.count(b"\n")
    part = Part(name="lines", rows=rows, fate=kind.fate, target=kind.target)
    return Thing(path=name, kind=kind.kind, size_bytes=path.stat().st_size, fate=kind.fate,
                 parts=[part])  # fmt: skip


def _without(kind: OldFile, told: dict[str, Any]) -> str:
    return f"lacks {', '.join(sorted(kind.keys - told.keys()))}"


def _document(path: Path, name: str, kind: OldFile, told: dict[str, Any]) -> Thing:
    inner = told["nodes" if kind is GRAPH else "transcript"]
    strange = [] if isinstance(inner, dict | list) else ["holds neither a list nor an object"]
    rows = len(inner) if isinstance(inner, dict | list) else 0
    target = kind.target if kind is GRAPH else "dialectic.messages"
    parts = [Part(name="nodes" if kind is GRAPH else "transcript", rows=rows,
                  fate=kind.fate, target=target)]  # fmt: skip
    if kind is not GRAPH:
        parts.insert(0, Part(name="session", rows=1, fate=kind.fate, target=kind.target))
    return Thing(path=name, kind=kind.kind, size_bytes=path.stat().st_size, fate=kind.fate,
                 parts=parts, not_understood=strange)  # fmt: skip
