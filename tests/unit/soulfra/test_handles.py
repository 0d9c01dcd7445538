"""Thousands of agents, a few open files."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.soulfra.memory import handles as room
from apps.soulfra.memory.handles import Handles
from apps.soulfra.memory.told import Asked, Remembered
from schemas.errors import Refused, Unreachable

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def key_of(agent_id):
    """Of each its own."""
    return agent_id.encode().ljust(32, b"-")[:32]


def remember(handles, agent_id, text="x"):
    """One memory."""
    with handles.using(agent_id) as file:
        return file.remember(Remembered(timestamp=NOW, type="x", content=text))


def opened(agents):
    """How many files this process has open below a folder."""
    count = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            count += each.readlink().match(f"{agents}/*/memory.sqlite")
    return count


def test_no_more_are_open_than_may_be(tmp_path):
    """300 agents, 8 at a time; each remembers its own, the least used one is closed."""
    handles = Handles(tmp_path, key_of, most=8)
    for round_ in range(2):
        for n in range(150):
            remember(handles, f"agent-{n}", f"{n}.{round_}")
            assert opened(tmp_path) <= 8
    for _ in range(5):
        remember(handles, "agent-149")
    with handles.using("agent-7") as file:
        found = [each.content for each in file.recall(Asked())]

    assert found == ["7.1", "7.0"]
    assert handles.seen.hits == 5
    assert handles.seen.opened == 301
    assert handles.seen.closed == 301 - 8
    handles.close()
    assert opened(tmp_path) == 0


def test_many_threads_share_few_files(tmp_path):
    """None is used by two at once, none is lost, nobody waits for ever."""
    handles, inside, clashes = Handles(tmp_path, key_of, most=4), set(), []
    lock = threading.Lock()

    def work(n):
        agent = f"agent-{n % 10}"
        with handles.using(agent) as file:
            with lock:
                clashes.extend([agent] if agent in inside else [])
                inside.add(agent)
            file.remember(Remembered(timestamp=NOW, type="x", content=f"{n}"))
            with lock:
                inside.discard(agent)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(400)))
    found = []
    for n in range(10):
        with handles.using(f"agent-{n}") as file:
            found += [int(each.content) for each in file.recall(Asked(limit=1_000))]

    assert clashes == []
    assert sorted(found) == list(range(400))
    handles.close()


def test_whoever_waits_too_long_is_told(tmp_path, monkeypatch):
    """And the file is there for the next."""
    monkeypatch.setattr(room, "WAIT_SECONDS", 0.1)
    handles = Handles(tmp_path, key_of)
    with (
        handles.using("oracle"),
        pytest.raises(Unreachable, match="its memory is in use"),
        ThreadPoolExecutor(1) as other,
    ):
        other.submit(remember, handles, "oracle").result()
    assert remember(handles, "oracle") == 1
    handles.close()


def test_whoever_forgets_waits_for_who_remembers(tmp_path, monkeypatch):
    """Else what is told meanwhile would go into a file that is gone."""
    handles = Handles(tmp_path, key_of)
    remember(handles, "oracle")
    handles.forget("oracle")
    assert opened(tmp_path) == 0
    monkeypatch.setattr(room, "WAIT_SECONDS", 0.1)
    with handles.using("oracle"), pytest.raises(Unreachable, match="in use"):
        handles.forget("oracle")
    handles.forget("oracle")
    handles.forget("nobody")
    assert opened(tmp_path) == 0


def test_an_id_that_leads_elsewhere_is_refused(tmp_path):
    """No path comes out of it."""
    handles = Handles(tmp_path / "agents", key_of)
    for name in ("../oracle", "a/b", "", ".", "a:b", "x" * 101):
        with pytest.raises(Refused, match="is no id"), handles.using(name):
            pass
    assert not (tmp_path / "agents").exists()


def test_a_file_that_does_not_open_is_nobodys(tmp_path):
    """The error is told, and the next one may try."""
    keys = {"oracle": b"short"}
    handles = Handles(tmp_path, keys.__getitem__)
    with pytest.raises(Refused, match="32 bytes"), handles.using("oracle"):
        pass
    keys["oracle"] = b"k" * 32
    assert remember(handles, "oracle") == 1
    handles.close()
