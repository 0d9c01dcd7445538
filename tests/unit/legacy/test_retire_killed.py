"""``abode legacy retire`` and its undo, killed before every change of the disk in turn."""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.legacy import retire
from apps.legacy.cutover import Cutover
from apps.legacy.restore import undo
from schemas.errors import Refused
from tests.legacy.directory import aged

CUTOVER = Cutover(datetime(2026, 2, 20, tzinfo=UTC), is_proven=False)
STEPS = {"os.rename", "os.mkdir", "os.remove", "open"}


def killed(step, do):
    """Whether kill -9 before the ``step``th change of the disk came before its end."""
    child = os.fork()
    if child == 0:
        left = [step]

        def count(event, args):
            is_write = event != "open" or (isinstance(args[2], int) and args[2] & os.O_ACCMODE)
            if event in STEPS and is_write:
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            do()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def small(folder, state):
    """A directory of four dead things, and what it holds."""
    (folder / "agents/deep").mkdir(parents=True)
    (folder / "agents/deep/b.json").write_text("{}")
    for name in ("knowledge.db", "knowledge_graph.db"):
        (folder / name).touch()
    (folder / "knowledge.db-shm").write_bytes(bytes(100))
    return state(aged(folder))


def test_a_run_killed_anywhere_goes_on(tmp_path, state):
    """Before each change of the disk in turn; afterwards it is as if nobody had killed it."""
    for step in range(1, 200):
        data = tmp_path / f"{step}/data"
        before = small(data, state)
        was_killed = killed(step, lambda: retire.retire(data, CUTOVER))  # noqa: B023
        done = retire.retire(data, CUTOVER)
        (path,) = data.with_name("data-archive").glob("*/manifest.json")

        assert state(path.parent / "files") == before
        assert state(data) == {}
        assert retire.manifests.read(path).state == "retired"
        assert len(retire.manifests.read(path).items) == 4
        if not was_killed:
            break
        assert done.refused == []
    assert 15 < step < 199


def test_an_undo_killed_anywhere_goes_on(tmp_path, state):
    """And until it is finished nothing else is begun."""
    for step in range(1, 200):
        data = tmp_path / f"{step}/data"
        before = small(data, state)
        path = Path(retire.retire(data, CUTOVER).manifest)
        was_killed = killed(step, lambda: undo(data, path))  # noqa: B023
        if was_killed and retire.manifests.read(path).state == "undoing":
            with pytest.raises(Refused, match="is being undone"):
                retire.retire(data, CUTOVER)
        undo(data, path)

        assert state(data) == before
        assert retire.manifests.read(path).state == "undone"
        if not was_killed:
            break
    assert 8 < step < 199
