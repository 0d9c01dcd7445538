"""What leaves anima.db lies in an archive first; nothing is lost, doubled or deleted too early."""

import gzip
import json
import os
import signal
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apps.anima import archives, retention
from apps.anima.restore import list_archives, restore_archive
from apps.anima.retention import KEEP_DAYS, Retention
from apps.ops.cli import app
from schemas.errors import Diverged, Refused
from tests.unit.anima.house_time import START, five_days

ROOT = Path(__file__).parents[3]


@pytest.fixture
def world(path, drawing_state):
    """A board that is on and knows the time, five days of rows ago."""
    yield from five_days(path, drawing_state)


def keeper(world, **more):
    """The retention of the process that lives."""
    made = Retention(world.store, world.retiming, world.clock, world.path.parent, **more)
    made.rest_seconds = 0
    return made


def everything(world):
    """Every row of the three tables, from the file and from the archives, by table and id."""
    found = {}
    db = sqlite3.connect(world.path)
    for table in KEEP_DAYS:
        rows = db.execute(f"SELECT * FROM {table}").fetchall()
        for archive in archives.listed(world.path.parent, table):
            archives.verify(world.path.parent, archive)
            if archive.held_until is None:
                lines = archives.lines_of(world.path.parent, archive)
                rows += [archives.values(line) for line in lines]
        found[table] = sorted(rows)
        assert len({row[0] for row in rows}) == len(rows), "a row is there twice"
    db.close()
    return found


def home(world):
    """The environment of somebody on the Pi."""
    return {"ANIMA_HOME": str(world.path.parent)}


def live(world, table="state_history"):
    """Rows in the file."""
    db = sqlite3.connect(world.path)
    count = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    db.close()
    return count


def test_keep_days_are_declared_once():
    """Thirty for each of the three; the models say so and nobody else does."""
    assert KEEP_DAYS == {"drawing_history": 30, "state_history": 30, "trajectory_events": 30}


def test_young_rows_stay(world):
    """Nothing is thirty days old yet."""
    before = everything(world)
    keeper(world).run()

    assert not archives.listed(world.path.parent)
    assert everything(world) == before
    assert live(world) == len(before["state_history"])


def test_old_days_are_archived_whole_and_can_be_read_by_anyone(world):
    """The day thirty days ago stays; the days before it are in files that gunzip and csv know."""
    before = everything(world)
    world.skip(days=27)
    kept = keeper(world)
    kept.run()
    days = [archive.day for archive in archives.listed(world.path.parent, "state_history")]

    assert days == ["2026-10-05", "2026-10-06"]
    assert everything(world) == before
    assert not kept.failures.counts
    archive = archives.listed(world.path.parent, "drawing_history")[0]
    folder = world.path.parent / "archive/drawing_history"
    text = gzip.decompress((folder / "drawing_history-2026-10-05.csv.gz").read_bytes()).decode()
    told = json.loads((folder / "drawing_history-2026-10-05.json").read_text())
    assert text.startswith('"id","timestamp","E","I","S","V","C"')
    assert text.count("\r\n") == archive.rows + 1 == told["rows"] + 1
    assert told["from_at"][:10] == told["upto_at"][:10] == told["day"] == "2026-10-05"
    assert told["schema_version"] == len(list(ROOT.glob("migrations/anima/*.rollback.sql")))
    assert archives.size_bytes(world.path.parent) > told["size_bytes"]
    kept.run()
    assert everything(world) == before


def test_nothing_is_deleted_while_the_clock_is_not_known(world, monkeypatch):
    """A clock a year ahead must not empty the file."""
    before = live(world)
    world.power_cut()
    world.power_on(wall=START + timedelta(days=365))
    kept = keeper(world)
    kept.turn()

    assert kept._thread is None
    assert live(world) == before
    world.ntp()
    world.live(1)
    kept.turn()
    kept._thread.join(10)
    assert live(world) == before


def test_rows_of_a_boot_that_never_knew_the_time_are_as_young_as_can_be(world):
    """They say the fifth of October; they may have been written just before the power came back."""
    world.power_cut()
    world.power_on(wall=datetime(1970, 1, 1, tzinfo=UTC))
    world.live(60)
    before = everything(world)
    world.power_cut(away=40 * 86_400)
    world.power_on()
    world.ntp()
    world.live(2)
    keeper(world).run()
    young = [row for row in world.rows["state_history"] if row.boot == 2]
    assert live(world) == len(young)
    assert everything(world) == before

    world.skip(days=31)
    keeper(world).run()
    assert live(world) == 0
    assert everything(world) == before


def test_archives_may_take_so_many_bytes_and_no_archive_is_ever_deleted(world, capsys):
    """Then nothing is deleted any more, and it is said."""
    before = everything(world)
    world.skip(days=40)
    kept = keeper(world, limit_bytes=1)
    kept.run()
    assert len(archives.listed(world.path.parent)) == 1
    assert everything(world) == before
    assert kept.failures.counts["archive limit"] == 2 + 1
    assert "ANIMA_ARCHIVE_LIMIT_BYTES" in capsys.readouterr().out


def test_an_archive_that_is_not_what_was_written_is_refused(world):
    """One byte is enough: nothing is put back, nothing is deleted for it."""
    world.skip(days=40)
    keeper(world).run()
    folder = world.path.parent / "archive/state_history"
    data = folder / "state_history-2026-10-06.csv.gz"
    whole = data.read_bytes()
    for at in (20, len(whole) // 2, len(whole) - 5):
        data.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(Diverged):
            restore_archive(home(world), ["state_history", "2026-10-06"], world.truth)
    for torn in (whole[:-1], whole[:100], b"", whole + b"x", whole + whole):
        data.write_bytes(torn)
        with pytest.raises(Diverged):
            restore_archive(home(world), ["state_history", "2026-10-06"], world.truth)
    data.write_bytes(whole)
    manifest = folder / "state_history-2026-10-06.json"
    told = json.loads(manifest.read_text())
    for change in (
        {"rows": 3},
        {"sha256": "0" * 64},
        {"first_id": 1},
        {"table": "events"},
        {"x": 1},
    ):
        manifest.write_text(json.dumps(told | change))
        with pytest.raises(Diverged):
            restore_archive(home(world), ["state_history", "2026-10-06"], world.truth)
    assert live(world) == 0


def test_a_row_that_was_changed_is_not_deleted(world):
    """Somebody wrote into the file by hand: archive and row both stay, and it is counted."""
    world.skip(days=40)
    keeper(world).run()
    restore_archive(home(world), ["state_history", "2026-10-06", "--hold", "1"], world.truth)
    rows = live(world)
    db = sqlite3.connect(world.path)
    db.execute(
        "UPDATE state_history SET warmth = 0.123 WHERE id = (SELECT min(id) FROM state_history)"
    )
    db.commit()
    db.close()
    world.skip(days=2)
    kept = keeper(world)
    kept.run()

    assert live(world) == rows
    assert kept.failures.counts == {"archive of state_history": 1}
    with pytest.raises(Diverged, match="is not as it was archived"):
        restore_archive(home(world), ["state_history", "2026-10-06"], world.truth)


def test_restored_rows_come_back_stay_for_their_time_and_go_again(world, capsys):
    """Under their ids, twice is once, and no second archive is made of them."""
    before = everything(world)
    world.skip(days=40)
    keeper(world).run()
    made = archives.listed(world.path.parent)
    assert live(world, "drawing_history") == 0
    restore_archive(
        home(world), ["drawing_history", "2026-10-06", "2026-10-07", "--hold", "3"], world.truth
    )
    rows = live(world, "drawing_history")
    assert rows == sum(a.rows for a in made if a.table == "drawing_history"
                       and a.day in {"2026-10-06", "2026-10-07"})  # fmt: skip
    restore_archive(
        home(world), ["drawing_history", "2026-10-06", "2026-10-07", "--hold", "3"], world.truth
    )
    assert live(world, "drawing_history") == rows
    keeper(world).run()
    assert live(world, "drawing_history") == rows
    assert everything(world) == before

    capsys.readouterr()
    list_archives(home(world), world.truth)
    told = json.loads(capsys.readouterr().out)
    assert [a["day"] for a in told["archives"] if a["held_until"]] == ["2026-10-06", "2026-10-07"]
    assert told["size_bytes"] == archives.size_bytes(world.path.parent)
    world.skip(days=4)
    keeper(world).run()
    assert live(world, "drawing_history") == 0
    assert [a._replace(held_until=None) for a in archives.listed(world.path.parent)] == made


@pytest.mark.parametrize(
    "words",
    [[], ["state_history"], ["outbox", "2026-10-06"], ["state_history", "yesterday"],
     ["state_history", "2026-10-06", "--hold"], ["state_history", "2026-10-06", "--hold", "-1"],
     ["state_history", "2026-09-06"]],
)  # fmt: skip
def test_what_cannot_be_restored_is_refused(world, words):
    """No table, no day, no such archive, no time to hold it."""
    with pytest.raises(Refused):
        restore_archive(home(world), words, world.truth)


MOMENTS = 232
"""So often, or oftener, such a process touches the disk."""


def die_at(moment):
    """From now on this process is killed at its so-manieth touch of the disk."""
    count = 0

    def counted(of):
        def step(*args, **kwargs):
            nonlocal count
            count += 1
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return of(*args, **kwargs)

        return step

    os.fsync, os.open = counted(os.fsync), counted(os.open)
    Path.replace, Path.unlink = counted(Path.replace), counted(Path.unlink)
    retention.remove = counted(retention.remove)
    retention.ROWS_AT_ONCE = 5


def a_process(world, moment):
    """One that archives, in a child of ours, killed at a moment; whether it came to its end."""
    child = os.fork()
    if not child:
        try:
            die_at(moment)
            world.wake()
            kept = keeper(world)
            kept.run()
            os._exit(0 if not kept.failures.counts else 3)
        finally:
            os._exit(4)
    _, status = os.waitpid(child, 0)
    assert status in {0, int(signal.SIGKILL)}
    return not status


@pytest.mark.parametrize("seed", range(int(os.environ.get("ABODE_ARCHIVE_KILLS", "12"))))
def test_kill_9_at_any_moment_loses_nothing_and_doubles_nothing(world, seed):
    """Before and after each sync, each rename and each deletion; the next run finishes it."""
    before = everything(world)
    world.skip(days=40)
    world.stop()
    assert not a_process(world, 1 + seed * 11 % MOMENTS)
    assert covered(world, before)
    assert a_process(world, 0)

    assert everything(world) == before
    assert live(world) == 0


def covered(world, before):
    """Every row is in the file, or in an archive with a manifest, or for the moment in both."""
    db = sqlite3.connect(world.path)
    for table, rows in before.items():
        found = set(db.execute(f"SELECT * FROM {table}").fetchall())
        for archive in archives.listed(world.path.parent, table):
            archives.verify(world.path.parent, archive)
            found |= {
                archives.values(line) for line in archives.lines_of(world.path.parent, archive)
            }
        if set(rows) != found:
            return False
    db.close()
    return True


def test_deleting_some_rows_keeps_the_writer_for_milliseconds_only(world, monkeypatch):
    """Each transaction is some rows; what waits behind it waits for no more than that."""
    took = []
    real = retention.remove

    def timed(*args, **kwargs):
        began = time.thread_time()
        real(*args, **kwargs)
        took.append(time.thread_time() - began)

    monkeypatch.setattr(retention, "remove", timed)
    for _ in range(3):
        world.live(1400)
    world.skip(days=40)
    keeper(world).run()

    assert max(took) < 0.010


def test_no_archive_is_a_sentence_and_no_table(world):
    """What there is none of has no columns; ``--json`` is the object that it always is."""
    here = ["--home", str(world.path.parent)]
    listed = CliRunner().invoke(app, ["anima", "archives", *here])
    told = json.loads(CliRunner().invoke(app, ["anima", "archives", "--json", *here]).output)

    assert listed.output == "nothing is archived yet: a row is when it is 30 days old\n"
    assert told == {"size_bytes": 0, "archives": []}


def test_the_operator_lists_archives_and_brings_days_back(world, monkeypatch, capfd):
    """``abode anima``, with a home on this machine; over ssh the same words run on the Pi."""
    world.skip(days=40)
    keeper(world).run()
    here = ["--home", str(world.path.parent)]
    ask = CliRunner().invoke
    listed = ask(app, ["anima", "archives", *here])
    told = json.loads(ask(app, ["anima", "archives", "--json", *here]).output)
    days = ["2026-10-06", "2026-10-07"]
    back = ask(app, ["anima", "restore-archive", "state_history", *days, "--hold", "400", *here])
    assert (listed.exit_code, back.exit_code) == (0, Refused.exit_code)
    assert "2026-10-09" in listed.output
    assert len(told["archives"]) == len(archives.listed(world.path.parent))
    back = ask(app, ["anima", "restore-archive", "state_history", *days, *here])
    assert back.exit_code == 0
    said = capfd.readouterr()
    assert said.out.count("restored name=state_history") == 2
    assert "held for 400 days" in said.err
    assert live(world) == 28
