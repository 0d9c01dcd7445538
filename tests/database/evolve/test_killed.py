"""Kill -9 at seeded moments of each step: the next run goes on, and all comes out the same."""

import os
import random
import time

import psycopg
import pytest

from apps.migrate import runner
from apps.migrate.catalog import build
from apps.migrate.evolve import constrain, indexes
from apps.migrate.evolve.run import run
from apps.migrate.evolve.standing import standings
from apps.migrate.evolve.throttle import Pace
from schemas.errors import Unreachable
from tests.database.evolve.conftest import GUIDE, RENAME, asked, built

KILLS = int(os.environ.get("ABODE_KILLS") or 2)
SEED = 20261129
ROWS = {
    "loops-mythology": "SELECT loop_id, mythology_id FROM soulfra.loops ORDER BY 1",
    "guilds-banner": "SELECT id, banner FROM soulfra.guilds ORDER BY 1",
}
TWICE = """
CREATE TABLE soulfra.seen (of text, key text, at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION soulfra.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO soulfra.seen (of, key) VALUES (TG_ARGV[0], coalesce(to_jsonb(NEW) ->> 'loop_id',
                                                                    to_jsonb(NEW) ->> 'id'));
    RETURN NULL;
END $$;
CREATE TRIGGER see AFTER UPDATE ON soulfra.loops FOR EACH ROW
    EXECUTE FUNCTION soulfra.see('loops');
CREATE TRIGGER see AFTER UPDATE ON soulfra.guilds FOR EACH ROW
    EXECUTE FUNCTION soulfra.see('guilds');
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["loops-mythology", "guilds-banner"])
def test_killed_in_every_step_it_goes_on(  # noqa: PLR0917  # fixtures
    tiny, made, server, evolution, start, name
):
    """No row is filled twice, none is left, and the catalogue is what an unharmed run makes."""
    evolution("loops-mythology", GUIDE)
    if name == "guilds-banner":
        for step in ("switch", "drop"):
            run(tiny, made.owner, "loops-mythology", to=step)
        evolution(name, RENAME)
    with psycopg.connect(made.owner, autocommit=True) as db:
        db.execute(TWICE)
    dice = random.Random(f"{SEED} {name}")
    killed = 0
    for step in ("add", "fill", "constrain", "switch", "drop"):
        for number in range(KILLS):
            # Half of them between two calls of the database, half anywhere.
            if number % 2 == 0:
                process = start(made, name, "run", step, str(dice.randint(4, 40)))
            else:
                process = start(made, name, "run", step, "ready")
                assert process.stdout.readline() == "ready\n"
                time.sleep(dice.uniform(0, 0.3))
                process.kill()
            _, said = process.communicate(timeout=60)
            assert process.returncode in {0, -9}, said
            killed += process.returncode == -9
        run(tiny, made.owner, name, to=step)

    assert killed >= KILLS
    rows = asked(made.owner, ROWS[name])
    assert all(value for _, value in rows)
    assert len(rows) == (3000 if name == "loops-mythology" else 1000)
    of = name.split("-")[0]
    twice = "SELECT count(*), count(DISTINCT key) FROM soulfra.seen WHERE of = %s"
    assert asked(made.owner, twice, of) == [(len(rows), len(rows))]
    assert runner.status(tiny, made.owner).settled
    with psycopg.connect(made.owner, autocommit=True) as db:
        db.execute("DROP TABLE soulfra.seen; DROP FUNCTION soulfra.see() CASCADE")
    with runner.opened(tiny, made.owner, readonly=True) as ledger:
        stands = standings(ledger)[name]
    assert stands.is_done
    assert (stands.place.seen, stands.place.filled) == (len(rows), len(rows))
    wanted = built(server, tiny, made)
    live = build.live(tiny, made.owner)
    kinds = ("column ", "constraint ", "index ", "trigger ", "function ", "partition ")
    names = {n for n in wanted.keys() | live.keys() if n.startswith(kinds) and "soulfra" in n}
    assert {n: live.get(n) for n in names} == {n: wanted.get(n) for n in names}


@pytest.mark.timeout(120)
def test_undo_killed_goes_on_back_and_never_forward(tiny, made, server, evolution, start):
    """A run in between is refused; the next undo does the rest."""
    name = evolution("loops-mythology", GUIDE)
    run(tiny, made.owner, name)
    before = built(server, tiny, made).keys()
    for at in (7, 12, 20):
        process = start(made, name, "undo", "-", str(at))
        process.communicate(timeout=60)
        assert process.returncode in {0, -9}
    process = start(made, name, "run", "constrain")
    _, said = process.communicate(timeout=60)
    left = asked(made.owner, "SELECT undoing FROM ledger._abode_evolution")
    if left:
        assert process.returncode
        assert "is half undone" in said
        process = start(made, name, "undo", "-")
        process.communicate(timeout=60)
    else:
        process = start(made, name, "undo", "-")
        process.communicate(timeout=60)

    assert asked(made.owner, "SELECT count(*) FROM ledger._abode_evolution") == [(0,)]
    gone = {n for n in build.live(tiny, made.owner) if "mytholog" in n}
    assert gone == set()
    assert any("mytholog" in n for n in before)


def test_a_half_made_index_is_made_anew(tiny, made, evolution, start):
    """As a kill in the middle of CREATE INDEX CONCURRENTLY leaves it: invalid."""
    name = evolution("loops-mythology", GUIDE)
    run(tiny, made.owner, name, to="fill")
    leaf = "loops_2026_11"
    with psycopg.connect(made.owner) as blocker, psycopg.connect(made.owner, autocommit=True) as db:
        blocker.execute("UPDATE soulfra.loops SET whisper = 'late' WHERE loop_id = 'l40'")
        db.execute("SET lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            db.execute(
                f"CREATE INDEX CONCURRENTLY {leaf}_idx_loops_mythology"
                f" ON soulfra.{leaf} (mythology_id)"
            )
        blocker.rollback()
    halves = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    assert asked(made.owner, halves) == [(f"soulfra.{leaf}_idx_loops_mythology",)]
    said = []
    run(tiny, made.owner, name, say=said.append)

    assert any("half that was left" in each for each in said)
    assert asked(made.owner, halves) == []


def test_what_is_half_done_is_no_drift(tiny, made, evolution, drift, monkeypatch):
    """Some partitions have the index, or are looked at, others not; a stranger's is seen."""
    name = evolution("loops-mythology", GUIDE)

    class Stop(Exception):
        """In the middle."""

    for module, does in ((constrain, "_validate"), (indexes, "_join")):
        real, count = getattr(module, does), []

        def once(*given, real=real, count=count):
            count.append(given)
            if len(count) == 2:
                raise Stop
            real(*given)

        monkeypatch.setattr(module, does, once)
        with pytest.raises(Stop):
            run(tiny, made.owner, name)
        monkeypatch.undo()
        assert drift(made) == []
    with psycopg.connect(made.owner, autocommit=True) as db:
        db.execute("CREATE INDEX stray ON soulfra.loops_2026_10 (whisper)")
    assert len(drift(made)) == 1


def test_a_server_that_goes_away_is_told(tiny, made, evolution):
    """In the middle of the rows; the next run fills the rest, and none twice."""
    name = evolution("loops-mythology", GUIDE)
    run(tiny, made.owner, name, to="add")
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'abode%'"
    )
    came = []

    def cut(rows):
        came.append(rows)
        if sum(came) > 1000:
            asked(made.admin, end)

    with pytest.raises(Unreachable, match="the connection was lost"):
        run(tiny, made.owner, name, to="fill", pace=Pace(rows=100, pause_ms=0), came=cut)
    done = run(tiny, made.owner, name, to="fill")

    assert 0 < sum(came) < 3000
    assert (done.stands.place.seen, done.stands.place.filled) == (3000, 3000)
