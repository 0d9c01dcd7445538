"""What came over ssh for ``abode eisv``, kept so that it comes once: ``.abode/LAB/eisv/PI``."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from schemas.errors import Diverged

AGAIN: Final = "without --offline it is fetched again"
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cache:
    """Folders of ``NAME.csv.gz`` with a manifest ``NAME.json`` and the packed hash ``NAME.have``.

    ``.have`` comes last: without it, or when it is another, the file is not there.
    """

    folder: Path

    def keep(self, room: str, name: str, manifest: str, body: bytes) -> None:
        """Put one file there, whole."""
        place = self.folder / room
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for suffix, content in (
            (".csv.gz", body),
            (".json", manifest.encode()),
            (".have", hashlib.sha256(body).hexdigest().encode()),
        ):
            part = place / f"{name}{suffix}.part"
            part.write_bytes(content)
            part.replace(place / f"{name}{suffix}")

    def names(self, room: str, *, offline: bool = False) -> list[str]:
        """What is there and as it came; what is not is removed, or refused when it cannot come."""
        found = []
        for path in sorted((self.folder / room).glob("*.json")):
            packed, have = path.with_suffix(".csv.gz"), path.with_suffix(".have")
            if _is_whole(packed, have):
                found.append(path.stem)
            elif offline:
                raise Diverged(f"{packed}: is not what came", AGAIN)
            else:
                for each in (have, packed, path):
                    each.unlink(missing_ok=True)
        return found

    def manifests(self, room: str, *, offline: bool = False) -> list[dict[str, Any]]:
        """What the manifests there say."""
        names = self.names(room, offline=offline)
        return [json.loads((self.folder / room / f"{name}.json").read_bytes()) for name in names]

    def set_aside(self, room: str) -> None:
        """Begin anew: what is there is of another file, and may be all that is left of it."""
        aside = (self.folder / "aside" / f"{room}-{n}" for n in count(1))
        place = next(each for each in aside if not each.exists())
        place.parent.mkdir(mode=0o700, exist_ok=True)
        (self.folder / room).rename(place)

    def forget(self, room: str, span: Span) -> None:
        """Drop what covers some of these ids: those rows were changed."""
        for name in self.names(room):
            path = self.folder / room / f"{name}.json"
            first, last = json.loads(path.read_bytes())["covers"]
            if first <= span[1] and span[0] <= last:
                for each in (".have", ".csv.gz", ".json"):
                    path.with_suffix(each).unlink(missing_ok=True)

    def note(self, told: dict[str, Any]) -> None:
        """Remember what the last survey said of the whole."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.folder / "about.part"
        part.write_text(json.dumps(told), encoding="utf-8")
        part.replace(self.folder / "about")

    def noted(self) -> dict[str, Any]:
        """What was remembered."""
        path = self.folder / "about"
        return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _is_whole(packed: Path, have: Path) -> bool:
    try:
        return hashlib.sha256(packed.read_bytes()).hexdigest() == have.read_text("utf-8")
    except FileNotFoundError:
        return False


def packed(text: str) -> tuple[bytes, str]:
    """A CSV as it is kept, and the hash of what it says."""
    return gzip.compress(text.encode(), 4, mtime=0), hashlib.sha256(text.encode()).hexdigest()


def lacking(wanted: Span, covered: Iterable[Span]) -> Iterator[Span]:
    """The parts of a span of ids that no other covers.

    >>> list(lacking((1, 10), [(3, 4), (1, 1), (8, 20)]))
    [(2, 2), (5, 7)]
    """
    first, last = wanted
    for begin, end in sorted(covered):
        if begin > last:
            break
        if begin > first:
            yield first, begin - 1
        first = max(first, end + 1)
    if first <= last:
        yield first, last
