"""What faded is compressed by itself when an agent reflects, and by who asks for it; and back."""

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from apps.bridge.web import Request
from apps.soulfra.decisions.decision import Missing
from apps.soulfra.memory.bundles import AT_ONCE, MOST
from apps.soulfra.memory.doors import METHODS, Remembering
from apps.soulfra.memory.file import MemoryFile
from apps.soulfra.memory.handles import Handles
from apps.soulfra.memory.told import Asked, Faded, Reflected, Remembered
from schemas.errors import Refused, Unreachable
from schemas.soulfra.memory import FADED_BELOW, FADED_DAYS

KEY = b"k" * 32
NOW = datetime.now(UTC)


def memory(days, significance, text="it rained"):
    """One of so many days ago."""
    at = NOW - timedelta(days=days)
    return Remembered(timestamp=at, type="rain", content=text, significance=significance)


def old(text="it rained"):
    """One that faded."""
    return memory(FADED_DAYS + 1, FADED_BELOW - 0.1, text)


@pytest.fixture
def file(tmp_path):
    """A new one."""
    made = MemoryFile(tmp_path / "oracle", "oracle", KEY)
    yield made
    made.close()


def test_who_reflects_compresses_what_faded(file):
    """What is old and mattered little, nothing else; it is recalled as it was, in the copy too."""
    for each in (old(), memory(FADED_DAYS + 1, FADED_BELOW), memory(FADED_DAYS - 1, 0)):
        file.remember(each)
    file.reflect(Reflected(prompt="why?"))
    found = {each.id: (each.compressed, each.content) for each in file.recall(Asked())}
    [copy] = (file.folder / "reflections").iterdir()

    assert found == {1: (True, "it rained"), 2: (False, "it rained"), 3: (False, "it rained")}
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT count(*) FROM memories WHERE compressed").fetchone() == (1,)


def test_one_reflection_compresses_so_much_and_the_next_goes_on(file):
    """Whoever waits for its answer does not wait for years."""
    for _ in range(AT_ONCE * MOST + 7):
        file.remember(old())
    file.reflect(Reflected(prompt="why?"))
    first = file.counts()
    file.reflect(Reflected(prompt="why?"))

    assert (first.bundles, first.compressed) == (AT_ONCE, AT_ONCE * MOST)
    assert file.counts().compressed == AT_ONCE * MOST + 7


def test_what_cannot_be_compressed_is_counted(file, monkeypatch):
    """The reflection is kept and copied all the same."""

    def full(*_):
        raise OSError(28, "No space left on device")

    file.remember(old())
    monkeypatch.setattr("apps.soulfra.memory.bundles.zlib.compress", full)
    file.reflect(Reflected(prompt="why?"))
    counts = file.counts()

    assert (counts.reflections, counts.uncompressed, counts.uncopied) == (1, 1, 0)
    assert len(list((file.folder / "reflections").iterdir())) == 1


async def measured(_, __):
    """Nobody listens."""
    raise Unreachable("postgres: is away")


@pytest.fixture
def door(tmp_path):
    """Status aside, what the door says of an agent that remembers five things."""
    handles = Handles(tmp_path, lambda _: KEY)
    with handles.using("oracle") as file:
        for each in (old("a"), old("b"), memory(10, 0.1), memory(10, 0.5), memory(0, 0.1)):
            file.remember(each)
    remembering = Remembering(handles, measured)

    def ask(what, said=None):
        method = "GET" if said is None else "POST"
        assert method in METHODS[what]
        body = b"" if said is None else json.dumps(said).encode()
        asked = Request(method, f"/soulfra/v1/{what}/oracle", body=body)
        return asyncio.run(remembering.answer(what, "oracle", asked))

    yield ask
    handles.close()


def test_who_asks_compresses_and_expands(door):
    """By itself what faded; else what is asked for. Bundles are told, and taken apart again."""
    before = door("memories")
    assert door("compress", {}) == {"memories": 2}
    week = (NOW - timedelta(days=7)).isoformat()
    assert door("compress", {"before": week, "below": 1}) == {"memories": 2}
    assert door("compress", {"before": week, "below": 1}) == {"memories": 0}
    newest, oldest = door("bundles")
    assert (oldest["id"], oldest["memories"], oldest["moved_out"]) == (1, 2, False)
    assert newest["upto_timestamp"] == before[1]["timestamp"]
    assert [each["content"] for each in door("memories")] == [each["content"] for each in before]
    assert [each["compressed"] for each in door("memories")] == [False, True, True, True, True]

    assert door("expand", {"bundle_id": 1}) == {"memories": 2}
    assert door("expand", {"bundle_id": 2}) == {"memories": 2}
    assert door("memories") == before
    assert door("bundles") == []
    with pytest.raises(Missing, match="no bundle 2"):
        door("expand", {"bundle_id": 2})


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("compress", {"before": "2026-01-01"}),
        ("compress", {"below": 2}),
        ("compress", {"after": "2026-01-01T00:00Z"}),
        ("expand", {}),
        ("expand", {"bundle_id": 0}),
        ("expand", {"bundle_id": 2**63}),
    ],
)
def test_what_is_not_as_declared_is_refused(door, what, said):
    """By name, before the file is touched."""
    with pytest.raises(Refused, match=f"{what}: "):
        door(what, said)
    assert door("memory")["compressed"] == 0


def test_a_bundle_that_was_taken_apart_is_not_remembered(file):
    """The next one gets another number."""
    file.remember(old("a"))
    file.compress(Faded())
    file.expand(1)
    file.remember(old("b"))
    file.compress(Faded())

    assert [each.id for each in file.bundles()] == [2]
    assert {each.content for each in file.recall(Asked())} == {"a", "b"}


def test_a_depth_that_nobody_hears_is_counted(tmp_path):
    """The reflection is kept all the same."""
    handles = Handles(tmp_path, lambda _: KEY)
    remembering = Remembering(handles, measured)
    asked = Request("POST", "/soulfra/v1/reflections/oracle", body=b'{"prompt": "why"}')

    assert asyncio.run(remembering.answer("reflections", "oracle", asked)) == {"id": 1}
    assert remembering.health()["unmeasured"] == 1
    handles.close()
