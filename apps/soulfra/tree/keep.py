"""Documents kept as Postgres is: made when the log moved, made anew when somebody touched one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, get_args

from apps.soulfra.log import Place
from apps.soulfra.tree.look import WHOLE, Connection, Look, cut, looked, pages
from apps.soulfra.tree.sealed import Altered, content, held, path_of, read, write
from apps.sqlite import sync_directory
from schemas.soulfra import documents as d

PAGE: Final = 500
"""Agents, or clusters, whose documents are looked at in one round of the process."""
WRITERS: Final = 8
"""Threads: a document waits for the disk most of its time."""
FOLDERS: Final = (
    "clusters/active",
    "clusters/mythology",
    *(f"archive/{kind}" for kind in get_args(d.Kind)),
)
"""Of the guide's tree, those that may be empty."""
STORIED: Final = (d.ActiveCluster, d.ClusterMythology)


class Keeper:
    """Of one volume. A round makes what changed and looks at some of the rest, the next at more."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._at = {"agents_after": "", "clusters_after": ""}
        """How far the looking around is."""
        self._counts = {"written": 0, "made_anew": 0, "removed": 0}

    def round(self, conn: Connection, *, everything: bool = False) -> d.Tree:
        """Make what is not as Postgres is; with ``everything`` all is looked at, not some."""
        with held(self.root), looked(conn) as look:
            self._counts = dict.fromkeys(self._counts, 0)
            for name in FOLDERS:
                (self.root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            before = self._before()
            self._wholes(look, before)
            done = self._changed(look, before)
            self._around(look, done, before, whole=everything or before is None)
            return self._after(look, before)

    def _before(self) -> d.Tree | None:
        """How far the last round came; None: nothing is known, all is made."""
        try:
            return read(path_of(self.root, d.Tree), d.Tree)
        except Altered:
            self._counts["made_anew"] += 1
            return None

    def _wholes(self, look: Look, before: d.Tree | None) -> None:
        moved = before is None or _is_other(before, look)
        for kind in WHOLE:
            path, wanted = path_of(self.root, kind), look.whole(kind)
            touched = before is not None and (
                self._is_touched(path, kind)
                if moved or kind is d.DriftMetrics  # says something else at each instant
                else not self._is_as(path, wanted)
            )
            if moved or touched:
                self._write(path, wanted, touched=touched)

    def _changed(self, look: Look, before: d.Tree | None) -> set[str]:
        if before is None:
            return set()
        changed = look.changed(Place(before.transaction_id, before.position))
        for ids in cut(changed["agent"], PAGE):
            self._agents(look, ids, again=True, touched=False)
        for ids in cut(changed["cluster"], PAGE):
            self._clusters(look, ids, anew=False)
        return {*changed["agent"], *changed["cluster"]}

    def _agents(self, look: Look, ids: list[str], *, again: bool, touched: bool) -> None:
        """Write what is not there as it should be, or all of them ``again``; some at a time."""

        def kept(document: d.AgentState) -> bool:
            path = path_of(self.root, d.AgentState, document.agent_id)
            if not again and self._is_as(path, document):
                return False
            write(path, document)
            return True

        with ThreadPoolExecutor(WRITERS) as threads:
            written = sum(threads.map(kept, look.agents(ids)))
        self._counts["written"] += written
        self._counts["made_anew"] += written * touched

    def _clusters(self, look: Look, ids: list[str], *, anew: bool) -> None:
        """Write those that are active, remove what is there of others."""
        wanted: dict[Path, d.Made] = {}
        for active, story in look.clusters(ids):
            for document in (active, story):
                if document is not None:
                    wanted[path_of(self.root, type(document), active.cluster_id)] = document
        for name in ids:
            for kind in STORIED:
                path = path_of(self.root, kind, name)
                if path not in wanted:
                    self._remove(path)
                elif not anew or not self._is_as(path, wanted[path]):
                    self._write(path, wanted[path], touched=anew)

    def _around(self, look: Look, done: set[str], before: d.Tree | None, *, whole: bool) -> None:
        """Of documents that nothing happened to, look whether each is what it was."""
        anew = before is not None
        for ids in self._some(look, "agents_after", whole=whole):
            rest = [name for name in ids if name not in done]
            self._agents(look, rest, again=False, touched=anew)
        for ids in self._some(look, "clusters_after", whole=whole):
            self._clusters(look, [name for name in ids if name not in done], anew=anew)
        for ids in cut(self._left(), PAGE):
            there = {active.cluster_id for active, _ in look.clusters(ids)}
            self._clusters(look, [name for name in ids if name not in there], anew=anew)

    def _some(self, look: Look, query: str, *, whole: bool) -> Iterator[list[str]]:
        """All, a page at a time; or the page after the one before, and from the first again."""
        if whole:
            yield from pages(look, query, PAGE)
            return
        found = look.after(query, self._at[query], PAGE)
        self._at[query] = found[-1] if len(found) == PAGE else ""
        yield found

    def _left(self) -> set[str]:
        """Clusters of which something lies there, be it that they are none."""
        folders = [path_of(self.root, kind, "x").parent for kind in STORIED]
        return {path.stem for folder in folders for path in folder.glob("*.json")}

    def _after(self, look: Look, before: d.Tree | None) -> d.Tree:
        if before is not None and not _is_other(before, look) and not any(self._counts.values()):
            return before
        was = before.model_dump() if before else {}
        counts = {name: was.get(name, 0) + count for name, count in self._counts.items()}
        made = d.Tree.model_validate(
            {**look.made, "drift": look.drift, "runs": was.get("runs", 0) + 1, **counts}
        )
        return write(path_of(self.root, d.Tree), made)

    def _is_touched(self, path: Path, kind: type[d.Made]) -> bool:
        try:
            return read(path, kind) is None
        except Altered:
            return True

    def _is_as(self, path: Path, wanted: d.Made) -> bool:
        try:
            found = read(path, type(wanted))
        except Altered:
            return False
        return found is not None and content(found) == content(wanted)

    def _write(self, path: Path, document: d.Made, *, touched: bool = False) -> None:
        write(path, document)
        self._counts["written"] += 1
        self._counts["made_anew"] += touched

    def _remove(self, path: Path) -> None:
        if path.exists():
            path.unlink()
            sync_directory(path.parent)
            self._counts["removed"] += 1


def _is_other(before: d.Tree, look: Look) -> bool:
    """Whether the log, or what is counted from it, went on since."""
    place = Place(before.transaction_id, before.position)
    return (place, before.drift) != (look.settled, look.drift) or look.newest != look.settled
