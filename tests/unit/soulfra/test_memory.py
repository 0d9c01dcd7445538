"""An agent's memory: sealed, reversible, bounded, and copied when it reflects."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from apps.soulfra.decisions.decision import Conflict
from apps.soulfra.memory.bundles import MOST
from apps.soulfra.memory.file import COPIES, MemoryFile
from apps.soulfra.memory.told import Asked, Faded, Reflected, Remembered, Shifted
from schemas.errors import Diverged, Refused
from schemas.soulfra.memory import ANSWER_DAYS

KEY, OTHER = b"k" * 32, b"o" * 32
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
CANARY = "canary-1f0c"
NASTY = ("", "ünï¢ode 🜁", "quotes ' \" $$ \\", "a line\nand\ttab", CANARY * 50, "\0 a zero")


def memory(n=0, **said):
    """One, an hour after the one before."""
    told = {"timestamp": NOON + timedelta(hours=n), "type": "whisper", "content": f"{CANARY} {n}"}
    return Remembered(**told | said)


@pytest.fixture
def file(tmp_path):
    """A new one."""
    made = MemoryFile(tmp_path / "oracle", "oracle", KEY)
    yield made
    made.close()


def test_what_is_remembered_is_recalled(file):
    """Whatever it says, null and empty apart; the newest first, by kind, time and weight."""
    for n, text in enumerate(NASTY):
        file.remember(
            memory(
                n, content=text, emotional_context=text, loop_context="loop:rain",
                metadata={"n": n, "text": text}, significance=n / 10,
                type="dream" if n % 2 else "whisper",
            )
        )  # fmt: skip
    file.remember(memory(99, content=None))
    found = file.recall(Asked())

    assert [each.content for each in found] == [None, *reversed(NASTY)]
    assert found[-1].metadata == {"n": 0, "text": ""}
    assert found[0].metadata is None
    assert {each.type for each in file.recall(Asked(type="dream"))} == {"dream"}
    assert len(file.recall(Asked(significance=0.4))) == 3
    early = Asked(since=NOON + timedelta(hours=1), until=NOON + timedelta(hours=3))
    assert [each.content for each in file.recall(early)] == [NASTY[2], NASTY[1]]


TELL = {
    "remember": lambda text: Remembered(type="whisper", content=text),
    "reflect": lambda text: Reflected(prompt=text),
    "shift_tone": lambda text: Shifted(trigger_content=text),
}


@pytest.mark.parametrize("tell", TELL)
def test_what_is_told_again_with_its_id_is_kept_once(file, tell, monkeypatch):
    """A week long, also when the file was opened anew; another text with that id is refused."""
    say, told = getattr(file, tell), TELL[tell]
    one, other = UUID(int=1), UUID(int=2)
    number = say(told("a"), one)

    assert say(told("a"), one) == number
    assert say(told("a"), other) == number + 1
    assert say(told("a")) == number + 2
    with pytest.raises(Conflict, match="told something else"):
        say(told("b"), one)
    again = MemoryFile(file.folder, "oracle", KEY)
    assert getattr(again, tell)(told("a"), one) == number
    again.close()
    counts = file.counts()
    assert counts.memories + counts.reflections + counts.tone_shifts == 3

    later = datetime.now(UTC) + timedelta(days=ANSWER_DAYS, seconds=1)
    monkeypatch.setattr("apps.soulfra.memory.answers.now", lambda: later)
    say(told("c"), UUID(int=3))
    assert say(told("a"), one) == number + 4


def test_nothing_that_it_says_lies_open(file):
    """No byte of it in any file of the folder: not in the log, a copy, a bundle, nor moved out."""
    for n in range(MOST + 20):
        file.remember(memory(n, emotional_context=CANARY, loop_context=CANARY, metadata={CANARY: 1},
                             significance=0.1))  # fmt: skip
    file.shift_tone(Shifted(timestamp=NOON, to_tone="joy", trigger_content=CANARY))
    file.reflect(Reflected(timestamp=NOON, prompt=CANARY, response=CANARY, insights=CANARY))
    file.compress(Faded(before=NOON + timedelta(days=99)))
    file._bundles.move_out(1)
    file.close()
    seen = [path for path in file.folder.rglob("*") if path.is_file()]

    assert {path.suffix for path in seen} >= {".sqlite", ".sealed"}
    assert [path for path in seen if CANARY.encode() in path.read_bytes()] == []
    assert all(path.stat().st_mode & 0o077 == 0 for path in seen if path.suffix != ".lock")


def test_another_key_opens_nothing(file):
    """It is refused before anything is read or written."""
    file.remember(memory())
    file.close()
    with pytest.raises(Refused, match="the key does not open its memory"):
        MemoryFile(file.folder, "oracle", OTHER)
    with pytest.raises(Refused, match="not of 32 bytes"):
        MemoryFile(file.folder, "oracle", b"short")
    with pytest.raises(Diverged, match="is the memory of 'oracle'"):
        MemoryFile(file.folder, "mirror", KEY)

    assert len(MemoryFile(file.folder, "oracle", KEY).recall(Asked())) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE memories SET content = CAST(x'00' || substr(content, 2) AS BLOB)",
        "UPDATE memories SET timestamp = '2020-01-01T00:00:00.000000+00:00'",
        "UPDATE memories SET content = emotional_context",
        "UPDATE memories SET content = (SELECT content FROM memories WHERE id = 2) WHERE id = 1",
    ],
)
def test_what_was_changed_or_moved_does_not_open(file, change):
    """A sealed value belongs to its column and its time."""
    file.remember(memory(1, emotional_context="calm"))
    file.remember(memory(2, emotional_context="calm"))
    with closing(sqlite3.connect(file.path)) as db, db:
        db.execute(change)

    with pytest.raises(Diverged, match="does not open"):
        file.recall(Asked())


def test_compressing_loses_nothing_and_can_be_undone(file):
    """Counted; what mattered, and what is new, stays as it is."""
    for n in range(1_200):
        file.remember(memory(n, significance=0.2 if n % 3 else 0.9, metadata={"n": n}))
    before = file.recall(Asked(limit=10_000))
    size = file.counts().bytes
    done = file.compress(Faded(before=NOON + timedelta(hours=1_000), below=0.3))
    after, counts = file.recall(Asked(limit=10_000)), file.counts()

    assert done == counts.compressed == 666
    assert counts.bundles == 2
    assert [each.model_copy(update={"compressed": False}) for each in after] == before
    assert counts.bytes < size
    assert file.compress(Faded(before=NOON + timedelta(hours=1_000), below=0.3)) == 0
    assert sum(file.expand(bundle) for bundle in (1, 2)) == 666
    assert file.recall(Asked(limit=10_000)) == before
    assert file.counts().bundles == 0
    with pytest.raises(Refused, match="no bundle 7"):
        file.expand(7)


def test_a_small_file_stays_small_and_forgets_nothing(tmp_path):
    """Twice as much as there is room for: old ones are compressed, then their bundles moved out."""
    limit, chance = 1_000_000, random.Random(1)
    file = MemoryFile(tmp_path / "oracle", "oracle", KEY, limit)
    texts = {}
    for n in range(1_500):
        text = chance.randbytes(700).hex()
        texts[file.remember(memory(n, content=text, significance=chance.random()))] = text
        assert file.path.stat().st_size <= limit
    counts = file.counts()
    found = {each.id: each.content for each in file.recall(Asked(limit=10_000))}

    assert found == texts
    assert counts.moved_out > 0
    assert counts.bytes <= limit
    [moved, *_] = (file.folder / "archive").iterdir()
    moved.write_bytes(moved.read_bytes()[:-1] + b"\0")
    file._bundles._opened = None
    with pytest.raises(Diverged, match="is not what was moved there"):
        file.recall(Asked(limit=10_000))
    file.close()


def test_reflections_do_not_shut_the_file(tmp_path):
    """They fill it as well as memories do: room is made for them, and for what comes after."""
    chance = random.Random(3)
    file = MemoryFile(tmp_path / "oracle", "oracle", KEY, 600_000)
    for n in range(300):
        file.remember(memory(n, content=chance.randbytes(500).hex(), significance=0.1))
    for n in range(40):
        file.reflect(Reflected(timestamp=NOON, prompt=chance.randbytes(2_000).hex()))
        file.shift_tone(Shifted(timestamp=NOON, trigger_content="x" * 500))
        file.remember(memory(n - 10_000, significance=0.1))
    counts = file.counts()

    assert (counts.memories, counts.reflections, counts.tone_shifts) == (340, 40, 40)
    assert counts.moved_out > 0
    assert counts.uncopied == 0
    assert len(file.recall(Asked(limit=1_000))) == 340
    file.close()


def test_a_reflection_without_a_copy_is_kept_and_counted(file, monkeypatch):
    """Whoever heard of an error would tell it again."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("apps.soulfra.memory.file.snapshot", full)
    file.reflect(Reflected(timestamp=NOON, prompt="why?"))

    assert [each.prompt for each in file.reflections()] == ["why?"]
    assert file.counts().uncopied == 1


def test_a_copy_recalls_what_was_moved_out_and_taken_apart(file, tmp_path):
    """What lies in archive/ stays for the copies that look for it there."""
    for n in range(30):
        file.remember(memory(n, significance=0.1))
    file.compress(Faded(before=NOON + timedelta(days=9)))
    file._bundles.move_out(1)
    file.reflect(Reflected(timestamp=NOON, prompt="why?"))
    file.expand(1)
    [copy] = (file.folder / "reflections").iterdir()
    there = tmp_path / "again"
    shutil.copytree(file.folder / "archive", there / "archive")
    shutil.copy(copy, there / file.path.name)
    again = MemoryFile(there, "oracle", KEY)

    assert len(again.recall(Asked())) == len(file.recall(Asked())) == 30
    (there / "archive" / "bundle-1.sealed").unlink()
    again._bundles._opened = None
    with pytest.raises(Diverged, match=r"bundle-1\.sealed: is missing"):
        again.recall(Asked())
    again.close()


def test_a_memory_that_has_no_room_is_refused(tmp_path):
    """By name; what was there stays."""
    file = MemoryFile(tmp_path / "oracle", "oracle", KEY, 200_000)
    file.remember(memory())
    with pytest.raises(Refused, match="its memory is full: 200000 bytes"):
        file.remember(memory(1, content=random.Random(2).randbytes(150_000).hex()))

    assert len(file.recall(Asked())) == 1
    file.remember(memory(2))
    file.close()


def test_each_reflection_leaves_a_copy(file):
    """Whole and sealed; the newest few stay."""
    for n in range(COPIES + 2):
        file.remember(memory(n))
        file.reflect(Reflected(timestamp=NOON + timedelta(hours=n), prompt=f"why {n}?"))
    copies = sorted((file.folder / "reflections").iterdir())
    place = file.folder.parent / "again"
    place.mkdir()
    (place / file.path.name).write_bytes(copies[-1].read_bytes())
    again = MemoryFile(place, "oracle", KEY)

    assert len(copies) == COPIES
    assert [each.prompt for each in again.reflections()] == [
        f"why {n}?" for n in reversed(range(COPIES + 2))
    ]
    assert len(again.recall(Asked())) == COPIES + 2
    again.close()


def test_tones_are_told(file):
    """The newest first, the trigger sealed, the rest plain."""
    first = Shifted(timestamp=NOON, to_tone="joy", magnitude=0.5)
    second = Shifted(timestamp=NOON, from_tone="joy", to_tone="grief", trigger_type="whisper",
                     trigger_content="it rains", magnitude=1)  # fmt: skip
    numbers = [file.shift_tone(each) for each in (first, second)]

    told = zip((first, second), numbers, strict=True)
    kept = [each.model_copy(update={"id": number}) for each, number in told]
    assert file.tone_shifts() == kept[::-1]


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from apps.soulfra.memory.file import MemoryFile
from apps.soulfra.memory.told import Faded, Remembered

file = MemoryFile(Path(sys.argv[1]), "oracle", b"k" * 32, 400_000)
n = 0
while True:
    n += 1
    what = Remembered(timestamp=datetime.now(UTC), type="x", content=f"{n} " + "x" * 400,
                      significance=n % 10 / 10)
    print(file.remember(what), n, flush=True)
"""


@pytest.mark.parametrize("seed", range(int(os.environ.get("ABODE_MEMORY_KILLS") or 4)))
def test_what_was_kept_survives_a_kill(tmp_path, seed):
    """At a random moment, also while it compresses and moves out: all that was told is there."""
    told = {}
    for round_ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "oracle")],
            stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": os.pathsep.join(sys.path)},
        ) as writer:  # fmt: skip
            until = random.Random(seed * 10 + round_).randint(50, 700)
            for _ in range(until):
                number, n = map(int, writer.stdout.readline().split())
                told[number] = n
            os.kill(writer.pid, signal.SIGKILL)
            for line in writer.stdout.read().splitlines():
                if len(line.split()) == 2:
                    number, n = map(int, line.split())
                    told[number] = n
    file = MemoryFile(Path(tmp_path / "oracle"), "oracle", KEY, 400_000)
    found = {each.id: int(each.content.split()[0]) for each in file.recall(Asked(limit=10_000))}
    file.close()

    assert {number: found.get(number) for number in told} == told
    assert len(found) - len(told) <= 3
