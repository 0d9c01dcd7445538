"""What flips at the switch and back: a view that reads the old column, and whose default counts."""

import psycopg
import pytest

from apps.migrate import runner
from apps.migrate.catalog import build
from apps.migrate.evolve.run import run, undo
from schemas.errors import Refused
from tests.database.evolve.conftest import asked, beside_ledger
from tests.database.evolve.halls import MOOD, declared, raised

BOTH = "SELECT tone, mood FROM soulfra.halls WHERE id = %s"
SEEN = "SELECT tone FROM soulfra.tones WHERE id = %s"
VIEW = MOOD[MOOD.index("[[view]]") : MOOD.index("[replaces]")]


@pytest.fixture
def name(tiny, made, evolution):
    """Declared, where its table has rows."""
    raised(tiny, made)
    return evolution("halls-mood", MOOD)


def test_who_does_not_say_has_the_default_that_counts(tiny, made, name, drift):
    """The old one's until the switch, whoever writes; the new one's from there on."""
    run(tiny, made.owner, name)
    with psycopg.connect(made.app, autocommit=True) as app:
        app.execute("INSERT INTO soulfra.halls (id, guild) VALUES (5001, 1)")
        app.execute("INSERT INTO soulfra.halls (id, guild, mood) VALUES (5002, 1, 'GLAD')")
    assert asked(made.app, BOTH, 5001) == [("calm", "CALM")]
    assert asked(made.app, BOTH, 5002) == [("glad", "GLAD")]
    assert drift(made) == []

    run(tiny, made.owner, name, to="switch")

    with psycopg.connect(made.app, autocommit=True) as app:
        app.execute("INSERT INTO soulfra.halls (id, guild) VALUES (5003, 1)")
        app.execute("INSERT INTO soulfra.halls (id, guild, tone) VALUES (5004, 1, 'old')")
        app.execute("INSERT INTO soulfra.halls (id, guild, mood) VALUES (5005, 1, 'NEW')")
    assert asked(made.app, BOTH, 5003) == [("still", "STILL")]
    assert asked(made.app, BOTH, 5004) == [("old", "OLD")]
    assert asked(made.app, BOTH, 5005) == [("new", "NEW")]
    assert drift(made) == []


def test_a_view_tells_the_same_before_and_after(tiny, made, name, drift):
    """It is replaced with the switch, keeps grants and options, and stands in no drop's way."""
    run(tiny, made.owner, name, to="switch")
    assert asked(made.app, SEEN, 7) == [("tone 7",)]
    assert "mood" in build.live(tiny, made.owner)["view soulfra.tones"]

    run(tiny, made.owner, name, to="drop")

    assert asked(made.app, SEEN, 7) == [("tone 7",)]
    assert drift(made) == []
    assert runner.status(tiny, made.owner).settled


def test_a_switch_is_taken_back_alone(tiny, made, name, drift):
    """View and defaults as they were; what was written since is in the old column, too."""
    untouched = beside_ledger(build.live(tiny, made.owner))
    run(tiny, made.owner, name)
    before = build.live(tiny, made.owner)
    run(tiny, made.owner, name, to="switch")
    with psycopg.connect(made.app, autocommit=True) as app:
        app.execute("INSERT INTO soulfra.halls (id, guild) VALUES (5001, 1)")

    undo(tiny, made.owner, name, to="switch")

    assert build.live(tiny, made.owner) == before
    assert asked(made.app, SEEN, 5001) == [("still",)]
    assert runner.status(tiny, made.owner).pending[0] == "0003.add-halls-mood"
    assert drift(made) == []
    with pytest.raises(Refused, match="is not switched"):
        undo(tiny, made.owner, name, to="switch")
    run(tiny, made.owner, name, to="switch")
    undo(tiny, made.owner, name)
    assert beside_ledger(build.live(tiny, made.owner)) == untouched


def test_the_migrations_flip_the_same(tiny, place, evolution, drift):
    """Where there are no rows, forward and back."""
    declared(tiny)
    evolution("halls-mood", MOOD)
    runner.apply(tiny, place.owner)
    assert drift(place) == []
    runner.rollback(tiny, place.owner, to="0002")
    live = build.live(tiny, place.owner)
    assert live["column soulfra.halls.tone"] == "text not null default 'calm'::text"
    assert "mood" not in live["view soulfra.tones"]
    runner.apply(tiny, place.owner)
    assert drift(place) == []


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (VIEW, "", r"halls\.tone is read by view soulfra\.tones\n  hint: declare each as"),
        ("SELECT id, tone, guild", "SELECT id, guild", r"view\.before: soulfra\.tones is another"),
        ('options = "security_invoker=true"', "", r"tones is another\n.* with security_invoker"),
        ("lower(mood) AS tone", "lower(mood) AS tune", r"view\.after: cannot change name of"),
        ("lower(mood) AS tone", "tone", r"view\.after: soulfra\.tones still reads"),
        ('name = "soulfra.tones"', 'name = "soulfra.songs"', "soulfra.songs: no such view"),
        ("default = \"'calm'\"", "", r"replaces\.default: tone has 'calm'::text, not none"),
        ("default = \"'calm'\"", "default = \"'loud'\"", r"tone has 'calm'::text, not 'loud'"),
        ('column = "tone"', 'column = "id"', "halls-mood: id is part of the primary key"),
        ("'STILL'", "gen_random_uuid()::text", r"default_after: .* is another for each row"),
    ],
)
def test_what_does_not_fit_is_told_before_the_first_step(  # noqa: PLR0917  # fixtures
    tiny, made, evolution, was, now, said
):
    """By name, with what to do; nothing has begun."""
    raised(tiny, made)
    before = beside_ledger(build.live(tiny, made.owner))
    assert was in MOOD
    name = evolution("halls-mood", MOOD.replace(was, now))
    with pytest.raises(Refused, match=said):
        run(tiny, made.owner, name, to="add")
    assert beside_ledger(build.live(tiny, made.owner)) == before


def test_a_materialized_view_cannot_be_replaced(tiny, made, name):
    """It is named as what it is."""
    with psycopg.connect(made.owner, autocommit=True) as db:
        db.execute("CREATE MATERIALIZED VIEW soulfra.sums AS SELECT tone FROM soulfra.halls")
    with pytest.raises(Refused, match=r"is read by materialized view soulfra\.sums\n  hint"):
        run(tiny, made.owner, name, to="add")


def test_what_only_a_partition_has_is_in_the_way_of_the_drop(tiny, made, evolution):
    """An index of one month would go with the column, and nobody would know."""
    text = MOOD[: MOOD.index("[[view]]")] + MOOD[MOOD.index("[replaces]") :]
    text = text.replace("0003.add-halls", "0002.add-loops").replace(
        "0004.drop-halls-tone", "0003.drop-x"
    )
    text = text.replace("halls", "loops").replace("tone", "emotional_tone")
    name = evolution("loops-mood", text)
    run(tiny, made.owner, name, to="switch")
    with psycopg.connect(made.owner, autocommit=True) as db:
        db.execute("CREATE INDEX stray ON soulfra.loops_2026_10 (emotional_tone)")
        with pytest.raises(Refused, match=r"emotional_tone is needed by index soulfra\.stray"):
            run(tiny, made.owner, name, to="drop", past_readers=True)
        db.execute("DROP INDEX soulfra.stray")
    run(tiny, made.owner, name, to="drop", past_readers=True)
