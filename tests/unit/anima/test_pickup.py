"""canvas.json heals itself: whatever happened to it, the hand draws on from a whole canvas."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from apps.anima import canvas as canvas_file
from apps.anima.canvas import SIZE, Canvas
from apps.anima.drawing import Drawing
from apps.anima.failures import Failures
from apps.anima.pickup import pick_up
from schemas.anima.files import SavedCanvas

NOW = datetime(2026, 11, 20, tzinfo=UTC)
READ_ONLY = Path("/proc/self/comm")
"""A file that is no canvas, where nothing can be renamed or made, not even by root."""
ROUNDS = int(os.environ.get("ABODE_ROUNDS", "1")) * 300


@pytest.fixture
def failures():
    """What went wrong."""
    return Failures("not done")


@pytest.fixture
def drawing(anima):
    """A piece that has begun."""
    made = Drawing(Canvas(), None, Random(7))
    for _ in range(300):
        made.tick(anima, NOW)
    return made


@pytest.fixture
def file(tmp_path):
    """Where the canvas lies."""
    return tmp_path / "canvas.json"


def _saved(file, drawing):
    canvas_file.save(file, drawing.canvas, drawing.piece.saved())
    return drawing.piece.saved(), list(drawing.canvas.pixels())


def _told(drawing):
    return drawing.piece.saved(), list(drawing.canvas.pixels())


def test_what_is_saved_is_as_declared_and_small(file, drawing, anima):
    """A few bytes for each pixel; every key is known."""
    for _ in range(3000):
        drawing.tick(anima, NOW)
    _saved(file, drawing)
    told = SavedCanvas.model_validate_json(file.read_bytes())
    loose = {f"{x},{y}": colour for x, y, colour in drawing.canvas.pixels()}

    assert told.crc32 is not None
    assert len(told.picture) < len(json.dumps(loose)) / 4


def test_the_last_good_copy_takes_the_place_of_a_damaged_one(
    file, drawing, anima, failures, capsys
):
    """The damage is set aside, said and counted; the next save goes on from there."""
    before = _saved(file, drawing)
    for _ in range(200):
        drawing.tick(anima, NOW)
    _saved(file, drawing)
    file.write_bytes(file.read_bytes()[:-40])
    healed = pick_up(file, Random(1), failures)

    assert _told(healed) == before
    assert failures.counts == {"canvas damaged": 1}
    said = capsys.readouterr().out
    assert "canvas set aside" in said
    assert "canvas healed" in said
    now = _saved(file, healed)
    assert _told(pick_up(file, Random(1), failures)) == now
    assert failures.total == 1


def test_no_damage_stops_the_hand(file, drawing, anima, failures):
    """Seeded: bytes flipped, cut, doubled, zeroed; what is drawn on is one of the two saves."""
    old = _saved(file, drawing)
    for _ in range(300):
        drawing.tick(anima, NOW)
    new = _saved(file, drawing)
    last = file.with_name("canvas.json.last")
    wholes = file.read_bytes(), last.read_bytes()
    healed = 0
    for seed in range(ROUNDS):
        rng = Random(seed)
        for path, whole in zip((file, last), wholes, strict=True):
            path.write_bytes(whole)
        damaged = _damaged(wholes[0], rng)
        file.write_bytes(damaged)
        picked = pick_up(file, rng, failures)

        assert _told(picked) == (new if damaged == wholes[0] else old), seed
        healed += damaged != wholes[0]
        picked.tick(anima, NOW)
        for each in file.parent.glob("*.damaged-*"):
            each.unlink()

    assert healed > ROUNDS * 0.9
    assert failures.counts["canvas damaged"] == healed


def _damaged(whole, rng):
    """One way in which a card lets a file down."""
    text = bytearray(whole)
    at = rng.randrange(len(text))
    kind = rng.randrange(6)
    if kind == 0:
        text[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del text[at:]
    elif kind == 2:
        text[at : at + 512] = bytes(len(text[at : at + 512]))
    elif kind == 3:
        text[at : at + rng.randrange(1, 99)] = b""
    elif kind == 4:
        text = bytearray(rng.randbytes(rng.randrange(1, 2000)))
    else:
        text[at:at] = text[:at] or b"{"
    return bytes(text)


def test_old_canvases_without_a_checksum_stop_nothing(file, drawing, anima, failures):
    """A flipped digit may pass for a colour; whatever is taken can be drawn on."""
    loose = {f"{x},{y}": colour for x, y, colour in drawing.canvas.pixels()}
    whole = json.dumps({"piece": drawing.piece.saved(), "pixels": loose}).encode()
    for seed in range(ROUNDS // 3):
        rng = Random(seed)
        file.write_bytes(_damaged(whole, rng))
        picked = pick_up(file, rng, failures)
        for _ in range(5):
            picked.tick(anima, NOW)
        for each in file.parent.iterdir():
            each.unlink()


@pytest.mark.parametrize("what", ["empty", "directory", "full directory", "pipe", "loop", "huge"])
def test_anything_else_in_its_place_is_set_aside(file, drawing, failures, what):
    """The last good copy is drawn on, and saving works again."""
    before = _saved(file, drawing)
    _saved(file, drawing)
    file.unlink()
    if what == "empty":
        file.write_bytes(b"")
    elif what.endswith("directory"):
        file.mkdir()
        if what.startswith("full"):
            (file / "x").write_text("x")
    elif what == "pipe":
        os.mkfifo(file)
    elif what == "loop":
        file.symlink_to(file)
    else:
        file.touch()
        os.truncate(file, 2**40)
    picked = pick_up(file, Random(1), failures)

    assert _told(picked) == before
    assert failures.counts == {"canvas damaged": 1}
    _saved(file, picked)
    assert _told(pick_up(file, Random(1), failures)) == before


def test_both_copies_damaged_begin_an_empty_canvas(file, drawing, failures):
    """Both are kept aside for whoever can still read them."""
    _saved(file, drawing)
    _saved(file, drawing)
    for path in (file, file.with_name("canvas.json.last")):
        path.write_text("no")
    picked = pick_up(file, Random(1), failures)

    assert picked.canvas.count == 0
    assert failures.counts == {"canvas damaged": 2}
    assert len(list(file.parent.glob("*.damaged-1"))) == 2


def test_a_directory_that_came_meanwhile_is_moved_out_of_the_way(file, drawing):
    """While the hand draws, too."""
    file.mkdir()
    before = _saved(file, drawing)

    assert _told(pick_up(file, Random(1), Failures("not done"))) == before


@pytest.mark.skipif(not READ_ONLY.exists(), reason="no /proc here")
def test_a_card_that_takes_no_writes_stops_nothing(drawing, failures, anima):
    """What cannot be set aside stays; the hand begins anew and is counted, not stopped."""
    file = READ_ONLY
    picked = pick_up(file, Random(1), failures)
    picked.tick(anima, NOW)

    assert failures.counts["canvas damaged"] == 1
    assert failures.counts["canvas set aside"] == 1
    with pytest.raises(OSError):  # noqa: PT011  life counts it
        _saved(file, drawing)


def test_a_picture_packs_and_unpacks_exactly():
    """Also one that is black, or empty, or full."""
    rng = Random(5)
    for count in (0, 1, 4000, SIZE * SIZE):
        canvas = Canvas()
        for at in rng.sample(range(SIZE * SIZE), count):
            canvas.paint(at % SIZE, at // SIZE, (0, rng.randrange(256), rng.randrange(256)))
        back = Canvas.unpacked(canvas.packed())
        assert list(back.pixels()) == list(canvas.pixels())
        assert back.satisfaction == canvas.satisfaction


@pytest.mark.parametrize("packed", ["", "AAAA", "!", "eJwDAAAAAAE="])
def test_what_is_no_picture_is_refused(packed):
    """Too short, no zlib, no base64, nothing in it."""
    with pytest.raises(ValueError):  # noqa: PT011  damage has many words
        Canvas.unpacked(packed)
