"""A damaged file is mended by the next start: what comes back, what is told, what is never done."""

import json
import os
import shutil
import sqlite3
from datetime import UTC, datetime

import pytest

from apps.anima import archives, recovery
from apps.anima.archives import Archive
from apps.anima.backups import Backups, kept
from apps.anima.checkin import compose, new_boot_id
from apps.anima.recovery import mark, open_or_mend, recover, trouble
from apps.anima.retiming import STAMPS, moved_by
from apps.anima.store import Store
from apps.migrate import runner
from apps.migrate.lines import line
from schemas.anima.tables import AnimaState
from schemas.errors import Diverged, Unreachable
from tests.unit.anima.house_time import World

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BOOT = new_boot_id()


@pytest.fixture
def live(path, anima, drawing_state):
    """Fills a file through the store: rows of history, check-ins, a wake."""

    def fill(rows, check_ins=0):
        store = Store(path, "lumen")
        store.start()
        store.wake(NOW)
        feeling = AnimaState.model_validate({"timestamp": NOW, **anima.model_dump()})
        for marks in range(rows):
            store.record_state(feeling)
            last = store.record_drawing_state(drawing_state(marks))
            if marks % 200 == 199:
                last.result(10)
        build = compose("lumen", BOOT, NOW, anima=anima, readings=[], dropped=0)
        seqs = [store.enqueue_checkin(BOOT, NOW, build) for _ in range(check_ins)]
        assert store.close(10)
        return seqs

    return fill


def _ask(path, sql):
    db = sqlite3.connect(path)
    rows = db.execute(sql).fetchall()
    db.close()
    return rows


def _applied(path):
    return [name for (name,) in _ask(path, "SELECT migration_id FROM _yoyo_migration")]


def _count(path, table):
    return _ask(path, f"SELECT count(*) FROM {table}")[0][0]


def _damage_event(path):
    ((data,),) = _ask(path, "SELECT data FROM events WHERE event_type = 'damage'")
    return json.loads(data)


def _root(path, table):
    return _ask(path, f"SELECT rootpage FROM sqlite_schema WHERE name = '{table}'")[0][0]


def _spoil(path, page, what=None):
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = what or os.urandom(4096)
    path.write_bytes(content)


def test_a_whole_file_is_no_trouble(path, live):
    """Nor is a log that a kill left behind."""
    live(50)
    assert trouble(path) is None
    shutil.copytree(path.parent, path.parent / "killed")
    store = Store(path, "lumen")
    store.start()
    store.wake(NOW)
    killed = shutil.copytree(path.parent, path.parent.with_name("killed")) / "anima.db"
    assert store.close(5)

    assert killed.with_name("anima.db-wal").stat().st_size > 0
    assert trouble(killed) is None


def test_what_the_backup_has_not_is_salvaged(path, live):
    """A page of the newest rows is lost, and told; all others are there, ids and all."""
    live(1500, 3)
    Backups(path).make(NOW)
    seqs = live(1500, 2)
    before = {t: _count(path, t) for t in ("drawing_history", "state_history", "events")}
    leaf = _ask(path, "SELECT max(pageno) FROM dbstat WHERE name = 'drawing_history'"
                      " AND pagetype = 'leaf'")[0][0] if _has_dbstat() else None  # fmt: skip
    _spoil(path, leaf or path.stat().st_size // 4096 - 3)
    facts = recover(path, "found by a test")

    after = {t: _count(path, t) for t in before}
    assert facts == _damage_event(path)
    assert facts["restored"] == [kept(path.parent)[0].path.name]
    lost = facts["lost"]
    assert before["drawing_history"] - after["drawing_history"] == lost.get("drawing_history", 0)
    assert sum(lost.values()) < 100
    assert before["state_history"] == after["state_history"]
    assert after["events"] == before["events"] + 1
    assert [id_ for (id_,) in _ask(path, "SELECT id FROM outbox ORDER BY id")] == [1, 2, 3, *seqs]
    assert trouble(path) is None


def _has_dbstat():
    try:
        sqlite3.connect(":memory:").execute("SELECT count(*) FROM dbstat")
    except sqlite3.OperationalError:
        return False
    return True


def test_a_part_is_put_on_its_whole_backup(path, live):
    """Nothing can be read any more: the day's copy and the hour's bring all back but the newest."""
    live(100, 1)
    Backups(path).make(NOW)
    live(50, 1)
    Backups(path).make(NOW)
    rows = _count(path, "drawing_history")
    live(5)
    path.write_bytes(os.urandom(path.stat().st_size))
    found = trouble(path)
    facts = recover(path, found)

    assert "header" in found
    assert len(facts["restored"]) == 2
    assert _count(path, "drawing_history") == rows == 150
    assert _count(path, "outbox") == 2


def test_the_outbox_comes_back_as_the_part_saw_it(path, live):
    """New and thinned check-ins, no acknowledged one; a rejected one is in one place alone."""
    live(1, 8)
    Backups(path).make(NOW)
    live(1, 3)
    db = sqlite3.connect(path)
    db.execute("INSERT INTO outbox_rejected (id, boot_id, recorded_at, body, rejected_at, reason)"
               " SELECT id, boot_id, recorded_at, body, recorded_at, 'a test' FROM outbox"
               " WHERE id = 4")  # fmt: skip
    db.execute("DELETE FROM outbox WHERE id IN (1, 2, 4, 6)")
    db.execute("UPDATE outbox SET body = '{\"lean\": 1}', attempts = 2 WHERE id = 5")
    db.commit()
    db.close()
    Backups(path).make(NOW)
    outbox = "SELECT id, recorded_at, body, attempts FROM outbox ORDER BY id"
    before = _ask(path, outbox)
    path.write_bytes(os.urandom(path.stat().st_size))
    recover(path, "nothing left")

    assert _ask(path, outbox) == before
    assert [id_ for id_, *_ in before] == [3, 5, 7, 8, 9, 10, 11]
    assert _ask(path, "SELECT id, reason FROM outbox_rejected") == [(4, "a test")]


def test_a_part_of_an_earlier_release_has_the_whole_outbox(path, live):
    """One that tells no ids: then its rows are all that there were."""
    seqs = live(1, 3)
    Backups(path).make(NOW)
    live(1, 1)
    db = sqlite3.connect(path)
    db.execute("DELETE FROM outbox WHERE id = 1")
    db.commit()
    db.close()
    part = sqlite3.connect(Backups(path).make(NOW).path)
    part.execute("ATTACH ? AS now", (str(path),))
    part.execute("INSERT OR REPLACE INTO main.outbox SELECT * FROM now.outbox")
    part.execute("DROP TABLE main.outbox_ids")
    part.commit()
    part.close()
    path.write_bytes(b"x" * 8192)
    recover(path, "nothing left")

    assert [id_ for (id_,) in _ask(path, "SELECT id FROM outbox ORDER BY id")] == [*seqs[1:], 4]


def test_a_damaged_backup_is_passed_over(path, live):
    """The one before it is taken, and it is said."""
    live(100)
    Backups(path).make(NOW)
    first = kept(path.parent)[0].path
    os.utime(first, (1, 1))
    live(100)
    Backups(path).make(NOW)
    newest = kept(path.parent)[0].path
    assert ".whole." in newest.name
    _spoil(newest, 3)
    path.write_bytes(b"x" * 8192)
    facts = recover(path, "nothing left")

    assert facts["restored"] == [first.name]
    assert _count(path, "drawing_history") == 100


def test_without_a_backup_a_new_file_is_begun_and_the_outbox_kept(path, live):
    """By the migrations; a spoiled table does not hinder the others."""
    seqs = live(300, 4)
    _spoil(path, _root(path, "state_history"))
    facts = recover(path, "found by a test")

    assert facts["restored"] == []
    assert [id_ for (id_,) in _ask(path, "SELECT id FROM outbox ORDER BY id")] == seqs
    assert _count(path, "drawing_history") == 300
    assert _count(path, "state_history") == 0
    assert facts["lost"]["state_history"] >= 1
    assert _ask(path, "SELECT total_awakenings FROM identity") == [(1,)]


def test_what_the_backup_owes_is_owed_again(path, live):
    """Damage may look like an empty table: what was acknowledged since is a repeat on the Mac."""
    seqs = live(10, 3)
    Backups(path).make(NOW)
    live(10, 1)
    db = sqlite3.connect(path)
    db.execute("DELETE FROM outbox WHERE id <= 3")
    db.commit()
    db.close()
    recover(path, "found by a test")

    assert [id_ for (id_,) in _ask(path, "SELECT id FROM outbox ORDER BY id")] == [*seqs, 4]


def _archive(path, table, ids, **changes):
    """An archive of rows that are in the file, as retention would write it."""
    db = sqlite3.connect(path)
    rows = db.execute(
        f"SELECT * FROM {table} WHERE id BETWEEN ? AND ? ORDER BY id", (ids[0], ids[-1])
    ).fetchall()
    columns = tuple(
        name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))
    )
    db.close()
    draft = Archive(
        table=table, day=NOW.date().isoformat(), columns=columns, rows=0, first_id=0, last_id=0,
        from_at="", upto_at="", sha256="", size_bytes=0, schema_version=None, made_at="", **changes,
    )  # fmt: skip
    return archives.write(path.parent, draft, rows, lambda row: row[1])


def _ids(path, table):
    return [id_ for (id_,) in _ask(path, f"SELECT id FROM {table} ORDER BY id")]


def test_what_was_archived_since_the_backup_does_not_come_back(path, live):
    """Every row of it that is just as the archive has it."""
    live(300)
    Backups(path).make(NOW)
    _archive(path, "drawing_history", range(1, 251))
    recover(path, "found by a test")

    assert _ids(path, "drawing_history") == list(range(251, 301))
    assert len(_ids(path, "state_history")) == 300


def test_a_row_is_deleted_only_if_the_archive_has_it_just_so(path, live, capsys):
    """One with an archived id and other values was never archived: it stays, and it is said."""
    live(300)
    _archive(path, "drawing_history", range(1, 251))
    db = sqlite3.connect(path)
    db.execute("UPDATE drawing_history SET marks = marks + 1 WHERE id BETWEEN 120 AND 300")
    db.commit()
    db.close()
    recover(path, "found by a test")

    assert _ids(path, "drawing_history") == list(range(101, 301))
    assert "archived rows kept" in capsys.readouterr().out


@pytest.mark.parametrize("end", [".csv.gz", ".json"])
def test_for_a_spoilt_archive_no_row_is_deleted(path, live, capsys, end):
    """The backup may be the only place where its rows are."""
    live(100)
    archive = _archive(path, "drawing_history", range(1, 101))
    spoilt = archives.place(path.parent, archive).with_name(f"{archive.name}{end}")
    content = bytearray(spoilt.read_bytes())
    content[len(content) // 2] ^= 0xFF
    spoilt.write_bytes(content)
    recover(path, "found by a test")

    assert len(_ids(path, "drawing_history")) == 100
    assert archive.name in capsys.readouterr().out


def test_no_id_of_an_archive_is_given_again(path, live):
    """The file is gone, no backup is there: what is written then survives the next damage."""
    live(1)
    db = sqlite3.connect(path)
    db.execute("UPDATE sqlite_sequence SET seq = 5000000 WHERE name = 'state_history'")
    db.commit()
    db.close()
    live(60)
    archive = _archive(path, "state_history", range(5_000_001, 5_000_061))
    path.unlink()
    recover(path, "gone")
    live(30)
    new = _ids(path, "state_history")
    recover(path, "found by a test")

    assert new[0] > 1_000_000 + archive.last_id
    assert _ids(path, "state_history") == new
    assert len(new) == 30


@pytest.fixture
def moved(path, drawing_state):
    """A life in which an authority was heard between two backups; gives every row's time."""
    World.pretend_made(path, datetime(2020, 1, 1, tzinfo=UTC))
    world = World(path, NOW, drawing_state)
    world.power_on()
    world.ntp()
    world.live(45)
    world.power_cut(600)
    world.power_on(wall=datetime(2020, 1, 2, tzinfo=UTC))
    world.live(65)
    Backups(path).make(NOW)
    world.ntp()
    world.live(45)
    Backups(path).make(NOW)
    world.live(20)
    yield world
    world.stop()


def _times(path):
    """Of every row that the clock moves, by table and id; and the shifts."""
    found = {"shifts": _ask(path, "SELECT id, next_id, shift_microseconds FROM clock_shifts")}
    for table, stamp in STAMPS.items():
        only = "WHERE event_type <> 'damage'" if table == "events" else ""
        found |= {
            (table, id_): at for id_, at in _ask(path, f"SELECT rowid, {stamp} FROM {table} {only}")
        }
    found |= dict(_ask(path, "SELECT -id, started_at FROM drawing_records"))
    return found


def test_a_backup_gets_the_times_that_rows_were_moved_to(path, moved):
    """What never changes is taken from it, but for the time; the shifts are there once."""
    moved.stop()
    before = _times(path)
    _spoil(path, _root(path, "goals"))
    facts = recover(path, "found by a test")

    assert len(facts["restored"]) == 2
    assert len(before["shifts"]) > 1
    assert _times(path) == before


@pytest.mark.parametrize("lost", ["state_history", "drawing_records", "outbox", "events"])
def test_rows_that_only_the_whole_backup_has_are_moved(path, moved, lost):
    """The file tells how far, if nothing else; a piece keeps a start that lies before its boot."""
    moved.stop()
    before = _times(path)
    for part in [each for each in kept(path.parent) if each.base]:
        part.path.unlink()
    _spoil(path, _root(path, lost))
    recover(path, "found by a test")
    after = _times(path)

    assert after["shifts"] == before["shifts"]
    assert sum(key[0] == lost for key in after if isinstance(key, tuple)) > 1
    assert after == {key: before[key] for key in after}


def test_a_part_moves_the_rows_of_its_whole_backup(path, moved):
    """The file is gone: every row that comes back has its time."""
    moved.stop()
    before = _times(path)
    path.unlink()
    recover(path, "gone")
    after = _times(path)

    assert after["shifts"] == before["shifts"]
    assert len(after) > len(before) - 20
    assert after == {key: before[key] for key in after}


def test_rows_that_were_being_moved_are_moved_on(path, moved):
    """Each of them once: the damage came between, and the next start goes on."""
    moved.stop()
    before = _times(path)
    db = sqlite3.connect(path)
    db.create_function("moved_by", 2, moved_by)
    for table, stamp in STAMPS.items():
        (shift,) = db.execute(
            "SELECT max(shift_microseconds) FROM clock_shifts WHERE table_name = ?", (table,)
        ).fetchone()
        which = "table_name = ? AND shift_microseconds = ?"
        (low, high) = db.execute(
            f"SELECT from_id, upto_id FROM clock_shifts WHERE {which}", (table, shift)
        ).fetchone()
        middle = (low + high) // 2
        db.execute(f"UPDATE clock_shifts SET next_id = {middle} WHERE {which}", (table, shift))
        begun = ", started_at = moved_by(started_at, :by)" if table == "drawing_records" else ""
        db.execute(
            f"UPDATE {table} SET {stamp} = moved_by({stamp}, :by){begun}"
            " WHERE rowid BETWEEN :low AND :high",
            {"by": -shift, "low": middle, "high": high},
        )
    db.commit()
    db.close()
    for part in [each for each in kept(path.parent) if each.base]:
        part.path.unlink()
    _spoil(path, _root(path, "goals"))
    recover(path, "found by a test")
    assert _times(path) != before
    moved.wake()
    moved.stop()
    after = _times(path)

    assert {key: after[key] for key in before} == before


def test_no_id_is_given_twice(path, live, anima):
    """Whatever was lost: the next seq is far above all that were given."""
    seqs = live(10, 5)
    Backups(path).make(NOW)
    seqs += live(10, 5)
    path.write_bytes(b"")
    recover(path, trouble(path))
    store = Store(path, "lumen")
    store.start()
    build = compose("lumen", BOOT, NOW, anima=anima, readings=[], dropped=0)
    seq = store.enqueue_checkin(BOOT, NOW, build)
    assert store.close(5)

    assert seq > max(seqs)
    assert seq > 1_000_000


def test_an_empty_or_missing_file_is_trouble_only_for_who_has_lived(path, live):
    """A board that was never migrated is told to be deployed; one that lost its file is mended."""
    path.write_bytes(b"")
    assert trouble(path) is None
    path.with_name("canvas.json").write_text("{}")
    assert "empty" in trouble(path)
    path.unlink()
    assert "gone" in trouble(path)
    recover(path, "gone")

    assert _count(path, "drawing_history") == 0
    assert _damage_event(path)["aside"] is None


@pytest.mark.parametrize(("step", "stride"), [("hardlink_to", 1), ("unlink", 5), ("replace", 1)])
def test_a_recovery_that_was_cut_short_is_begun_again(path, live, monkeypatch, step, stride):
    """Killed at any of its steps, the next one ends with the same rows, from the same file."""
    live(200, 2)
    Backups(path).make(NOW)
    live(20, 1)
    _spoil(path, _root(path, "state_history"))
    calls, cut = [0], [1]
    whole = getattr(type(path), step)

    def killed(*args, **kwargs):
        calls[0] += 1
        if calls[0] == cut[0]:
            raise KeyboardInterrupt
        return whole(*args, **kwargs)

    monkeypatch.setattr(type(path), step, killed)
    while trouble(path) or not _ask(path, "SELECT 1 FROM events WHERE event_type = 'damage'"):
        calls[0] = 0
        try:
            recover(path, trouble(path) or "found by a test")
        except KeyboardInterrupt:
            cut[0] += stride
    monkeypatch.undo()

    assert cut[0] > 1
    assert not path.with_name("anima.db.damage").exists()
    assert _count(path, "drawing_history") == 220
    assert _count(path, "outbox") == 3
    assert len(_ask(path, "SELECT 1 FROM events WHERE event_type = 'damage'")) == 1
    assert [p.name for p in path.parent.glob("*damaged*") if "wal" not in p.name] == [
        "anima.db.damaged-1"
    ]


def test_damaged_files_are_kept_under_new_names_and_not_for_ever(path, live):
    """Two of them, the newest; a name is never used again."""
    live(10)
    for _ in range(4):
        recover(path, "again")
    names = sorted(p.name for p in path.parent.glob("*damaged*") if "-wal" not in p.name)

    assert names == ["anima.db.damaged-3", "anima.db.damaged-4"]


@pytest.mark.parametrize(
    "code",
    [sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN],
)
def test_trouble_of_the_disk_is_never_taken_for_damage(path, live, code):
    """Nothing is set aside, nothing is restored: it is tried again."""
    live(10)

    def start():
        error = sqlite3.OperationalError("trouble")
        error.sqlite_errorcode = code
        raise Unreachable("trouble") from error

    with pytest.raises(Unreachable):
        open_or_mend(path, start, lambda: False)
    assert not list(path.parent.glob("*damage*"))


def test_a_file_of_another_release_is_not_damage(path, live):
    """A missing migration is for a deploy."""
    db = sqlite3.connect(path)
    db.execute("DELETE FROM _yoyo_migration WHERE migration_id > '0006'")
    db.commit()
    db.close()
    store = Store(path, "lumen")

    with pytest.raises(Diverged, match="is missing"):
        open_or_mend(path, store.start, lambda: False)
    assert not list(path.parent.glob("*damage*"))


def test_a_ledger_with_a_hole_is_damage(path, monkeypatch):
    """No deploy leaves one: a flipped bit does."""
    db = sqlite3.connect(path)
    db.execute("UPDATE _yoyo_migration SET migration_id = '0003.create-drawinghhistory'"
               " WHERE migration_id LIKE '0003%'")  # fmt: skip
    db.commit()
    db.close()
    begun = []
    monkeypatch.setattr(os, "execv", lambda *told: begun.append(told))
    open_or_mend(path, Store(path, "lumen").start, lambda: False)

    assert len(begun) == 1
    store = Store(path, "lumen")
    store.start()
    assert store.close(5)


def test_a_full_disk_gives_the_ballast_for_the_recovery(path, live, monkeypatch):
    """Once; then it is tried again at the next start."""
    live(10)
    mark(path, "a test")
    said = []

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recovery, "recover", full)
    with pytest.raises(Unreachable, match="not mended"):
        open_or_mend(path, lambda: None, lambda: said.append(1) or True)
    assert said == [1]
    assert trouble(path) == "a test"


def test_an_older_backup_is_brought_to_this_release(path, live):
    """A deploy came after it: the migrations it lacks are applied to the copy."""
    live(10)
    Backups(path).make(NOW)
    copy = kept(path.parent)[0].path
    runner.rollback(line("anima"), str(copy), steps=1)
    assert line("anima").migrations()[-1] not in _applied(copy)
    path.write_bytes(b"")
    recover(path, "gone")

    assert _count(path, "drawing_history") == 10
    assert line("anima").migrations()[-1] in _applied(path)
