"""A damaged file is mended by the next start: what comes back, what is told, what is never done."""

import json
import os
import shutil
import sqlite3
from datetime import UTC, datetime

import pytest

from apps.anima import recovery
from apps.anima.backups import Backups, kept
from apps.anima.checkin import compose, new_boot_id
from apps.anima.recovery import mark, open_or_mend, recover, trouble
from apps.anima.store import Store
from apps.migrate import runner
from apps.migrate.lines import line
from schemas.errors import Diverged, Unreachable
from tests.unit.anima.damage import ask, root, spoil

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BOOT = new_boot_id()


def _applied(path):
    return [name for (name,) in ask(path, "SELECT migration_id FROM _yoyo_migration")]


def _count(path, table):
    return ask(path, f"SELECT count(*) FROM {table}")[0][0]


def _damage_event(path):
    ((data,),) = ask(path, "SELECT data FROM events WHERE event_type = 'damage'")
    return json.loads(data)


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
    leaf = ask(path, "SELECT max(pageno) FROM dbstat WHERE name = 'drawing_history'"
                      " AND pagetype = 'leaf'")[0][0] if _has_dbstat() else None  # fmt: skip
    spoil(path, leaf or path.stat().st_size // 4096 - 3)
    facts = recover(path, "found by a test")

    after = {t: _count(path, t) for t in before}
    assert facts == _damage_event(path)
    assert facts["restored"] == [kept(path.parent)[0].path.name]
    lost = facts["lost"]
    assert before["drawing_history"] - after["drawing_history"] == lost.get("drawing_history", 0)
    assert sum(lost.values()) < 100
    assert before["state_history"] == after["state_history"]
    assert after["events"] == before["events"] + 1
    assert [id_ for (id_,) in ask(path, "SELECT id FROM outbox ORDER BY id")] == [1, 2, 3, *seqs]
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
    before = ask(path, outbox)
    path.write_bytes(os.urandom(path.stat().st_size))
    recover(path, "nothing left")

    assert ask(path, outbox) == before
    assert [id_ for id_, *_ in before] == [3, 5, 7, 8, 9, 10, 11]
    assert ask(path, "SELECT id, reason FROM outbox_rejected") == [(4, "a test")]


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

    assert [id_ for (id_,) in ask(path, "SELECT id FROM outbox ORDER BY id")] == [*seqs[1:], 4]


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
    spoil(newest, 3)
    path.write_bytes(b"x" * 8192)
    facts = recover(path, "nothing left")

    assert facts["restored"] == [first.name]
    assert _count(path, "drawing_history") == 100


def test_without_a_backup_a_new_file_is_begun_and_the_outbox_kept(path, live):
    """By the migrations; a spoiled table does not hinder the others."""
    seqs = live(300, 4)
    spoil(path, root(path, "state_history"))
    facts = recover(path, "found by a test")

    assert facts["restored"] == []
    assert [id_ for (id_,) in ask(path, "SELECT id FROM outbox ORDER BY id")] == seqs
    assert _count(path, "drawing_history") == 300
    assert _count(path, "state_history") == 0
    assert facts["lost"]["state_history"] >= 1
    assert ask(path, "SELECT total_awakenings FROM identity") == [(1,)]


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

    assert [id_ for (id_,) in ask(path, "SELECT id FROM outbox ORDER BY id")] == [*seqs, 4]


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
    spoil(path, root(path, "state_history"))
    calls, cut = [0], [1]
    whole = getattr(type(path), step)

    def killed(*args, **kwargs):
        calls[0] += 1
        if calls[0] == cut[0]:
            raise KeyboardInterrupt
        return whole(*args, **kwargs)

    monkeypatch.setattr(type(path), step, killed)
    while trouble(path) or not ask(path, "SELECT 1 FROM events WHERE event_type = 'damage'"):
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
    assert len(ask(path, "SELECT 1 FROM events WHERE event_type = 'damage'")) == 1
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


def test_a_schema_that_is_no_text_is_damage(path, live, monkeypatch):
    """SQLite quotes it in its complaint, which then is no text either."""
    live(10, 2)
    content = path.read_bytes()
    begin = content.index(b"CREATE TABLE drawing_history")
    path.write_bytes(content[:begin] + b"CREATE T\xe5BLE" + content[begin + 12 :])
    begun = []
    monkeypatch.setattr(os, "execv", lambda *told: begun.append(told))
    open_or_mend(path, Store(path, "lumen").start, lambda: False)

    assert len(begun) == 1
    assert _damage_event(path)["found"].endswith("invalid continuation byte")
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
