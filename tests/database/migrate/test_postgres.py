"""The runner against Postgres, as an owner that is no superuser."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import conninfo

from apps.migrate import runner
from apps.migrate.ledger import Patience
from schemas.errors import Diverged, Refused, Unreachable

CATALOG = """
SELECT n.nspname, c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname NOT IN ('ledger', 'pg_catalog', 'information_schema', 'pg_toast')
UNION ALL
SELECT n.nspname, p.proname, 'f', '', pg_get_functiondef(p.oid)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'
 ORDER BY 1, 2, 3, 4, 5
"""


def query(database, sql):
    """What the plain driver reads."""
    with psycopg.connect(database) as connection:
        return connection.execute(sql).fetchall()


def execute(database, sql):
    """Do it at once."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql)


def test_apply_runs_everything_once(tiny, database):
    """A body in dollar quotes is one statement; the second run has nothing to do."""
    assert runner.apply(tiny, database).ran == tiny.migrations()
    assert runner.apply(tiny, database).ran == ()
    assert query(database, "SELECT public.full_cups()") == [(0,)]
    assert runner.status(tiny, database).settled


def test_the_ledger_has_its_own_schema(tiny, database):
    """Nothing of yoyo's or ours lies among the line's tables."""
    runner.apply(tiny, database)

    tables = query(
        database, "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^pg_|^inf'"
    )
    assert {name for schema, name in tables if schema != "ledger"} == {"cups"}
    assert ("ledger", "_abode_checksum") in tables


@pytest.mark.parametrize("driver", ["", "+psycopg"])
def test_a_url_with_a_passfile_is_understood(tiny, database, driver, tmp_path):
    """As deploys write it: no password in it, host and passfile as parameters."""
    given = conninfo.conninfo_to_dict(database)
    passfile = tmp_path / "passfile"
    passfile.write_text(f"*:*:*:*:{given['password']}\n")
    passfile.chmod(0o600)
    url = (
        f"postgresql{driver}://{given['user']}@/{given['dbname']}"
        f"?host={given['host']}&port={given['port']}&passfile={passfile}"
    )

    assert runner.apply(tiny, url).ran == tiny.migrations()


def test_an_edited_or_missing_file_is_refused(tiny, database):
    """The ledger keeps what each file held."""
    runner.apply(tiny, database)
    file = tiny.folder / "0002.add-handle.sql"
    file.write_text("-- ensure: SELECT true\nALTER TABLE public.cups ADD COLUMN handle integer;")
    with pytest.raises(Diverged, match=r"0002\.add-handle\.sql:1: was edited"):
        runner.apply(tiny, database)

    file.unlink()
    file.with_name("0002.add-handle.rollback.sql").unlink()
    with pytest.raises(Diverged, match="its file is gone"):
        runner.apply(tiny, database)


def test_a_failed_migration_leaves_nothing_of_itself(tiny, database):
    """The message is the server's, with the migration's name before it."""
    (tiny.folder / "0002.add-handle.sql").write_text(
        "-- ensure: SELECT true\nCREATE TABLE public.lids (id integer);\nCREATE EXTENSION nowhere;"
    )

    with pytest.raises(Refused, match=r'migration 0002\.add-handle: .*"nowhere" is not available'):
        runner.apply(tiny, database)
    assert query(database, "SELECT to_regclass('public.lids')") == [(None,)]
    assert runner.status(tiny, database).pending == ("0002.add-handle",)


def test_killed_between_the_ddl_and_its_mark_heals(tiny, database, start):
    """The server undoes the DDL, drops the lock, and the stale yoyo_lock row is swept."""
    killed = start(tiny, database, "die")
    assert killed.wait(20) == -9, killed.stderr.read()
    assert query(database, "SELECT pid FROM ledger.yoyo_lock") == [(-killed.pid,)]

    assert runner.apply(tiny, database).ran == tiny.migrations()
    assert query(database, "SELECT pid FROM ledger.yoyo_lock") == []


def test_two_at_once_apply_each_migration_once(tiny, database, start):
    """On an empty database, where even the ledger must be made."""
    both = [start(tiny, database), start(tiny, database)]
    said = [process.communicate(timeout=20) for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(out for out, _ in said) == ["", " ".join(tiny.migrations())]
    assert query(database, "SELECT count(*) FROM ledger._yoyo_log") == [(2,)]


def test_what_is_pending_is_decided_by_whoever_holds_the_lock(tiny, database):
    """It was pending when the second began to wait, and is not when its turn comes."""
    with ThreadPoolExecutor() as pool:
        with runner.opened(tiny, database) as ledger, ledger.lock():
            second = pool.submit(runner.apply, tiny, database, Patience(statement=0.4))
            time.sleep(1)
            for migration in tiny.migrations():
                ledger.apply(migration)
        assert second.result(timeout=20).ran == ()


def test_the_holder_of_the_lock_is_named(tiny, database):
    """By the pid and the application name that pg_stat_activity shows."""
    with (
        runner.opened(tiny, database) as ledger,
        ledger.lock(),
        pytest.raises(Refused, match=r"pid \d+, application 'abode migrate tiny'"),
    ):
        runner.apply(tiny, database, Patience(runner=0.1))


def test_a_table_in_use_is_not_waited_for_without_end(tiny, database):
    """Behind a waiting ALTER TABLE every reader would queue."""
    runner.apply(tiny, database)
    runner.rollback(tiny, database)
    assert Patience().lock <= 10
    with psycopg.connect(database) as reader:
        reader.execute("SELECT id FROM public.cups")
        with pytest.raises(Refused, match=r"migration 0002\.add-handle: no lock within 0\.1 s"):
            runner.apply(tiny, database, Patience(lock=0.1, tries=2))

    assert runner.apply(tiny, database).ran == ("0002.add-handle",)


def test_a_connection_that_is_lost_is_unreachable(tiny, database):
    """Postgres stopped in the middle: exit 3, and the next run finishes."""
    (tiny.folder / "0002.add-handle.sql").write_text(
        "-- ensure: SELECT true\n"
        "ALTER TABLE public.cups ADD COLUMN handle text;\n"
        "SELECT pg_terminate_backend(pg_backend_pid());"
    )
    with pytest.raises(Unreachable, match="the connection was lost"):
        runner.apply(tiny, database)

    (tiny.folder / "0002.add-handle.sql").write_text("-- ensure: SELECT true\nSELECT 1;")
    assert runner.apply(tiny, database).ran == ("0002.add-handle",)


def test_back_and_forth_gives_the_same_catalog(tiny, database):
    """Up, down, up: columns and functions compared."""
    empty = query(database, CATALOG)
    runner.apply(tiny, database)
    up = query(database, CATALOG)
    assert up != empty

    runner.rollback(tiny, database, steps=2)
    assert query(database, CATALOG) == empty
    runner.apply(tiny, database)
    assert query(database, CATALOG) == up


def test_a_setting_made_by_a_migration_ends_with_it(tiny, database):
    """AGE wants a search_path; the ledger and the next migration must not see it."""
    (tiny.folder / "0001.create-cups.sql").write_text(
        "-- ensure: SELECT true\n"
        "CREATE SCHEMA pantry;\nSET search_path = pantry;\nSET timezone = 'Asia/Tokyo';\n"
        "CREATE TABLE cups (id integer);"
    )
    (tiny.folder / "0002.add-handle.sql").write_text(
        "-- ensure: SELECT current_setting('TimeZone') = 'UTC'\nCREATE TABLE handles (id integer);"
    )
    runner.apply(tiny, database)

    assert query(database, "SELECT schemaname FROM pg_tables WHERE tablename = 'cups'") == [
        ("pantry",)
    ]
    assert query(database, "SELECT schemaname FROM pg_tables WHERE tablename = 'handles'") == [
        ("public",)
    ]


def test_rows_that_a_migration_selects_are_not_printed(tiny, database, capsys):
    """SELECT create_graph(…) must not spoil --json."""
    (tiny.folder / "0002.add-handle.sql").write_text("-- ensure: SELECT true\nSELECT 1 AS spoiled;")
    runner.apply(tiny, database)

    assert capsys.readouterr().out == ""


def test_status_writes_nothing(tiny, database):
    """Not even the ledger; the session itself is read-only."""
    assert runner.status(tiny, database).pending == tiny.migrations()
    assert query(database, "SELECT to_regnamespace('ledger')") == [(None,)]
    with (
        pytest.raises(Refused, match="read-only transaction"),
        runner.opened(tiny, database, readonly=True) as ledger,
    ):
        ledger.ask("CREATE TABLE public.x (id integer)")


def test_status_waits_for_nobody(tiny, database):
    """It takes no lock: a running migration does not hide what is applied."""
    runner.apply(tiny, database)
    with runner.opened(tiny, database) as ledger, ledger.lock():
        assert runner.status(tiny, database).settled


def test_a_role_that_may_not_create_is_told_so(tiny, database):
    """The server's words, and nothing half made."""
    owner = conninfo.conninfo_to_dict(database)["user"]
    execute(database, f"REVOKE CREATE ON DATABASE {owner} FROM {owner}")

    with pytest.raises(Refused, match="ledger: permission denied for database"):
        runner.apply(tiny, database)
