"""What a tool is asked and what it answers: one closed model each, for MCP, REST and the page.

``Call`` and ``Reply`` are the roots; every room of governance declares its own beside them.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.quantity import Closed

Hint = Annotated[str, StringConstraints(max_length=200)]


class Right(StrEnum):
    """What a token lets its agent do."""

    CHECK_IN = "check-in"
    READ = "read"
    WRITE = "write"
    OPERATE = "operate"


class Call(Closed):
    """What a tool is asked. The token tells who asks; these three are hints of old clients."""

    client_session_id: Hint | None = Field(default=None, description="Session of the caller.")
    agent_name: Hint | None = Field(default=None, description="What the caller is called.")
    agent_id: Hint | None = Field(default=None, description="Id of the caller.")


class Reply(Closed):
    """What a tool answers when it did what was asked; a refusal is told in another way."""

    success: Literal[True] = True
    resolved_agent_id: str | None = Field(
        default=None, description="Whom the caller was taken for."
    )


class Refusal(Closed):
    """Why it was not done."""

    success: Literal[False] = False
    error: str
    hint: str | None = Field(default=None, exclude_if=lambda hint: hint is None)
    contracts: tuple[int, ...] | None = Field(
        default=None, exclude_if=lambda contracts: contracts is None
    )


class VerdictRefusal(Refusal):
    """The same where a verdict was asked for: pause, never leave to go on."""

    action: Literal["pause"] = "pause"
    margin: Literal["critical"] = "critical"
    reason: str
    resolved_agent_id: str | None = None
