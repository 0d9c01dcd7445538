"""Finished pieces: a picture with its numbers, bounded, and never a reason to stop."""

import re
import struct
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from apps.anima import gallery as room
from apps.anima.canvas import SIZE, Canvas
from apps.anima.finished import Finished
from apps.anima.gallery import Gallery
from schemas.anima.drawings import PICTURE

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def _piece(number=0):
    return Finished(
        piece_uid=f"{number:08x}{0x89abcdef:08x}", started_at=NOW, era="field", marks=870,
        finished_at=NOW + timedelta(hours=number), completion_reason="composed", pixels=2,
        duration_seconds=12_345.0, E=0.1 + 0.2, I=1 / 3, S=0.5, V=-0.1, C=0.47, energy=0.1,
        curiosity=0.19, engagement=0.3, fatigue=0.7, satisfaction=0.75,
    )  # fmt: skip


@pytest.fixture
def canvas():
    """Two pixels in opposite corners."""
    made = Canvas()
    made.paint(0, 0, (255, 1, 2))
    made.paint(SIZE - 1, SIZE - 1, (3, 4, 255))
    return made


@pytest.fixture
def recorded():
    """What the store was given."""
    return []


@pytest.fixture
def gallery(tmp_path, recorded):
    """A gallery with a store that takes everything."""
    return Gallery(tmp_path, recorded.append)


def read_png(data):
    """Pixels and texts, read by the book (PNG 1.2): every length and checksum is looked at."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, []
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        (crc,) = struct.unpack(">I", data[at + 8 + size : at + 12 + size])
        assert crc == zlib.crc32(kind + body)
        chunks.append((kind, body))
        at += 12 + size
    assert [chunks[0][0], chunks[-1]] == [b"IHDR", (b"IEND", b"")]
    assert struct.unpack(">IIBBBBB", chunks[0][1]) == (SIZE, SIZE, 8, 2, 0, 0, 0)
    raw = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    rows = [raw[n * (SIZE * 3 + 1) : (n + 1) * (SIZE * 3 + 1)] for n in range(SIZE)]
    assert {row[0] for row in rows} == {0}
    texts = (body.decode("latin-1").split("\0") for kind, body in chunks if kind == b"tEXt")
    return [row[1:] for row in rows], dict(texts)


def _flipped(whole):
    return whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]


def test_a_picture_holds_its_pixels_and_its_numbers(tmp_path, gallery, canvas, recorded):
    """Every number comes back as it was; the row names the file."""
    gallery.take(_piece(), canvas)
    (file,) = (tmp_path / "drawings").iterdir()
    rows, texts = read_png(file.read_bytes())

    assert file.name == "20261120T120000Z-field-0000000089abcdef.png"
    assert re.fullmatch(PICTURE, file.name)
    assert file.stat().st_mode & 0o777 == 0o600
    assert recorded == [_piece()._replace(file=file.name)]
    assert (rows[0][:3], rows[-1][-3:]) == (bytes((255, 1, 2)), bytes((3, 4, 255)))
    assert not any(b"".join(rows)[3:-3])
    for name in ("E", "I", "S", "V", "C", "fatigue", "duration_seconds"):
        assert float(texts[name]) == getattr(_piece(), name)
    assert texts["completion_reason"] == "composed"
    assert texts["started_at"] == "2026-11-20 12:00:00+00:00"


def test_a_piece_that_is_put_away_twice_has_one_picture(tmp_path, gallery, canvas, recorded):
    """The power went before the canvas was cleared; the piece is finished again, later."""
    gallery.take(_piece(), canvas)
    gallery.take(_piece()._replace(finished_at=NOW + timedelta(seconds=9)), canvas)

    assert len(list((tmp_path / "drawings").iterdir())) == 1
    assert {piece.file for piece in recorded} == {"20261120T120000Z-field-0000000089abcdef.png"}
    assert recorded[0] == recorded[1], "the row has not the numbers of its picture"


@pytest.mark.parametrize("spoil", [lambda whole: whole[:-20], lambda _: b"", _flipped])
def test_a_spoilt_picture_of_a_piece_is_drawn_anew(tmp_path, gallery, canvas, recorded, spoil):
    """When the piece is put away twice; it is counted."""
    gallery.take(_piece(), canvas)
    (file,) = (tmp_path / "drawings").iterdir()
    file.write_bytes(spoil(file.read_bytes()))
    gallery.take(_piece()._replace(finished_at=NOW + timedelta(seconds=9)), canvas)
    (file,) = (tmp_path / "drawings").iterdir()

    assert read_png(file.read_bytes())[1]["finished_at"] == str(recorded[-1].finished_at)
    assert recorded[-1].file == file.name
    assert gallery.failures.counts == {"picture read": 1}


def test_a_seed_that_begins_again_draws_another_picture(tmp_path, gallery, canvas, recorded):
    """Chance repeats itself then; the second in which a piece began does not."""
    for began in (0x6B000000, 0x6B000001):
        gallery.take(_piece()._replace(piece_uid=f"{7:016x}{began:08x}"), canvas)

    assert len({piece.file for piece in recorded}) == 2
    assert len(list((tmp_path / "drawings").iterdir())) == 2


def test_what_cannot_be_saved_is_counted_and_recorded_all_the_same(
    tmp_path, gallery, canvas, recorded
):
    """A file is where the folder should be; the next piece is saved once it is gone."""
    (tmp_path / "drawings").write_text("in the way")
    gallery.take(_piece(1), canvas)
    (tmp_path / "drawings").unlink()
    gallery.take(_piece(2), canvas)

    assert gallery.failures.counts == {"picture": 1}
    assert [piece.file is None for piece in recorded] == [True, False]


def test_a_half_picture_is_never_seen(tmp_path, gallery, canvas):
    """What a kill left behind is written over by the next, and is no picture until then."""
    (tmp_path / "drawings").mkdir()
    (tmp_path / "drawings" / "picture.new").write_bytes(b"half")
    gallery.take(_piece(), canvas)

    assert [file.name for file in (tmp_path / "drawings").iterdir()] == [_piece().name]


@pytest.mark.parametrize("bound", [{"KEEP_FILES": 5}, {"KEEP_BYTES": 4_500}])
def test_the_oldest_pictures_go_and_are_counted(tmp_path, gallery, canvas, monkeypatch, bound):
    """At most so many files, at most so many bytes; the newest always stays."""
    for name, value in bound.items():
        monkeypatch.setattr(room, name, value)
    for number in range(12):
        gallery.take(_piece(number), canvas)
    left = sorted((tmp_path / "drawings").iterdir())

    assert gallery.let_go.counts == {"picture": 12 - len(left)}
    assert 1 < len(left) <= 5
    assert [file.name for file in left] == [_piece(n).name for n in range(12)][-len(left) :]
    monkeypatch.setattr(room, "KEEP_BYTES", 1)
    gallery.take(_piece(12), canvas)
    assert [file.name for file in (tmp_path / "drawings").iterdir()] == [_piece(12).name]
