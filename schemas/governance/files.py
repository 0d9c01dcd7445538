"""Files that governance writes: one line per event or call, chained, one file per day."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.document import Document
from schemas.governance.words import JsonObject
from schemas.quantity import Instant, Quantity
from schemas.table import Column

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class AuditLine(Document, owner="mac", place="audit_log.jsonl", form="jsonl", keep_days=730):
    """One thing that governance did, as it was written before anything was acknowledged.

    The file of a day that is over is audit_log-<day>.jsonl.gz beside it. The same event is a row of
    audit.events for 180 days.
    """

    event_id: Annotated[UUID, Column("The same in audit.events.")]
    recorded_at: Annotated[Instant, Column("When it happened, by the clock of the server.")]
    agent_id: Annotated[str | None, Column("The agent it is about.")] = None
    event_type: Annotated[str, Column("What happened, in one word.")]
    payload: Annotated[JsonObject, Column("What else there is to say.")] = Field(
        default_factory=dict
    )
    seq: Annotated[int, Quantity("1", "lines since the trail began, without a gap", low=1)]
    prev: Annotated[Hash, Column("The hash of the line before it; zeroes of the first.")]
    hash: Annotated[Hash, Column("SHA-256 of this line without this member.")]


class UsageLine(Document, owner="mac", place="tool_usage.jsonl", form="jsonl", keep_days=365):
    """One call of a tool. Written soon after its answer; what found no room is counted.

    Daily files as of audit_log.jsonl. The same call is a row of audit.tool_usage for 90 days.
    """

    usage_id: Annotated[UUID, Column("The same in audit.tool_usage.")]
    recorded_at: Annotated[Instant, Column("When it was answered, by the clock of the server.")]
    agent_id: Annotated[str | None, Column("Who called.")] = None
    tool_name: Annotated[str, Column("The tool that was asked for, known or not.")]
    latency_ms: Annotated[float | None, Quantity("ms", "from request to answer", low=0)] = None
    success: Annotated[bool, Column("Whether it did what was asked.")]
    error_type: Annotated[str | None, Column("What went wrong, in one word.")] = None
    payload: Annotated[JsonObject, Column("What else there is to say.")] = Field(
        default_factory=dict
    )
    seq: Annotated[int, Quantity("1", "lines since the trail began, without a gap", low=1)]
    prev: Annotated[Hash, Column("The hash of the line before it; zeroes of the first.")]
    hash: Annotated[Hash, Column("SHA-256 of this line without this member.")]


class TrailManifest(Document, owner="mac", place="governance's volume: <trail>-<day>.json"):
    """What the packed day beside it holds. Written when that was read back whole."""

    day: Annotated[date, Column("The day of its lines, UTC.")]
    first_seq: Annotated[int, Quantity("1", "the number of its first line", low=1)]
    last_seq: Annotated[int, Quantity("1", "the number of its last line", low=1)]
    prev: Annotated[Hash, Column("The hash that its first line follows.")]
    hash: Annotated[Hash, Column("The hash of its last line; audit.anchors has the same.")]
    lines: Annotated[int, Quantity("{line}", "counted while it was packed", low=1)]
    sha256: Annotated[Hash, Column("Of the lines, unpacked.")]
    size_bytes: Annotated[int, Quantity("By", "the file, packed", low=0)]
    made_at: Annotated[Instant, Column("When it was packed.")]


DOCUMENTS: tuple[type[Document], ...] = (AuditLine, UsageLine, TrailManifest)
