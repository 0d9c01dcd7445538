"""Adoption: an anima.db of the real system becomes ours, and not one old row is touched."""

import os
import sqlite3
import time
from contextlib import closing

import pytest

from apps.migrate import runner
from apps.migrate.__main__ import main
from apps.migrate.adopt import Adoption, adopt
from apps.migrate.catalog import sqlite as catalog
from apps.migrate.lines import line
from apps.migrate.rebuild import is_adopted, rebuild
from schemas.errors import Diverged, Refused, Unreachable
from tests.unit.migrate.february import ABSENT, ANIMA, ZONE, ask, beside, build, change, contents


def test_two_hundred_thousand_rows_are_adopted_in_seconds_and_stay_as_they_are(tmp_path):
    """Every table, ours and foreign, to the last byte; the line is at its end."""
    file = tmp_path / "anima.db"
    build(file, rows=200_000)
    columns, before = contents(file)
    began = time.monotonic()
    done = adopt(ANIMA, str(file), ZONE)
    took = time.monotonic() - began

    assert contents(file, columns)[1] == before
    assert took < 10
    assert not done.already
    assert done.applied == ABSENT
    assert done.baselined == tuple(i for i in ANIMA.migrations() if i not in ABSENT)
    assert done.rows["state_history"] == 200_000
    assert set(done.rows) == set(columns) - {"curiosities", "agency_values", "agency_state"}
    assert runner.status(ANIMA, str(file)).settled
    assert runner.apply(ANIMA, str(file)).ran == ()
    assert ask(file, "PRAGMA quick_check") == [("ok",)]


def test_a_whole_copy_is_kept_from_before(old):
    """One file, for its owner, with every row."""
    columns, before = contents(old)
    kept = adopt(ANIMA, str(old), ZONE).snapshot

    assert contents(kept, columns)[1] == before
    assert ask(kept, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '_abode%'") == [(0,)]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert not kept.with_name(f"{kept.name}-wal").exists()


def test_missing_columns_and_indexes_are_added(old):
    """They are the schema's; no row is."""
    done = adopt(ANIMA, str(old), ZONE)

    assert set(done.added) == {
        "identity.last_heartbeat_at", "events_timestamp_idx", "state_history_timestamp_idx",
        "insights_category_idx", "trajectory_events_timestamp_idx",
        "primitive_history_timestamp_idx", "primitive_history_category_pattern_idx",
    }  # fmt: skip
    assert ask(old, "SELECT last_heartbeat_at FROM identity") == [(None,)]
    index = "SELECT sql FROM sqlite_schema WHERE name = 'state_history_timestamp_idx'"
    assert "timestamp DESC" in ask(old, index)[0][0]


def test_what_was_accepted_is_recorded(old):
    """Each object with its SQL, each table with its zone; the log says who came how."""
    were = ask(old, "SELECT type, name FROM sqlite_schema WHERE sql IS NOT NULL"
                    " AND name NOT LIKE 'sqlite%'")  # fmt: skip
    adopt(ANIMA, str(old), ZONE)
    recorded = ask(old, "SELECT kind, name, sql, time_zone FROM _abode_adopted")
    now = dict(ask(old, "SELECT name, sql FROM sqlite_schema"))

    assert {row[:2] for row in recorded} == {*were, ("setting", "user_version")}
    assert all(sql == now[name] for kind, name, sql, _ in recorded if kind != "setting")
    assert {name: zone for kind, name, _, zone in recorded if kind == "table"} == {
        name: "UTC" if name == "trajectory_events" else ZONE
        for kind, name in were
        if kind == "table"
    }
    log = dict(ask(old, "SELECT migration_id, operation FROM _yoyo_log"))
    assert {i for i, operation in log.items() if operation == "apply"} == set(ABSENT)
    assert {i for i, operation in log.items() if operation == "adopt"} == set(log) - set(ABSENT)


def objects(db):
    """Every object as the drift check sees it, but for ledgers and how the file is kept."""
    ledger = ("_abode_", "_yoyo_", "yoyo_lock")
    read = catalog.read(db).items()
    return {
        name: said
        for name, said in read
        if not name.partition(" ")[2].startswith(ledger)
        and name != "pragma journal_mode"
        and f"{ledger[0]}adopted" not in name
    }


def test_an_adopted_file_can_be_built_anew_to_compare_with(old):
    """Equal after adoption, after a rollback and its return; a drift is a difference."""
    adopt(ANIMA, str(old), ZONE)

    def differs():
        with closing(sqlite3.connect(old)) as db, closing(sqlite3.connect(":memory:")) as anew:
            assert is_adopted(db)
            rebuild(ANIMA, db, anew)
            wanted, found = objects(anew), objects(db)
            return {each for each in wanted | found if wanted.get(each) != found.get(each)}

    assert differs() == set()
    runner.rollback(ANIMA, str(old), to="0005", confirm=lambda *_: True)
    assert differs() == set()
    runner.apply(ANIMA, str(old))
    assert differs() == set()
    change(old, "ALTER TABLE events ADD COLUMN mood TEXT; DROP INDEX state_history_timestamp_idx;"
                "DROP TABLE curiosities")  # fmt: skip
    assert {"column events.mood", "index state_history_timestamp_idx"} < differs()
    assert "table curiosities" in differs()


def test_a_second_time_changes_nothing(old, capsys):
    """Exit 0; another zone than the first time is refused."""
    first = ["anima", "adopt", str(old), "--zone", ZONE]
    assert main(first) == 0
    before = beside(old)

    assert main(first) == 0
    assert "already" in capsys.readouterr().out
    assert adopt(ANIMA, str(old), ZONE) == Adoption(already=True, zone=ZONE)
    with pytest.raises(Refused, match="adopted with time zone 'America/Denver', not 'UTC'"):
        adopt(ANIMA, str(old), "UTC")
    assert beside(old) == before


def test_a_file_of_our_own_is_ours_already(tmp_path):
    """Made by the migrations: nothing to adopt."""
    file = tmp_path / "anima.db"
    runner.apply(ANIMA, str(file))
    before = beside(file)

    assert adopt(ANIMA, str(file), ZONE).already
    assert beside(file) == before


def test_all_mismatches_are_named_at_once(old, capsys):
    """So that they are put right in one go."""
    change(old, "ALTER TABLE state_history DROP COLUMN presence; DROP TABLE goals;"
                "ALTER TABLE drawing_history DROP COLUMN V;")  # fmt: skip

    assert main(["anima", "adopt", str(old), "--zone", ZONE]) == 4
    said = capsys.readouterr().err
    assert [word in said for word in ("presence", "goals", "drawing_history.V")] == [True] * 3


def test_what_has_nothing_of_ours_is_refused(tmp_path):
    """An empty file, a foreign one, none, no database, a server."""
    file = tmp_path / "anima.db"
    with pytest.raises(Unreachable, match="is missing"):
        adopt(ANIMA, str(file), ZONE)
    change(file, "CREATE TABLE curiosities (id INTEGER)")
    with pytest.raises(Refused, match="has none of anima's tables"):
        adopt(ANIMA, str(file), ZONE)
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises((Diverged, Refused), match="not a database"):
        adopt(ANIMA, str(file), ZONE)
    with pytest.raises(Refused, match="lives in Postgres"):
        adopt(line("governance"), str(file), ZONE)
    assert [each.name for each in tmp_path.iterdir()] == ["anima.db"]


@pytest.mark.parametrize(
    ("zone", "hint"),
    [("America/Denvor", "'America/Denver'"), ("localtime", ""), ("", "IANA"),
     ("../etc/passwd", "IANA"), ("America", "did you mean")],
)  # fmt: skip
def test_an_unknown_zone_is_refused(old, zone, hint):
    """A guess would put every old row at a wrong hour."""
    with pytest.raises(Refused, match="no time zone") as refused:
        adopt(ANIMA, str(old), zone)
    assert hint in refused.value.hint


def test_a_damaged_file_is_refused_before_anything_is_done(old):
    """A copy of it would be no copy."""
    content = bytearray(old.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = os.urandom(4096)
    old.write_bytes(content)

    with pytest.raises((Diverged, Refused)):
        adopt(ANIMA, str(old), ZONE)
    assert old.read_bytes() == content
    assert "_abode_adopted" not in str(ask(old, "SELECT name FROM sqlite_schema"))
