"""What cannot work is refused by name, before others feel anything of it."""

import psycopg
import pytest

from apps.migrate.errors import Edited
from apps.migrate.evolve.run import run, undo
from schemas.errors import Diverged, Refused
from tests.database.evolve.conftest import GUIDE, asked

AGENTS = """
says = "An agent has a mood."
table = "soulfra.agents"
migration = "0002.add-agents-mood"
grace_hours = 0

[column]
name = "mood"
type = "text"

[fill]
value = "tone || '!'"

[[index]]
name = "agents_mood"
columns = ["agent_id", "mood"]
unique = true
"""
NODE = (
    "SELECT pg_relation_filenode(oid) FROM pg_class WHERE relname ~ '^loops_2026' ORDER BY relname"
)


@pytest.mark.parametrize(
    ("default", "stored"),
    [("'a'", True), ("(1 + 1)::text", True), ("gen_random_uuid()::text", False),
     ("clock_timestamp()::text", False), ("NULL", False)],
)  # fmt: skip
def test_a_default_that_would_write_every_row_anew(tiny, made, evolution, default, stored):
    """The server says which; a constant leaves every file of the table as it is."""
    text = GUIDE.replace("\"'unwritten'\"", f'"{default}"')
    name = evolution("loops-mythology", text)
    before = asked(made.owner, NODE)
    if stored:
        run(tiny, made.owner, name, to="add")
    else:
        with pytest.raises(Refused, match=r"would have every row written anew\n  hint: a constant"):
            run(tiny, made.owner, name, to="add")
    assert asked(made.owner, NODE) == before


def test_rows_that_break_a_rule(tiny, made, evolution):
    """Are counted by the hint; when they are mended it goes on."""
    text = GUIDE.replace("length(mythology_id) > 0", "mythology_id <> 'myth-l9'")
    name = evolution("loops-mythology", text)
    with pytest.raises(Refused, match=r"rows of soulfra\.loops_2026_10 break .*\n  hint: SELECT"):
        run(tiny, made.owner, name)
    with psycopg.connect(made.owner, autocommit=True) as db:
        db.execute("UPDATE soulfra.loops SET mythology_id = 'other' WHERE loop_id = 'l9'")
    assert run(tiny, made.owner, name).acts[0] == "validate"


def test_two_of_what_must_be_one(tiny, made, evolution):
    """No half of the index is left; of parts by hash each has its own."""
    name = evolution("agents-mood", AGENTS)
    run(tiny, made.owner, name, to="switch")
    assert asked(made.owner, "SELECT count(*) FROM soulfra.agents WHERE mood = 'calm!'") == [
        (1000,)
    ]
    text = (
        AGENTS.replace("agents", "guilds").replace("mood", "crest").replace("tone || '!'", "'same'")
    )
    text = text.replace("guild_id", "crest").replace('["agent_id", "crest"]', '["crest"]')
    text = text.replace('["crest", "crest"]', '["crest"]').replace("0002", "0003")
    name = evolution("guilds-crest", text)
    with pytest.raises(Refused, match=r"guilds_crest: Key \(crest\)=\(same\) is duplicated"):
        run(tiny, made.owner, name)
    assert asked(made.owner, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]
    undo(tiny, made.owner, name)


def test_a_file_that_was_edited_meanwhile(tiny, made, evolution):
    """Is told from the one that it began with."""
    name = evolution("loops-mythology", GUIDE)
    run(tiny, made.owner, name, to="add")
    evolution("loops-mythology", GUIDE.replace("'myth-'", "'tale-'"))
    with pytest.raises(Edited, match="was edited after it began"):
        run(tiny, made.owner, name)


def test_a_column_that_is_there_already(tiny, made, evolution):
    """Whoever made it."""
    name = evolution("loops-mythology", GUIDE.replace('"mythology_id"\ntype', '"whisper"\ntype'))
    with pytest.raises(Diverged, match="has 'whisper' already"):
        run(tiny, made.owner, name)


def test_a_promise_of_the_migration_that_is_not_kept(tiny, made, evolution):
    """Nothing is marked; the evolution stands before its switch."""
    name = evolution("loops-mythology", GUIDE)
    path = tiny.folder / "0002.add-loops-mythology.sql"
    path.write_text("-- ensure: SELECT false\n" + path.read_text())
    with pytest.raises(Diverged, match=r"0002\.add-loops-mythology: what it promises is not so"):
        run(tiny, made.owner, name, to="switch")
    assert asked(made.owner, "SELECT act FROM ledger._abode_evolution") == [
        ("index idx_loops_mythology",)
    ]


def test_rows_that_are_hidden_from_their_owner(tiny, made, evolution):
    """Forced row security: with a policy for the owner they are filled, without one it is told."""
    name = evolution("agents-mood", AGENTS)
    with psycopg.connect(made.owner, autocommit=True) as db:
        db.execute(
            "ALTER TABLE soulfra.agents_1 ENABLE ROW LEVEL SECURITY;"
            "ALTER TABLE soulfra.agents_1 FORCE ROW LEVEL SECURITY"
        )
        with pytest.raises(Refused, match=r"row security hides rows of soulfra\.agents_1"):
            run(tiny, made.owner, name)
        db.execute("CREATE POLICY house ON soulfra.agents_1 TO CURRENT_USER USING (true)")
    assert run(tiny, made.owner, name).stands.place.filled == 1000
