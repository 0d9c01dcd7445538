"""Somebody is forgotten: every document and archived line that names them is written anew.

After what Postgres says of them was rewritten: what is made from it later says nothing else. A run
that was killed is run again; what it left is looked through, too.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import TypeAdapter

from apps.soulfra.privacy.forgetting import Entities, Touched
from apps.soulfra.tree.archive import BROKEN, LINES, lines, put, tidy
from apps.soulfra.tree.keep import STORIED
from apps.soulfra.tree.look import WHOLE
from apps.soulfra.tree.sealed import Altered, content, held, path_of, read, write
from apps.sqlite import sync_directory
from schemas.errors import Diverged
from schemas.soulfra import documents as d

AT: Final = TypeAdapter(datetime)
TEXTS: Final = frozenset({"whisper", "mythology", "name", "archetype"})
"""What somebody wrote: it names nobody, be it that it is spelled like a name."""


class Documents:
    """What forgetting asks of documents and archives."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def __call__(self, of: Entities) -> Sequence[Touched]:
        """Every row of a person, their agents and loops."""
        ids = [str(of.user_id), *of.agents, *of.loops, *map(str, of.prophecies)]
        found = await asyncio.to_thread(forget, self._root, ids)
        return [Touched(place, count, "rewritten") for place, count in found]


def forget(root: Path, ids: Collection[str]) -> list[tuple[str, int]]:
    """Take out what names one of these users, agents, loops or clusters; each place, and how much.

    A row that is theirs goes whole; of another's row goes the name. What others wrote is theirs,
    whatever it says. A document that is theirs is
    removed; one that somebody damaged is removed as well, as nobody knows whom it names.
    """
    named = frozenset(map(str, ids))
    with held(root):
        found = [*_documents(root, named), *_archives(root, named)]
    return [(place, count) for place, count in found if count]


def without(value: Any, ids: frozenset[str]) -> tuple[Any, int]:
    """Of lists within a value, all parts but those that are of them; and how many went."""
    if isinstance(value, dict):
        parts = {name: without(part, ids) for name, part in value.items()}
        return {n: part for n, (part, _) in parts.items()}, sum(c for _, c in parts.values())
    if not isinstance(value, list | tuple):
        return value, 0
    kept, gone = [], 0
    for each in value:
        if is_theirs(each, ids):
            gone += 1
        else:
            part, count = without(each, ids)
            kept.append(part)
            gone += count
    return kept, gone


def is_theirs(value: Any, ids: frozenset[str]) -> bool:
    """Whether it is one of the names, or an object of which a field is one."""
    if isinstance(value, dict):
        return any(is_theirs(part, ids) for name, part in value.items() if name not in TEXTS)
    return isinstance(value, str) and value in ids


def _documents(root: Path, ids: frozenset[str]) -> Iterator[tuple[str, int]]:
    kinds: tuple[type[d.Made], ...] = (*WHOLE, d.AgentState, *STORIED)
    for kind in kinds:
        pattern = str(path_of(Path(), kind))
        for path in sorted(root.glob(pattern)):
            yield str(path.relative_to(root)), _document(path, kind, ids)


def _document(path: Path, kind: type[d.Made], ids: frozenset[str]) -> int:
    try:
        found = read(path, kind)
    except Altered:
        return _removed(path)
    if found is None:
        return 0
    said = content(found)
    if is_theirs(said, ids):
        return _removed(path)
    kept, gone = without(said, ids)
    if gone:
        envelope = {name: getattr(found, name) for name in ("transaction_id", "position")}
        write(path, kind.model_validate({**envelope, **kept, "made_at": datetime.now(UTC)}))
    return gone


def _removed(path: Path) -> int:
    path.unlink()
    sync_directory(path.parent)
    return 1


def _archives(root: Path, ids: frozenset[str]) -> Iterator[tuple[str, int]]:
    for kind in get_args(d.Kind):
        folder = path_of(root, d.Archived, kind, "x").parent
        known = set()
        for place in sorted(folder.glob("*.json")):
            manifest = _manifest(place)
            known.add(manifest.month)
            left = tidy(folder, manifest.month, manifest.file)
            yield str(place.relative_to(root)), left + _month(root, manifest, ids)
        for path in sorted(folder.glob("*.jsonl.gz")):
            # Half of a run that was killed: the month is archived again.
            if path.name.partition(".")[0] not in known:
                yield str(path.relative_to(root)), _removed(path)


def _manifest(place: Path) -> d.Archived:
    try:
        found = read(place, d.Archived)
    except Altered as error:
        raise _spoilt(place, error) from None
    if found is None:
        raise _spoilt(place, FileNotFoundError())
    return found


def _month(root: Path, manifest: d.Archived, ids: frozenset[str]) -> int:
    """Lines that went, or that say less; the month is written anew if there are any."""
    place = path_of(root, d.Archived, manifest.kind, manifest.month)
    path = place.parent / manifest.file
    try:
        count = sum(_less(manifest.kind, line, ids)[1] for line in lines(path))
        if not count:
            return 0
        rows = (
            (AT.validate_python(kept["at"]), LINES[manifest.kind].model_validate(kept))
            for kept, _ in (_less(manifest.kind, line, ids) for line in lines(path))
            if kept is not None
        )
        put(
            root,
            manifest.kind,
            manifest.month,
            ((at, made.model_dump_json().encode() + b"\n") for at, made in rows),
            said={
                "made_at": datetime.now(UTC),
                "transaction_id": manifest.transaction_id,
                "position": manifest.position,
                "forgotten": manifest.forgotten + count,
            },
            generation=int(manifest.file.split(".")[1]) + 1,
        )
    except BROKEN as error:
        raise _spoilt(place, error) from None
    return count


def _less(kind: d.Kind, line: bytes, ids: frozenset[str]) -> tuple[dict[str, Any] | None, int]:
    """What stays of a line, None if nothing does; and how much went."""
    said: dict[str, Any] = LINES[kind].model_validate_json(line).model_dump(mode="json")
    if is_theirs(said, ids):
        return None, 1
    return without(said, ids)


def _spoilt(place: Path, error: Exception) -> Diverged:
    return Diverged(
        f"{place}: is not what it was: {type(error).__name__}",
        "nobody knows whom it names: move it and its .jsonl.gz out of the archive",
    )
