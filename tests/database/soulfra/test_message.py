"""A transaction as one message: all or nothing, also after what was prepared is forgotten."""

import psycopg
import pytest
from psycopg import errors

from apps.soulfra.message import commit

MAKE = "CREATE TABLE IF NOT EXISTS pg_temp.said (a integer PRIMARY KEY)"
SAY = "INSERT INTO pg_temp.said (a) SELECT jsonb_array_elements_text($1)::integer"


async def said(conn):
    """What is there."""
    return [a for (a,) in await (await conn.execute("SELECT a FROM pg_temp.said")).fetchall()]


@pytest.mark.parametrize("forgets", ["DEALLOCATE ALL", "DISCARD PLANS", None])
def test_all_or_nothing_whatever_the_server_forgot(run, soulfra_database, forgets):
    """A failure takes back what came before it; quotes and percent signs are text."""

    async def play():
        conn = await psycopg.AsyncConnection.connect(soulfra_database.admin, autocommit=True)
        async with conn:
            await conn.execute(MAKE)
            await commit(conn, [(SAY, ([1, 2],)), (SAY, ([3],))])
            with pytest.raises(errors.UniqueViolation):
                await commit(conn, [(SAY, ([4],)), (SAY, ([1],))])
            await conn.rollback()
            if forgets:
                await conn.execute(forgets)
            await commit(conn, [(SAY, ([5],)), ("SELECT $1 ->> 0", (['it\'s 100 % \\ "so" $1'],))])
            return await said(conn)

    assert run(play()) == [1, 2, 3, 5]
