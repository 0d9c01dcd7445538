"""Rows of schema ``audit``: what governance did, in months that come and go by themselves."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from annotated_types import Len
from pydantic import Field

from schemas.document import Document
from schemas.eisv import Coherence, Energy, Entropy, Integrity, Void
from schemas.governance.words import JsonObject, Regime
from schemas.quantity import Instant, Quantity
from schemas.table import Column, Index, Table

WHEN = "When it happened, by the clock of the server. Cuts the months."
YEARS = "recorded_at >= '1900-01-01+00' AND recorded_at < '9999-01-01+00'"
"""Outside of them no month is made."""
WHOSE = "The agent it is about, by its agent_id; kept when the agent is gone."
SESSION = "The session it came through."


class Trail(StrEnum):
    """A raw trail, by the name of its files."""

    AUDIT_LOG = "audit_log"
    TOOL_USAGE = "tool_usage"


class Assessment(StrEnum):
    """What Phi makes of a state: safe from 0.15, caution from 0, else high-risk."""

    SAFE = "safe"
    CAUTION = "caution"
    HIGH_RISK = "high-risk"


class AuditEvent(
    Table,
    owner="mac",
    store="governance",
    table="audit.events",
    key=("recorded_at", "event_id"),
    indexes=(
        Index("agent_id, recorded_at DESC", "events_agent_id_recorded_at_idx"),
        Index("event_type, recorded_at DESC", "events_event_type_recorded_at_idx"),
    ),
    month_by="recorded_at",
    keep_days=180,
):
    """One thing that governance did. The index of audit_log.jsonl, made from its lines alone."""

    event_id: Annotated[UUID, Column("The same in audit_log.jsonl.")]
    recorded_at: Annotated[Instant, Column(WHEN, check=YEARS)]
    agent_id: Annotated[str | None, Column(WHOSE)] = None
    event_type: Annotated[str, Column("What happened, in one word.")]
    payload: Annotated[JsonObject, Column("What else there is to say.", default="'{}'")] = Field(
        default_factory=dict
    )


class ToolUsage(
    Table,
    owner="mac",
    store="governance",
    table="audit.tool_usage",
    key=("recorded_at", "usage_id"),
    indexes=(
        Index("agent_id, recorded_at DESC", "tool_usage_agent_id_recorded_at_idx"),
        Index("tool_name, recorded_at DESC", "tool_usage_tool_name_recorded_at_idx"),
    ),
    month_by="recorded_at",
    keep_days=90,
):
    """One call of a tool. A call failed if and only if it names the error."""

    usage_id: Annotated[UUID, Column("Made by whoever served the call.")]
    recorded_at: Annotated[Instant, Column(WHEN, check=YEARS)]
    agent_id: Annotated[str | None, Column(WHOSE)] = None
    session_id: Annotated[str | None, Column(SESSION)] = None
    tool_name: Annotated[str, Column("The tool that was asked for, known or not.")]
    latency_ms: Annotated[
        float | None,
        Quantity("ms", "from request to answer", low=0),
        Column(check="latency_ms < 'Infinity'"),
    ] = None
    success: Annotated[bool, Column("Whether it did what was asked.", default="true")] = True
    error_type: Annotated[
        str | None,
        Column("What went wrong, in one word.", check="success = (error_type IS NULL)"),
    ] = None
    payload: Annotated[JsonObject, Column("What else there is to say.", default="'{}'")] = Field(
        default_factory=dict
    )


class OutcomeEvent(
    Table,
    owner="mac",
    store="governance",
    table="audit.outcome_events",
    key=("recorded_at", "outcome_id"),
    indexes=(
        Index("agent_id, recorded_at DESC", "outcome_events_agent_id_recorded_at_idx"),
        Index("outcome_type, recorded_at DESC", "outcome_events_outcome_type_recorded_at_idx"),
        Index("recorded_at DESC", "outcome_events_recorded_at_idx", where="is_bad"),
    ),
    month_by="recorded_at",
    keep_days=365,
):
    """How something that an agent did turned out, beside its governance EISV at that time.

    Calibration compares the two. The EISV is null where the agent had no state yet.
    """

    outcome_id: Annotated[UUID, Column("Made by whoever reported it.")]
    recorded_at: Annotated[Instant, Column(WHEN, check=YEARS)]
    agent_id: Annotated[str, Column(WHOSE)]
    session_id: Annotated[str | None, Column(SESSION)] = None
    outcome_type: Annotated[str, Column("What was attempted, such as a test or a drawing.")]
    outcome_score: Annotated[
        float | None, Quantity("1", "how well it went, by whoever reported it", low=0, high=1)
    ] = None
    is_bad: Annotated[bool, Column("Whether it counts against the agent.")]
    energy: Energy | None = None
    integrity: Integrity | None = None
    entropy: Entropy | None = None
    void: Void | None = None
    phi: Annotated[
        float | None,
        Quantity("1", "E/2 - (1 - I)/2 - S/2 - |V|/2 - drift^2/2", high=0.5),
        Column(check="phi > '-Infinity'"),
    ] = None
    verdict: Annotated[Assessment | None, Column("What Phi made of it.")] = None
    coherence: Coherence | None = None
    regime: Annotated[Regime | None, Column("How the EISV moved.")] = None
    detail: Annotated[JsonObject, Column("What else there is to say.", default="'{}'")] = Field(
        default_factory=dict
    )
    confidence: Annotated[
        float | None,
        Quantity("1", "how sure the agent was: as it says, else as it felt then", low=0, high=1),
    ] = None


class OutcomeKey(
    Table,
    owner="mac",
    store="governance",
    table="audit.outcome_keys",
    key=("agent_id", "idempotency_key"),
):
    """A key that an outcome was reported with, and what was answered. Never changed.

    Unique for ever: an outcome whose answer was lost may be reported again at any time.
    """

    agent_id: Annotated[str, Column(WHOSE)]
    idempotency_key: Annotated[str, Column("Made by whoever reported it.")]
    body_sha256: Annotated[Annotated[bytes, Len(32, 32)], Column("Of what was reported.")]
    outcome_id: Annotated[UUID, Column("The outcome that is kept.")]
    recorded_at: Annotated[Instant, Column("When it was kept.")]
    is_bad: Annotated[bool, Column("As it was answered.")]
    confidence: Annotated[
        float | None, Quantity("1", "how sure the agent was, as it was answered", low=0, high=1)
    ] = None
    verdict: Annotated[Assessment | None, Column("As it was answered.")] = None


class Partitioned(
    Table, owner="mac", store="governance", table="audit.partitions", key=("parent",)
):
    """A table that maintenance cuts into months. What is not listed here is not kept up."""

    parent: Annotated[str, Column("The table, with its schema.")]
    retain_days: Annotated[
        int, Quantity("d", "how long a row is kept", low=1), Column(sql="integer")
    ]
    ahead_months: Annotated[
        int,
        Quantity("mo", "made before they begin; the alarm is at two", low=3, high=24),
        Column(sql="integer", default="3"),
    ] = 3


class Retired(
    Table,
    owner="mac",
    store="governance",
    table="audit.retired",
    key=("retired_id",),
    unique={"retired_part_key": ("part",)},
    indexes=(Index("parent", "retired_parent_idx", where="dropped_at IS NULL"),),
):
    """A month that was past its time and was taken out of its table.

    It waits in schema ``retired`` until governance has its archive, then it is dropped.
    """

    retired_id: Annotated[int, Quantity("1", "made by the database"), Column(identity=True)]
    parent: Annotated[str, Column("The table that it was a month of.")]
    part: Annotated[str, Column("Its name in schema retired, and that of its archive.")]
    from_at: Annotated[Instant, Column("The first instant that it could hold.")]
    upto_at: Annotated[Instant, Column("The first instant that it could not.")]
    retired_at: Annotated[Instant, Column("When it was taken out.", default="now()")]
    rows: Annotated[int | None, Quantity("{row}", "counted when it was dropped", low=0)] = None
    sha256: Annotated[
        Annotated[bytes, Len(32, 32)] | None, Column("Of the archived CSV, uncompressed.")
    ] = None
    dropped_at: Annotated[Instant | None, Column("When it went; null while it waits.")] = None


class Position(Table, owner="mac", store="governance", table="audit.positions", key=("trail",)):
    """How far a raw trail is indexed. Moves in the transaction that adds the rows.

    A line is known by its number and hash; file and bytes only say where reading goes on.
    """

    trail: Annotated[Trail, Column("The trail, by its file's name.")]
    first_seq: Annotated[
        int, Quantity("1", "the number of the first line of the file", low=0), Column(sql="bigint")
    ]
    read_bytes: Annotated[
        int, Quantity("By", "read of that file, uncompressed", low=0), Column(sql="bigint")
    ]
    seq: Annotated[int, Quantity("1", "the last line that is indexed", low=0), Column(sql="bigint")]
    hash: Annotated[Annotated[bytes, Len(32, 32)], Column("Of that line.")]
    state_id: Annotated[
        int,
        Quantity("1", "the last check-in that is indexed", low=0),
        Column(sql="bigint", default="0"),
    ] = 0
    lifecycle_id: Annotated[
        int,
        Quantity("1", "the last lifecycle event that needs no line", low=0),
        Column(sql="bigint", default="0"),
    ] = 0
    updated_at: Annotated[Instant, Column("When it last moved.", default="now()")]


class Untold(
    Table,
    owner="mac",
    store="governance",
    table="audit.untold",
    key=("event_id",),
):
    """An event of a change, kept in the change's own transaction until its line is indexed.

    What is left of them after a kill has no line, and is told at the next start.
    """

    event_id: Annotated[UUID, Column("The same in audit_log.jsonl, and in audit.events then.")]
    untold_id: Annotated[
        int, Quantity("1", "made by the database; orders them"), Column(identity=True)
    ]
    recorded_at: Annotated[Instant, Column("When it happened, by the clock of the server.")]
    agent_id: Annotated[str | None, Column(WHOSE)] = None
    event_type: Annotated[str, Column("What happened, in one word.")]
    payload: Annotated[JsonObject, Column("What else there is to say.", default="'{}'")] = Field(
        default_factory=dict
    )


class Anchor(Table, owner="mac", store="governance", table="audit.anchors", key=("trail", "seq")):
    """The last line of a day's file, told while nobody could have changed it yet. Only added."""

    trail: Annotated[Trail, Column("The trail, by its file's name.")]
    seq: Annotated[int, Quantity("1", "the day's last line", low=1), Column(sql="bigint")]
    day: Annotated[date, Column("The day that ended, UTC.")]
    hash: Annotated[Annotated[bytes, Len(32, 32)], Column("Of that line.")]
    anchored_at: Annotated[Instant, Column("When it was told.", default="now()")]


TABLES: tuple[type[Table], ...] = (
    AuditEvent,
    ToolUsage,
    OutcomeEvent,
    OutcomeKey,
    Partitioned,
    Retired,
    Position,
    Untold,
    Anchor,
)


class Manifest(
    Document, owner="mac", place="governance's volume: archive/<part>.json", sensitivity="personal"
):
    """What the compressed CSV beside it holds. It is written last: without it nothing is there."""

    table: Annotated[str, Column("The table or query that the rows came from.")]
    from_at: Annotated[Instant | None, Column("The first instant of its month.")] = None
    upto_at: Annotated[Instant | None, Column("The first instant after its month.")] = None
    columns: Annotated[tuple[str, ...], Column("In the order of the file.")]
    rows: Annotated[int, Quantity("{row}", "counted while reading the file back", low=0)]
    sha256: Annotated[str, Len(64, 64), Column("Of the CSV, uncompressed, in hex.")]
    size_bytes: Annotated[int, Quantity("By", "the file, compressed", low=0)]
    migration: Annotated[str | None, Column("The migration that it was taken before.")] = None
    made_at: Annotated[Instant, Column("When it was written.")]


DOCUMENTS: tuple[type[Document], ...] = (Manifest,)
