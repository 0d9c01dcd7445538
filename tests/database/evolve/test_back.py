"""Back from every act while others write: the table is as it was, and none of them fails."""

import pytest

from apps.migrate import runner
from apps.migrate.catalog import build
from apps.migrate.evolve.declared import parsed
from apps.migrate.evolve.run import run, undo
from apps.migrate.evolve.standing import acts
from tests.database.evolve.conftest import GUIDE, asked, beside_ledger
from tests.database.evolve.halls import MOOD, raised
from tests.database.evolve.load import Halls, Load, loaded

BOUND_SECONDS = 0.5
LOOPS = (
    GUIDE.replace("'myth-' || loop_id", "'g' || (1 + length(loop_id) % 7)")
    .replace("varchar(100)", "text")
    .replace("0002.add", "0003.add")
    + '\n[references]\ntable = "soulfra.banners"\ncolumn = "name"\n'
)
NULLS = "SELECT count(*) FROM soulfra.halls WHERE tone IS NULL AND id <= 1000"


class Stop(Exception):
    """Before an act."""


def until(act):
    """A listener that ends the run there."""

    def say(text):
        if text.endswith(f": {act}"):
            raise Stop

    return say


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("text", "of"), [(LOOPS, Load), (MOOD, Halls)], ids=["loops", "halls"])
def test_back_from_every_act(tiny, made, evolution, text, of):  # fixtures
    """Before the next is begun, until the switch."""
    raised(tiny, made)
    name = evolution("x", text)
    before = build.live(tiny, made.owner)
    every = [act for _, act in acts(parsed("x", text, "x").of)]
    with loaded(made.app, of) as load:
        for act in every[1 : every.index("switch") + 1]:
            load.step = f"before {act}"
            with pytest.raises(Stop):
                run(tiny, made.owner, name, to="switch", say=until(act))
            undo(tiny, made.owner, name)
            assert beside_ledger(build.live(tiny, made.owner)) == beside_ledger(before), act
            plan = runner.status(tiny, made.owner)
            assert (list(plan.applied)[-1], plan.settled) == ("0002.create-halls", False)
    assert load.failed == []
    assert {step: s for step, s in load.longest.items() if s > BOUND_SECONDS} == {}


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("text", "of"), [(LOOPS, Load), (MOOD, Halls)], ids=["loops", "halls"])
def test_back_from_the_switch(tiny, made, evolution, text, of):  # fixtures
    """First to where both columns are right, then to where it began."""
    raised(tiny, made)
    name = evolution("x", text)
    before = build.live(tiny, made.owner)
    with loaded(made.app, of) as load:
        run(tiny, made.owner, name)
        constrained = build.live(tiny, made.owner)
        for step in ("switch", "add"):
            load.step = f"back to {step}"
            run(tiny, made.owner, name, to="switch")
            undo(tiny, made.owner, name, to=step)
            live = build.live(tiny, made.owner)
            if step == "switch":
                assert live == constrained
            else:
                assert beside_ledger(live) == beside_ledger(before)
    assert load.failed == []
    assert {step: s for step, s in load.longest.items() if s > BOUND_SECONDS} == {}


@pytest.mark.timeout(180)
def test_back_from_the_drop(tiny, made, evolution):
    """By the migration's own way: the old column is there again, told by the new one."""
    raised(tiny, made)
    name = evolution("x", MOOD)
    with loaded(made.app, Halls) as load:
        run(tiny, made.owner, name, to="switch")
        switched = build.live(tiny, made.owner)
        load.tones = False
        run(tiny, made.owner, name, to="drop", past_readers=True)
        runner.rollback(tiny, made.owner, to="0003")
        live = build.live(tiny, made.owner)
        assert asked(made.owner, NULLS) == [(0,)]
    assert load.failed == []
    kept = {n: said for n, said in switched.items() if not n.startswith("trigger soulfra.halls")}
    assert beside_ledger(live) == beside_ledger(kept)
    assert asked(made.owner, "SELECT count(*) FROM ledger._abode_evolution") == [(0,)]

    runner.rollback(tiny, made.owner, to="0002")

    column = build.live(tiny, made.owner)["column soulfra.halls.tone"]
    assert column == "text not null default 'calm'::text"
