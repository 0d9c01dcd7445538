"""Archive and live together are everything, each row once; a damaged archive is never read over."""

import gzip
import json
import sqlite3
from contextlib import closing

import pytest

from apps.eisv import dataset, merge
from schemas.errors import Diverged

DAY_3 = "2026-11-03"


@pytest.fixture
def archives(specimen, history, tmp_path):
    """Two days in archives, the third live; the folder."""
    folder = tmp_path / "archive"
    for table in ("drawing_history", "state_history"):
        specimen.archived(history, folder, before=DAY_3, table=table)
    return folder


@pytest.mark.parametrize("window", [397, 65_536])
def test_archive_and_live_are_everything(
    *, published, history, archives, exported, monkeypatch, tmp_path, window
):
    """In the order of writing, with where each was read; however much is in memory at a time."""
    monkeypatch.setattr(merge, "WINDOW_IDS", window)
    parts = exported(history, archive=archives)
    whole = dataset.read(published, "drawing")

    assert parts.drop_columns("source").to_pylist() == whole.drop_columns("source").to_pylist()
    day_3 = [row["timestamp"].isoformat() >= DAY_3 for row in whole.to_pylist()]
    assert parts["source"].to_pylist() == ["live" if late else "archive" for late in day_3]
    parts = dataset.read(tmp_path / "data", "anima")
    whole = dataset.read(published, "anima")
    assert parts.drop_columns("source").to_pylist() == whole.drop_columns("source").to_pylist()


def test_a_row_that_is_in_both_comes_once(specimen, history, exported, tmp_path):
    """As after a crash between archiving and deleting, or after restore-archive."""
    whole = exported(history, out="whole")
    specimen.archived(history, tmp_path / "archive", before=DAY_3, delete=False)
    both = exported(history, archive=tmp_path / "archive", out="both")

    assert both.drop_columns("source").to_pylist() == whole.drop_columns("source").to_pylist()
    assert set(both["source"][:10].to_pylist()) == {"archive"}


def test_days_whose_ids_overlap_are_put_in_order(specimen, history, exported, tmp_path):
    """A clock that went back puts later ids into an earlier day."""
    whole = exported(history, out="whole")
    with closing(sqlite3.connect(history)) as db, db:
        db.execute(
            "UPDATE drawing_history SET timestamp = '2026-11-01T23' || substr(timestamp, 14)"
            " WHERE id IN (600, 601)"
        )
    specimen.archived(history, tmp_path / "archive", before=DAY_3)
    parts = exported(history, archive=tmp_path / "archive", out="parts")

    assert parts["id"].to_pylist() == whole["id"].to_pylist()


def test_what_has_no_manifest_is_no_archive(three_days, history, archives, exported):
    """The manifest is written last: the Pi still has those rows, or will make the file anew."""
    manifest = archives / "drawing_history" / "drawing_history-2026-11-01.json"
    rows = json.loads(manifest.read_text())["rows"]
    manifest.unlink()
    whole = exported(three_days, out="whole")

    assert exported(history, archive=archives).num_rows == whole.num_rows - rows


def test_an_archive_outside_the_span_is_not_read(history, archives, abode, tmp_path):
    """A damaged one of last year is no reason to refuse this week; and its rows are no gap."""
    path = archives / "drawing_history" / "drawing_history-2026-11-01.csv.gz"
    path.write_bytes(b"torn")
    words = ("eisv", "export", "--file", history, "--archive", archives, "--out", tmp_path / "d")

    code, said, _ = abode(*words, "--from", "2026-11-02T00:00Z", "--series", "drawing")
    assert (code, "1 gap" in said) == (0, True)
    assert abode(*words, "--force")[0] == 4


def flip(packed, manifest):
    """One bit of the packed bytes."""
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 4
    packed.write_bytes(content)


def cut(packed, manifest):
    """The end is missing."""
    packed.write_bytes(packed.read_bytes()[:-100])


def swap(packed, manifest):
    """Another day's rows."""
    packed.write_bytes(packed.with_name("drawing_history-2026-11-02.csv.gz").read_bytes())


def edit(packed, manifest):
    """One digit, packed again as it should be: only the hash tells."""
    text = gzip.decompress(packed.read_bytes())
    packed.write_bytes(gzip.compress(text.replace(b"0.4", b"0.5", 1)))


def lose(packed, manifest):
    """The file is gone, its manifest stays."""
    packed.unlink()


def miscount(packed, manifest):
    """The manifest speaks of another number of rows."""
    said = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**said, "rows": said["rows"] + 1}))


@pytest.mark.parametrize("harm", [flip, cut, swap, edit, lose, miscount])
def test_a_damaged_archive_is_named(*, history, archives, exported, abode, tmp_path, harm):
    """Exit 4, the file, and what can be done; nothing is written."""
    packed = archives / "drawing_history" / "drawing_history-2026-11-01.csv.gz"
    harm(packed, packed.with_name("drawing_history-2026-11-01.json"))
    words = ("eisv", "export", "--file", history, "--archive", archives, "--out", tmp_path / "d")

    code, _, said = abode(*words)
    assert (code, said.startswith(f"{packed}: "), "--skip-damaged" in said) == (4, True, True)
    assert not (tmp_path / "d").exists()


def test_a_manifest_that_cannot_be_read_is_named(history, archives, exported):
    """Whatever lies beside it."""
    manifest = archives / "drawing_history" / "drawing_history-2026-11-01.json"
    manifest.write_text("{")

    with pytest.raises(Diverged, match=str(manifest)):
        exported(history, archive=archives)


@pytest.mark.parametrize("day", ["2026-11-01", "2026-11-02"])
def test_what_is_skipped_is_a_gap(*, three_days, history, archives, abode, exported, tmp_path, day):
    """With how many rows are missing: at the beginning of the series, and inside."""
    packed = archives / "drawing_history" / f"drawing_history-{day}.csv.gz"
    lost = json.loads(packed.with_name(f"drawing_history-{day}.json").read_text())["rows"]
    flip(packed, None)
    out = tmp_path / "data"
    code, said, _ = abode(
        "eisv", "export", "--file", history, "--archive", archives, "--out", out, "--skip-damaged",
        "--series", "drawing",
    )  # fmt: skip

    assert code == 0
    assert said.startswith(f"drawing: {1126 - lost} rows")
    gaps = [gap for gap in dataset.read(out, "gaps").to_pylist() if "damaged" in gap["why"]]
    assert [(gap["missing"], gap["why"]) for gap in gaps] == [(lost, f"damaged: {packed}")]
    assert gaps[0]["seconds"] > 3600 * 10


def test_text_of_every_kind_survives_the_archive(specimen, history, exported, tmp_path):
    """Commas, quotes, ends of lines, nothing at all."""
    with closing(sqlite3.connect(history)) as db, db:
        # A hundred thousand lines in one cell: more than the reader takes at a time.
        many = {f"sensor {n}": 'a "b", c' for n in range(100_000)}
        odd = json.dumps({"cpu_temp_c": 51.25, "sources": many}, indent=1)
        db.execute("UPDATE state_history SET sensors = ? WHERE id = 1", (odd,))
        db.execute("UPDATE drawing_history SET era = NULL, energy = NULL WHERE id = 1")
    whole = exported(history, "anima", out="whole")
    drawn = exported(history, out="whole")
    for table in ("drawing_history", "state_history"):
        specimen.archived(history, tmp_path / "archive", before=DAY_3, table=table)
    parts = exported(history, "anima", archive=tmp_path / "archive", out="parts")

    assert parts.drop_columns("source").to_pylist() == whole.drop_columns("source").to_pylist()
    assert parts["cpu_temp_c"][0].as_py() == 51.25
    parts = exported(history, archive=tmp_path / "archive", out="parts")
    assert parts.drop_columns("source").to_pylist() == drawn.drop_columns("source").to_pylist()
    assert (parts["era"][0].as_py(), parts["energy"][0].as_py()) == (None, None)
