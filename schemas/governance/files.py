"""Files that governance writes."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from schemas.document import Document
from schemas.governance.words import JsonObject
from schemas.quantity import Instant
from schemas.table import Column


class AuditLine(Document, owner="mac", place="audit_log.jsonl", form="jsonl"):
    """One thing that governance did, as it was written before anything could lose it.

    The same event is a row of audit.events for 180 days; the lines are kept for ever.
    """

    event_id: Annotated[UUID, Column("The same in audit.events.")]
    recorded_at: Annotated[Instant, Column("When it happened, by the clock of the server.")]
    agent_id: Annotated[str | None, Column("The agent it is about.")] = None
    event_type: Annotated[str, Column("What happened, in one word.")]
    payload: Annotated[JsonObject, Column("What else there is to say.")] = Field(
        default_factory=dict
    )


DOCUMENTS: tuple[type[Document], ...] = (AuditLine,)
