"""What the trail is asked, and what it answers."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.bridge import AgentName
from schemas.governance.calls import Call, Reply
from schemas.governance.words import JsonObject
from schemas.quantity import Closed, Instant

Kind = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Page = Annotated[str, StringConstraints(max_length=100, pattern=r"^[0-9TZ:.+-]+/[0-9a-f-]{36}$")]


class QueryAuditEvents(Call):
    """Events, the newest first. Your own; of others, and of none, an operator's."""

    about: AgentName | None = Field(
        default=None, description="Whose; left out: your own, or everybody's to an operator."
    )
    event_type: Kind | None = Field(default=None, description="What happened, such as check_in.")
    since: Instant | None = Field(default=None, description="Not before this instant.")
    until: Instant | None = Field(default=None, description="Before this instant.")
    limit: int = Field(default=50, ge=1, le=500, description="How many at most.")
    after: Page | None = Field(default=None, description="``next`` of the page before.")


class ToldEvent(Closed):
    """One event of the trail."""

    event_id: UUID
    recorded_at: Instant = Field(description="When it happened, by the clock of the server.")
    agent_id: str | None = Field(description="The agent it is about.")
    event_type: str = Field(description="What happened, in one word.")
    payload: JsonObject = Field(description="What else there is to say.")


class AuditEvents(Reply):
    """A page of the trail."""

    events: tuple[ToldEvent, ...]
    next: str | None = Field(
        default=None, description="Where the next page begins; null at the end."
    )
