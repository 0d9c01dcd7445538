"""What of the documents is not as Postgres is: nothing is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar

from apps.soulfra.log import Place
from apps.soulfra.tree.keep import PAGE, STORIED
from apps.soulfra.tree.look import WHOLE, Connection, Look, looked, pages
from apps.soulfra.tree.sealed import Altered, content, path_of, read
from schemas.soulfra import documents as d

M = TypeVar("M", bound=d.Made)
OTHERWISE: Final = "says something else than Postgres"
Fault = Literal["missing", "altered", "behind", "nobody's"]


@dataclass(frozen=True, slots=True)
class Found:
    """A document that is not as it should be."""

    place: str
    fault: Fault
    why: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether somebody touched it; what is behind comes by itself."""
        return self.fault != "behind"


def check(conn: Connection, root: Path) -> Iterator[Found]:
    """Every document against Postgres; a run that goes on meanwhile may seem behind."""
    with looked(conn) as look:
        yield from _Check(root, look).all()


class _Check:
    """Of one look."""

    def __init__(self, root: Path, look: Look) -> None:
        self.root, self.look = root, look
        self.tree = self._read(path_of(root, d.Tree), d.Tree)
        since = Place()
        if isinstance(self.tree, d.Tree):
            since = Place(self.tree.transaction_id, self.tree.position)
        changed = look.changed(since) if since != look.newest else {}
        self.changed = {name for names in changed.values() for name in names}
        """What the next run makes anyway."""

    def all(self) -> Iterator[Found]:
        """One document after the other."""
        if isinstance(self.tree, Found):
            yield self.tree
        for kind in WHOLE:
            yield from self._whole(kind)
        for ids in pages(self.look, "agents_after", PAGE):
            for document in self.look.agents(ids):
                name = document.agent_id
                yield from self._one(path_of(self.root, d.AgentState, name), document, name)
        yield from self._clusters()

    def _clusters(self) -> Iterator[Found]:
        active = set()
        for ids in pages(self.look, "clusters_after", PAGE):
            for of, story in self.look.clusters(ids):
                for wanted in (of, story):
                    if wanted is not None:
                        path = path_of(self.root, type(wanted), of.cluster_id)
                        active.add(path)
                        yield from self._one(path, wanted, of.cluster_id)
        for kind in STORIED:
            for path in sorted(path_of(self.root, kind, "x").parent.glob("*.json")):
                if path not in active:
                    fault: Fault = "behind" if path.stem in self.changed else "nobody's"
                    yield Found(self._name(path), fault)

    def _whole(self, kind: type[d.Made]) -> Iterator[Found]:
        path = path_of(self.root, kind)
        found = self._read(path, kind)
        if isinstance(found, Found):
            yield found
            return
        place = Place(found.transaction_id, found.position)
        if place != self.look.settled:
            why = f"is of {place.transaction_id}/{place.position}"
            yield Found(self._name(path), "behind", why)
        elif (
            self.look.newest == self.look.settled
            and kind is not d.DriftMetrics  # decays meanwhile
            and content(found) != content(self.look.whole(kind))
        ):
            yield Found(self._name(path), "altered", OTHERWISE)

    def _one(self, path: Path, wanted: d.Made, name: str) -> Iterator[Found]:
        found = self._read(path, type(wanted))
        if isinstance(found, Found):
            if found.fault == "missing" and name in self.changed:
                found = Found(found.place, "behind")
            yield found
        elif content(found) != content(wanted):
            yield Found(
                self._name(path), "behind" if name in self.changed else "altered", OTHERWISE
            )

    def _read(self, path: Path, kind: type[M]) -> M | Found:
        try:
            found = read(path, kind)
        except Altered as error:
            return Found(self._name(path), "altered", str(error))
        return Found(self._name(path), "missing") if found is None else found

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.root))
