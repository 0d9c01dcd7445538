"""How an agent that was away shows that it is the same: by a token of its own, given each time.

The real client saves it beside its uuid, asks for another every day, and comes back with both.
"""

from typing import Any, Final

from apps.bridge.refusals import Conflict, Forbidden, Unauthorized
from apps.bridge.tool import Caller
from apps.governance.audit import AuditLog, event
from apps.governance.desk import Desk
from apps.governance.identities import Identities
from apps.governance.keyring import Keyring, Wish
from apps.governance.lives import ENDED
from apps.governance.sessions import Sessions
from schemas.errors import Refused
from schemas.governance.calls import Right
from schemas.governance.tables import Purpose

TOKEN_DAYS: Final = 30


class Continuity:
    """Continuity tokens, given and taken."""

    def __init__(
        self,
        desk: Desk,
        audit: AuditLog,
        identities: Identities,
        keyring: Keyring,
        sessions: Sessions,
    ) -> None:
        self._desk = desk
        self._audit = audit
        self._identities = identities
        self._keyring = keyring
        self._sessions = sessions

    async def tell(self, agent: str) -> tuple[dict[str, Any], str | None]:
        """What governance knows of an agent, and a new token unless the agent has ended."""
        said = await self._identities.tell(agent)
        if said["status"] in ENDED:
            return said, None
        wish = Wish(agent, Purpose.CONTINUITY, frozenset(), TOKEN_DAYS, agent)
        async with self._desk.connection() as conn, conn.transaction():
            shown = await self._keyring.issue(conn, wish)
        return said, shown.token

    async def resume(self, caller: Caller, agent: str | None, token: str | None) -> str:
        """The agent that a caller proves to be; the session it calls through is its from now on.

        At the LAN's door the bearer token has said already who it is, and it may be no other.
        """
        if not agent or not token:
            raise Refused("resume: agent_uuid and continuity_token belong together", "send both")
        if caller.agent not in {None, agent} and Right.OPERATE not in caller.rights:
            raise Forbidden(f"resume: you are {caller.agent!r}", "each agent has its own token")
        held = await self._keyring.opened(token.encode(), Purpose.CONTINUITY)
        if held is None or held.agent != agent:
            await self._audit.append([event(agent, "resume_refused", {"by": caller.agent})])
            raise Unauthorized(
                f"resume: the token is not one of {agent!r}, or has ended",
                "call identity without resume",
            )
        if caller.session_id:
            whose = await self._sessions.bind(caller.session_id, agent)
            if whose != agent:
                raise Conflict("X-Session-ID: belongs to another agent", "choose another")
        await self._audit.append([event(agent, "identity_resumed", {"token_id": held.token_id})])
        return agent
