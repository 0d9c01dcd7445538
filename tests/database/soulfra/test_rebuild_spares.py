"""A rebuild leaves what no event says: an evolution on its way, and tables that differ."""

import shutil

import psycopg
import pytest

from apps.migrate.evolve import run, write
from apps.migrate.lines import ENGINES, MIGRATIONS, Line
from apps.soulfra.rebuild import SHADOW, rebuild
from schemas.errors import Diverged, Refused

MYTHOLOGY = """
says = "A loop knows its mythology."
table = "soulfra.loops"
migration = "{number:04}.add-loops-mythology"
grace_hours = 0

[column]
name = "mythology_id"
type = "text"
default = "'unwritten'"

[fill]
value = "'myth-' || loop_id"
"""
COLUMN = "SELECT count(*) FROM soulfra.loops WHERE mythology_id = 'myth-' || loop_id"
LOOPS = "SELECT count(*) FROM soulfra.loops"
TRIGGERS = (
    "SELECT count(*) FROM pg_catalog.pg_trigger"
    " WHERE tgrelid = 'soulfra.loops'::regclass AND NOT tgisinternal"
)


@pytest.fixture
def owner(soulfra_database):
    """Who may replace tables."""
    with psycopg.connect(
        soulfra_database.owner, autocommit=True, options="-c timezone=UTC"
    ) as conn:
        yield conn


@pytest.fixture
def evolution(tmp_path):
    """Soulfra's line with an evolution of loops beside it."""
    folder = tmp_path / "soulfra"
    shutil.copytree(MIGRATIONS / "soulfra", folder)
    line = Line("soulfra", ENGINES["soulfra"], folder)
    beside = tmp_path / "soulfra.evolutions"
    beside.mkdir()
    text = MYTHOLOGY.format(number=len(line.migrations()) + 1)
    (beside / "mythology.toml").write_text(text)
    write.write(line, "mythology")
    return line


def one(conn, query):
    """One value."""
    return conn.execute(query).fetchone()[0]


@pytest.mark.parametrize("to", ["fill", "switch"])
def test_an_evolution_on_its_way_is_not_swapped_away(lived, owner, evolution, to):
    """Named, with what to do; its column, its values and its trigger stay."""
    run.run(evolution, lived.owner, "mythology", to=to)
    triggers, loops = one(owner, TRIGGERS), one(owner, LOOPS)
    assert triggers > 0

    for mend in (False, True):
        with pytest.raises(Refused, match=r"mythology: soulfra\.loops is being evolved") as refused:
            rebuild(owner, mend=mend)
        assert "abode evolve soulfra run mythology" in refused.value.hint

    assert one(owner, COLUMN) == loops > 0
    assert one(owner, TRIGGERS) == triggers


def test_an_evolution_that_begins_meanwhile_is_not_swapped_away_either(lived, owner, evolution):
    """It is looked for once more when nobody else can change the tables."""

    def begun(said):
        if said == "swapping":
            run.run(evolution, lived.owner, "mythology", to="fill")

    with pytest.raises(Refused, match=r"mythology: soulfra\.loops is being evolved"):
        rebuild(owner, begun)
    assert one(owner, COLUMN) == one(owner, LOOPS)


def test_an_older_release_does_not_take_a_newer_column_away(lived, owner):
    """What the declarations here do not know is named."""
    owner.execute("ALTER TABLE soulfra.guilds ADD COLUMN banner text")
    with pytest.raises(Refused, match=r"soulfra\.guilds: .*banner"):
        rebuild(owner, mend=True)
    assert one(owner, "SELECT count(banner) FROM soulfra.guilds") == 0


def test_what_no_event_says_stays_unless_it_is_asked_for(lived, owner):
    """As what an evolution filled: the table is named, and lives on as it is."""
    owner.execute("UPDATE soulfra.loops SET consciousness_state = '{\"filled\": true}'")
    filled = "SELECT count(*) FROM soulfra.loops WHERE consciousness_state ? 'filled'"
    loops = one(owner, LOOPS)

    done = rebuild(owner)
    assert (done.differing, done.swapped) == (("soulfra.loops",), False)
    assert one(owner, filled) == loops > 0
    assert one(owner, f"SELECT to_regnamespace('{SHADOW}') IS NULL")

    done = rebuild(owner, mend=True)
    assert (done.differing, done.swapped) == (("soulfra.loops",), True)
    assert one(owner, filled) == 0
    assert rebuild(owner).differing == ()


def test_the_operator_is_told_what_differs_and_how_to_mend_it(monkeypatch, capsys):
    """Exit 4 as long as they differ; 0 once it was asked for."""
    from apps.ops import soulfra, soulfra_cli  # noqa: PLC0415
    from apps.soulfra.rebuild import Rebuilt  # noqa: PLC0415

    asked = []

    def rebuilt(_, __, *, mend):
        asked.append(mend)
        return Rebuilt(7, ("soulfra.loops",), swapped=mend)

    monkeypatch.setattr(soulfra, "rebuilt", rebuilt)
    with pytest.raises(Diverged, match=r"soulfra\.loops: lives otherwise") as diverged:
        soulfra_cli.rebuild()
    assert "--mend" in diverged.value.hint
    soulfra_cli.rebuild(mend=True)
    assert "mended soulfra.loops" in capsys.readouterr().out
    assert asked == [False, True]
