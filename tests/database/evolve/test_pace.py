"""How fast rows are filled: as told, and no faster than replicas take."""

import threading
import time

import psycopg
import pytest

from apps.migrate.evolve.run import run
from apps.migrate.evolve.throttle import Pace
from tests.database.evolve.conftest import GUIDE


@pytest.fixture
def name(tiny, made, evolution):
    """With its column there."""
    name = evolution("loops-mythology", GUIDE)
    run(tiny, made.owner, name, to="add")
    return name


def test_a_ceiling_is_kept(tiny, made, name):
    """3000 rows at 2000 a second take at least about a second and a half."""
    begun = time.monotonic()
    run(tiny, made.owner, name, to="fill", pace=Pace(rows=200, rows_per_second=2000))
    assert time.monotonic() - begun > 1.3


def test_rows_that_are_slow_are_taken_fewer_at_once(tiny, made, name):
    """A batch of hundreds that would hold them for seconds is given up; all are filled once."""
    with psycopg.connect(made.owner, autocommit=True) as db:
        db.execute(
            "CREATE FUNCTION soulfra.slow() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END $$;"
            "CREATE TRIGGER slow BEFORE UPDATE ON soulfra.loops"
            " FOR EACH ROW EXECUTE FUNCTION soulfra.slow()"
        )
    batches = []
    done = run(tiny, made.owner, name, to="fill", pace=Pace(pause_ms=0), came=batches.append)
    assert (done.stands.place.seen, done.stands.place.filled) == (3000, 3000)
    assert max(batches) < 200


def test_a_replica_that_is_behind_is_waited_for(tiny, made, name):
    """A slot that nobody reads stands still; when it is gone the rows go on."""
    slot = f"behind_{int(time.time())}"
    said = []
    with psycopg.connect(made.admin, autocommit=True) as admin:
        admin.execute("SELECT pg_create_physical_replication_slot(%s, true)", [slot])
        drop = "SELECT pg_drop_replication_slot(%s)"
        timer = threading.Timer(2.0, admin.execute, (drop, [slot]))
        timer.start()
        begun = time.monotonic()
        pace = Pace(rows=100, pause_ms=40, max_lag=0.5)
        done = run(tiny, made.owner, name, to="fill", pace=pace, say=said.append)
        took = time.monotonic() - begun
        timer.join()

    assert took > 1.5
    assert pace.waited > 1
    assert any("a replica is" in each for each in said)
    assert done.stands.place.filled == 3000
