"""An agent's registration from home to its shard: as it was, once, however often it is tried."""

from pathlib import Path
from typing import Final

from psycopg.errors import RestrictViolation, SerializationFailure, UniqueViolation

from apps.postgres import Connection
from apps.queries import load
from apps.soulfra.projections import of_this
from apps.soulfra.shards.elsewhere import Elsewhere, elsewhere
from schemas.errors import Diverged
from schemas.soulfra.log import EventType
from schemas.soulfra.words import Entity

SQL: Final = load(Path(__file__).with_name("router.sql"))
REGISTERED: Final = frozenset({(Entity.AGENT, EventType.AGENT_REGISTERED)})


async def carry(home: Connection, there: Connection | None, agent_id: str) -> None:
    """Have it on its shard, and only then forget that it was to be; ``None``: it is home's again.

    Raises Elsewhere when the shard has not the slot.
    """
    which = {"agent_id": agent_id}
    row = await (await home.execute(SQL["registration"], which)).fetchone()
    if row is None:
        return
    if there is None:
        if await (await home.execute(SQL["came_home"], which)).fetchone() is None:
            raise Elsewhere(f"agent {agent_id!r}: moves", "give it again")
        return
    schema_version, recorded_at, data, metadata, sha256 = row
    event = {
        **which,
        "schema_version": schema_version,
        "recorded_at": recorded_at,
        "data": data,
        "metadata": metadata,
    }
    try:
        async with there.transaction():
            said = await (await there.execute(SQL["adopt"], event)).fetchone()
            for statement in of_this(REGISTERED):
                await there.execute(statement)
            if said is None or said[0] != sha256:
                raise Diverged(f"agent {agent_id!r}: its shard has another one of that name")
    except (SerializationFailure, UniqueViolation):
        # Somebody else carries it right now.
        raise Elsewhere(f"agent {agent_id!r}: is being carried", "give it again") from None
    except RestrictViolation as error:
        raise elsewhere(error) or error from None
    await home.execute(SQL["carried"], which)
