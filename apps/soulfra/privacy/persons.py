"""In the name of a person: what Postgres lets them see, and what they may ask for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from apps.bridge.refusals import Forbidden
from apps.postgres import Connection, Pool
from apps.soulfra.privacy.seals import SQL
from schemas.soulfra.commands import Asked


@asynccontextmanager
async def in_the_name_of(pool: Pool, user_id: UUID) -> AsyncIterator[Connection]:
    """A transaction that sees what that person may see; the connection forgets whose it was."""
    async with pool.connection() as conn, conn.transaction():
        await conn.execute(SQL["in_the_name_of"], {"user_id": str(user_id)})
        yield conn


async def owns(pool: Pool, user_id: UUID, agent_id: str) -> bool:
    """Whether an agent is that person's."""
    async with in_the_name_of(pool, user_id) as conn:
        cursor = await conn.execute(SQL["own_agent"], {"id": agent_id})
        return await cursor.fetchone() is not None


async def allowed(pool: Pool, user_id: UUID, body: Asked) -> None:
    """Refuse a command that is not about this person or an agent of theirs."""
    fields = type(body).model_fields
    if "user_id" in fields:
        if getattr(body, "user_id") == user_id:  # noqa: B009  # not every command has one
            return
    elif "agent_id" in fields and await owns(pool, user_id, getattr(body, "agent_id")):  # noqa: B009
        return
    raise Forbidden(
        f"{body.name}: not with a person's token",
        "it commands for its own person and their agents",
    )
