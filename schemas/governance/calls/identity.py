"""What an agent says of itself, and what governance knows of it."""

from typing import Annotated, Any

from annotated_types import MaxLen
from pydantic import Field, StringConstraints

from schemas.bridge import AgentName
from schemas.governance.calls import Call, Reply
from schemas.governance.tables import Status
from schemas.quantity import Instant

Text = Annotated[str, StringConstraints(max_length=4_000)]
TagName = Annotated[str, StringConstraints(min_length=1, max_length=99)]


class Describe(Call):
    """Who you are. What is absent stays as it was."""

    label: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="What people call you."
    )
    purpose: Text | None = Field(default=None, description="What you are for.")
    notes: Text | None = Field(default=None, description="What else there is to know.")
    tags: Annotated[tuple[TagName, ...], MaxLen(64)] | None = Field(
        default=None, description="Words to find you by."
    )
    preferences: Annotated[dict[str, Any], MaxLen(64)] | None = Field(
        default=None, description="What has no field of its own; merged key by key."
    )


class AskIdentity(Call):
    """As whom governance knows the caller; or, coming back, that the caller is who it was."""

    agent_uuid: AgentName | None = Field(default=None, description="The id it was given before.")
    continuity_token: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="What it was given with it: proves that it is the same agent."
    )
    resume: bool | None = Field(
        default=None, description="True to come back as agent_uuid with the continuity token."
    )


class Known(Reply):
    """An agent as governance knows it."""

    agent_id: str
    status: Status
    label: str | None = None
    purpose: str | None = None
    created_at: Instant | None = None
    uuid: str = Field(description="The same as agent_id, for clients that read this.")
    client_session_id: str = Field(description="A name for its calls, made of its id.")


class Remembered(Known):
    """The same, and what to come back with."""

    resumed: bool = Field(description="Whether it came back by its continuity token.")
    continuity_token: str | None = Field(
        description="Keep it: it is shown this once. Null for an agent that has ended."
    )
