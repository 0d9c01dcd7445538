"""Every connection that a process has says which schema it was built for."""

import asyncio

from apps.migrate.lines import line
from apps.postgres import PostgresSettings, alone, pool

NAME = "SELECT current_setting('application_name')"


def newest(name):
    """Of the line that this checkout has."""
    return f"{name}@{line(name).migrations()[-1][:4]}"


def test_a_pool_and_what_is_beside_it(made):
    """So that a drop sees who may still know what goes."""

    async def pooled(name):
        async with pool(PostgresSettings(url=made.app), name) as there, there.connection() as db:
            return (await (await db.execute(NAME)).fetchone())[0]

    assert asyncio.run(pooled("soulfra")) == newest("soulfra")
    assert asyncio.run(pooled("governance")) == newest("governance")
    with alone(PostgresSettings(url=made.app), 1000) as db:
        assert db.execute(NAME).fetchone() == (newest("governance"),)
