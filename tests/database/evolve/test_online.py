"""Every step while others write and read: none fails, none waits long, none queues for us."""

import threading
import time

import psycopg
import pytest

from apps.migrate.errors import Locked
from apps.migrate.evolve.run import run, undo
from apps.migrate.evolve.throttle import Pace
from tests.database.evolve.conftest import GUIDE, asked
from tests.database.evolve.load import loaded

BOUND_SECONDS = 0.5
ROWS = """
SELECT count(*), count(*) FILTER (WHERE mythology_id IS DISTINCT FROM 'myth-' || loop_id)
  FROM soulfra.loops
"""


@pytest.mark.timeout(120)
def test_nobody_waits_and_nobody_fails(tiny, made, evolution):
    """From the first step to the last, and on the way back."""
    name = evolution("loops-mythology", GUIDE)
    with loaded(made.app) as load:
        for step in ("add", "fill", "constrain"):
            load.step = step
            run(tiny, made.owner, name, to=step, pace=Pace(rows=200))
        load.step = "undo"
        undo(tiny, made.owner, name)
        for step in ("add", "fill", "constrain", "switch"):
            load.step = step
            run(tiny, made.owner, name, to=step)
        rows, wrong = asked(made.owner, ROWS)[0]
        # From here on those who do not know the column have its default.
        load.step = "drop"
        run(tiny, made.owner, name, to="drop", past_readers=True)
        load.step = "after"
        time.sleep(0.2)

    assert load.failed == []
    assert load.count.keys() >= {"add", "fill", "constrain", "undo", "switch", "drop"}
    slow = {step: round(s, 3) for step, s in load.longest.items() if s > BOUND_SECONDS}
    assert slow == {}
    assert rows > 3000
    assert wrong == 0


def test_an_idle_transaction_makes_nobody_queue(tiny, made, evolution):
    """It is waited for outside of the queue, named, and given up on; nothing is left half."""
    name = evolution("loops-mythology", GUIDE)
    with psycopg.connect(made.app, application_name="sleepy") as idle:
        idle.execute("SELECT count(*) FROM soulfra.loops")
        said = []
        with loaded(made.app) as load:
            load.step = "blocked"
            with pytest.raises(
                Locked, match=r"soulfra\.loops is held by pid \d+ 'sleepy'\n  hint: tried 2 s"
            ):
                run(tiny, made.owner, name, to="add", wait=2, say=said.append)
        assert load.failed == []
        assert load.count["blocked"] > 50
        assert load.longest["blocked"] < BOUND_SECONDS
        assert any("waiting for pid" in each for each in said)
        assert asked(made.owner, "SELECT count(*) FROM ledger._abode_evolution") == [(0,)]

    run(tiny, made.owner, name, to="add")


def test_it_goes_on_when_the_idle_one_ends(tiny, made, evolution):
    """Without being started again."""
    name = evolution("loops-mythology", GUIDE)
    with psycopg.connect(made.app) as idle:
        idle.execute("UPDATE soulfra.loops SET whisper = 'mine' WHERE loop_id = 'l7'")
        timer = threading.Timer(1.0, idle.rollback)
        timer.start()
        begun = time.monotonic()
        done = run(tiny, made.owner, name, to="add", wait=20)
        timer.join()

    assert done.acts == ("column",)
    assert time.monotonic() - begun >= 1


def test_a_row_that_is_held_is_waited_for(tiny, made, evolution):
    """And filled with what its holder wrote."""
    name = evolution("loops-mythology", GUIDE)
    run(tiny, made.owner, name, to="add")
    with psycopg.connect(made.app) as idle:
        idle.execute("UPDATE soulfra.loops SET whisper = 'mine' WHERE loop_id = 'l7'")
        with pytest.raises(Locked, match=r"rows of soulfra\.loops_2026_10 after .* are held"):
            run(tiny, made.owner, name, to="fill", wait=1)
        idle.commit()

    run(tiny, made.owner, name, to="fill")
    assert asked(made.owner, ROWS) == [(3000, 0)]


def test_two_runs_at_once_are_one(tiny, made, evolution):
    """The second waits for the first, and is told."""
    name = evolution("loops-mythology", GUIDE)
    run(tiny, made.owner, name, to="add")
    first = threading.Thread(
        target=run,
        args=(tiny, made.owner, name),
        kwargs={"to": "fill", "pace": Pace(rows=100, pause_ms=30)},
    )
    first.start()
    time.sleep(0.3)
    done = run(tiny, made.owner, name, to="fill")
    first.join()

    assert done.stands.place.seen == 3000
    assert asked(made.owner, ROWS) == [(3000, 0)]


def test_a_month_that_comes_meanwhile_is_part_of_it(tiny, made, evolution):
    """Made and filled by others between the steps."""
    name = evolution("loops-mythology", GUIDE)
    month = (
        "CREATE TABLE soulfra.loops_{0} (LIKE soulfra.loops INCLUDING ALL);"
        "ALTER TABLE soulfra.loops ATTACH PARTITION soulfra.loops_{0}"
        " FOR VALUES FROM ('{1}-01 00:00:00+00') TO ('{2}-01 00:00:00+00');"
        "INSERT INTO soulfra.loops (loop_id, created_at) VALUES ('n{0}', '{1}-02 00:00:00+00')"
    )
    months = [("2027_01", "2027-01", "2027-02"), ("2027_02", "2027-02", "2027-03"),
              ("2027_03", "2027-03", "2027-04")]  # fmt: skip
    for step, each in zip(("add", "fill", "constrain"), months, strict=True):
        run(tiny, made.owner, name, to=step)
        with psycopg.connect(made.owner, autocommit=True) as db:
            db.execute(month.format(*each))
    run(tiny, made.owner, name, to="switch")

    assert asked(made.owner, ROWS) == [(3003, 0)]
    valid = "SELECT bool_and(indisvalid) FROM pg_index"
    assert asked(made.owner, valid) == [(True,)]
