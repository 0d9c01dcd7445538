"""The guide's own example: loops.mythology_id and its index, on a table in months."""

import pytest

from apps.migrate import runner
from apps.migrate.evolve.run import run, status, undo
from apps.migrate.evolve.standing import acts
from schemas.errors import Refused
from tests.database.evolve.conftest import GUIDE, asked

ROWS = (
    "SELECT count(*), count(*) FILTER (WHERE mythology_id = 'myth-' || loop_id) FROM soulfra.loops"
)


def test_from_the_first_step_to_the_last(tiny, made, evolution, drift):
    """Between every two acts the line says that all is as declared; in the end nothing is left."""
    name = evolution("loops-mythology", GUIDE)
    with pytest.raises(Refused, match=r"soulfra\.loops has rows\n  hint: abode evolve tiny run"):
        runner.apply(tiny, made.owner)

    for step in ("add", "fill", "constrain", "switch", "drop"):
        done = run(tiny, made.owner, name, to=step)
        assert done.acts
        assert drift(made) == []

    assert asked(made.owner, ROWS) == [(3000, 3000)]
    assert done.stands.place.filled == 3000
    assert runner.status(tiny, made.owner).settled
    assert run(tiny, made.owner, name, to="drop").acts == ()
    assert done.stands.is_done
    assert [act for _, act in acts(done.stands.of)] == [
        "column", "rows", "check", "validate", "not-null", "index idx_loops_mythology",
        "switch", "drop",
    ]  # fmt: skip


def test_an_empty_database_takes_the_migration_as_it_is(tiny, place, evolution, drift):
    """A new house, or a test's: nobody waits for anything there."""
    evolution("loops-mythology", GUIDE)

    assert runner.apply(tiny, place.owner).ran == (
        "0001.create-loops",
        "0002.add-loops-mythology",
    )
    assert drift(place) == []
    assert runner.rollback(tiny, place.owner, to="0001").undone == ("0002.add-loops-mythology",)


def test_undone_before_the_switch_nothing_is_left(tiny, made, evolution, drift):
    """Whatever was done."""
    before = drift(made)
    name = evolution("loops-mythology", GUIDE)
    run(tiny, made.owner, name)
    losses = []

    undo(tiny, made.owner, name, sure=lambda loss: losses.append(str(loss)) or True)

    assert losses == ["3000 values of soulfra.loops.mythology_id"]
    (tiny.folder / "0002.add-loops-mythology.sql").unlink()
    (tiny.folder / "0002.add-loops-mythology.rollback.sql").unlink()
    assert drift(made) == before == []
    declared, stand, running = status(tiny, made.owner)
    assert (len(declared), stand, running) == (1, {}, set())
