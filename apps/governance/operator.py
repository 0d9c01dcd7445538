"""``python -m apps.governance.operator AGENT``: the first token with every right, for a person.

Outside a lab both doors ask for a token, and no token of a deploy may operate. Whoever may run
this in governance's container could read its passwords as well. It is shown once, on stdout.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Final

import psycopg
from pydantic import TypeAdapter, ValidationError

from apps.governance.audit import AuditLog, event
from apps.governance.desk import Desk
from apps.governance.identities import SQL
from apps.governance.keyring import Keyring, Wish
from apps.governance.settings import Settings, settings
from apps.postgres import place, pool
from schemas.bridge import AgentName
from schemas.errors import HouseError, Refused, Unreachable
from schemas.governance.calls import Right
from schemas.governance.tables import Purpose

DAYS: Final = 30
OPEN_SECONDS: Final = 10.0


async def issued(told: Settings, agent: str) -> str:
    """A token with every right; the agent is made known if it is not."""
    store = pool(told.postgres)
    try:
        await store.open(wait=True, timeout=OPEN_SECONDS)
        async with store.connection() as conn, conn.transaction():
            await conn.execute(SQL["create_identities"], {"agents": [agent]})
            wish = Wish(agent, Purpose.ACCESS, frozenset(Right), DAYS, None)
            shown = await Keyring(Desk(store)).issue(conn, wish)
            said = {"token_id": shown.token_id, "rights": sorted(wish.rights), "by": None}
            # The trail is the running process's: its next start tells of it.
            events = [event(agent, "token_issued", said | {"expires_at": shown.expires_at})]
            await AuditLog(told.audit_log).keep(conn, events)
            return shown.token
    except psycopg.OperationalError:
        raise Unreachable(
            f"postgres at {place(told.postgres)}: does not answer", "abode status"
        ) from None
    finally:
        await store.close()


def main(words: Sequence[str]) -> int:
    """Print the token; the exit code is the error's own."""
    try:
        if len(words) != 1:
            raise Refused("operator: whom for is missing", "say one name")
        try:
            agent = TypeAdapter(AgentName).validate_python(words[0])
        except ValidationError:
            raise Refused(f"operator: {words[0]!r:.80} is not a name") from None
        token = asyncio.run(issued(settings(os.environ), agent))
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stderr.write(f"for {agent}, for {DAYS} days, shown this once:\n")
    sys.stdout.write(f"{token}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
