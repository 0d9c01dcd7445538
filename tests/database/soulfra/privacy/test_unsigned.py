"""An unsigned loop: nobody but its creator and the process can tell whose it is."""

import json

import psycopg
import pytest

from apps.soulfra.privacy.opening import Opening
from apps.soulfra.rebuild import rebuild
from schemas.soulfra import commands as c
from schemas.soulfra.policies import SETTING
from schemas.soulfra.server import APP, PERSON
from schemas.soulfra.words import Entity
from tests.database.soulfra.conftest import HOUSE, writing
from tests.database.soulfra.privacy.conftest import ADA, EVE

UNSIGNED = "ada-hail"
CREATOR = (str(ADA), "a-ada", "gallery")
READABLE = """
SELECT format('%I.%I', n.nspname, c.relname),
       (SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           AND has_column_privilege(c.oid, a.attnum, 'SELECT'))
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('soulfra', 'log', 'privacy') AND c.relkind IN ('r', 'p')
   AND NOT c.relispartition AND has_schema_privilege(n.oid, 'USAGE')
   AND has_any_column_privilege(c.oid, 'SELECT')
"""
AT = ("created_at", "recorded_at", "timestamp", "changed_at", "entered_at", "done_at")


def readable(conn):
    """Every row that it sees, of every table and column that it may ask: table to rows."""
    found = {}
    for table, columns in conn.execute(READABLE).fetchall():
        asked = f"SELECT to_jsonb(r) FROM (SELECT {columns} FROM {table}) AS r"
        found[table] = [row for (row,) in conn.execute(asked).fetchall()]
    return found


def person(database, user):
    """What asks in somebody's name."""
    conn = psycopg.connect(database.app.replace(f"{APP}:{APP}", f"{PERSON}:{PERSON}"))
    conn.execute("SELECT set_config(%s, %s, true)", (SETTING, str(user)))
    return conn


def links(tables, loop):
    """What ties a loop to its creator: one row, one transaction, one command or one instant."""
    mine, theirs = [], []
    for table, rows in tables.items():
        for row in rows:
            text = json.dumps(row)
            says = loop in text
            whose = any(f'"{each}"' in text or f":{each}" in text for each in CREATOR)
            if says and whose and not text.count("v-" + loop):
                yield table, row
            if says:
                mine.append(row)
            elif whose:
                theirs.append(row)

    def ties(rows):
        return {
            (name, json.dumps(row[name]))
            for row in rows
            for name in ("transaction_id", *AT)
            if row.get(name)
        } | {
            ("command", row["metadata"]["command_id"])
            for row in rows
            if "command_id" in (row.get("metadata") or {})
        }

    begun = [row for row in mine if row.get("type") == "loop_created" or "fork_depth" in row]
    assert begun
    yield from sorted(ties(begun) & ties(theirs))


@pytest.mark.parametrize("who", ["report", "another"])
def test_nobody_else_sees_whose_it_is(people, who):
    """In no row, nor by what two rows share; a signed one is found by the same search."""
    reader = psycopg.connect(people.reader) if who == "report" else person(people, EVE)
    with reader as conn:
        tables = readable(conn)

    assert list(links(tables, UNSIGNED)) == []
    assert list(links(tables, "ada-rain")) != []
    assert any(row["loop_id"] == UNSIGNED for row in tables["soulfra.loops"])
    assert ("log.events" in tables) is (who == "report")
    assert "privacy.subjects" not in tables


def test_its_creator_sees_that_it_is_theirs(people):
    """And is paid for its blessing as for any."""
    with person(people, ADA) as conn:
        assert conn.execute("SELECT loop_id, creator_id FROM soulfra.loop_owners").fetchall() == [
            (UNSIGNED, ADA)
        ]
        causes = conn.execute("SELECT cause FROM soulfra.credit_entries ORDER BY id").fetchall()
    assert [cause for (cause,) in causes] == [
        "welcome", "whisper", "whisper", "prophecy", "fork", "blessed"]  # fmt: skip


def test_a_replay_keeps_it_so(people, ask):
    """The tables that are put in the place of the old ones hide as much."""
    before = ask("SELECT * FROM soulfra.loop_owners")
    with psycopg.connect(people.owner, autocommit=True, options="-c timezone=UTC") as owner:
        assert rebuild(owner).differing == ()
    with psycopg.connect(people.reader) as conn:
        assert list(links(readable(conn), UNSIGNED)) == []
    with person(people, EVE) as conn:
        assert list(links(readable(conn), UNSIGNED)) == []
    assert ask("SELECT * FROM soulfra.loop_owners") == before


def test_its_tokens_are_in_no_other_loop(people, run):
    """The same address in two unsigned loops is not the same token."""

    async def play():
        async with writing(people) as writer:
            await writer.give(
                c.Whisper(loop_id="more", agent_id="a-ada", text="a@x.org", unsigned=True)
            )
            await writer.give(
                c.Whisper(loop_id="less", agent_id="a-ada", text="a@x.org", unsigned=True)
            )
            found = []
            opening = Opening(writer._pool, HOUSE)
            for loop in ("more", "less"):
                async with writer._pool.connection() as conn:
                    asked = "SELECT whisper_origin FROM soulfra.loops WHERE loop_id = %s"
                    row = await (await conn.execute(asked, (loop,))).fetchone()
                said = {"whisper_origin": row[0]}
                for may in (False, True):
                    told = await opening.entity(Entity.LOOP, loop, said, None, may=may)
                    found.append(told["whisper_origin"])
            return found

    one, whole, other, again = run(play())
    assert (whole, again) == ("a@x.org", "a@x.org")
    assert one.startswith("[email:")
    assert other.startswith("[email:")
    assert one != other
