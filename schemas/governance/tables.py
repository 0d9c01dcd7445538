"""Rows of schema ``core``: the agents and what they reported. Every schema is named here."""

from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, Literal

from annotated_types import Len
from pydantic import Field

from schemas.bridge import Action, Edge, Margin, Sequence
from schemas.eisv import Coherence, Energy, Entropy, Integrity, Ratio, Void
from schemas.governance import audit
from schemas.governance.words import JsonObject, Regime, Serial
from schemas.quantity import Instant, Quantity
from schemas.table import Column, Index, Table

SCHEMAS: Final = MappingProxyType(
    {
        "core": "Agents, what they reported and what they found. Written by governance only.",
        "audit": "What governance did, append-only. audit_log.jsonl holds the raw lines.",
        "dialectic": "Disputes between agents, step by step. Written by governance only.",
        "retired": "Months past their time, waiting to be archived. What lies here comes and goes.",
        "legacy": "What came from the old stores. Written by the operator's backfill only.",
    }
)
"""Schema to comment. The graph and the ledger have theirs from their extension and runner."""

Sha256 = Annotated[bytes, Len(32, 32)]
Valence = Annotated[float, Quantity("1", "V as the Pi reports it", low=-1, high=1)]
Whose = Annotated[
    Serial, Column("The agent.", references="core.identities (identity_id) ON DELETE CASCADE")
]
Now = Column("When the row was made.", default="now()")
MetaData = Annotated[JsonObject, Column("What has no column of its own.", default="'{}'")]


class Status(StrEnum):
    """Where an agent is in its life. An operator changes it, and a dispute that was settled."""

    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"
    DISABLED = "disabled"
    DELETED = "deleted"
    WAITING_INPUT = "waiting_input"


class Health(StrEnum):
    """The risk of an agent, in three words."""

    HEALTHY = "healthy"
    MODERATE = "moderate"
    CRITICAL = "critical"


class Identity(
    Table,
    owner="mac",
    store="governance",
    table="core.identities",
    key=("identity_id",),
    indexes=(Index("parent_agent_id", "identities_parent_agent_id_idx"),),
    sensitivity="personal",
):
    """One agent. Created by its first authenticated check-in."""

    identity_id: Annotated[Serial, Column(identity=True)]
    agent_id: Annotated[str, Column("Its name for ever.", unique=True)]
    status: Annotated[
        Status,
        Column("Where it is in its life; by an operator or a settled dispute.", default="'active'"),
    ] = Status.ACTIVE
    created_at: Annotated[Instant, Column("When it was first heard.", default="now()")]
    updated_at: Annotated[Instant, Column("When it last described itself.", default="now()")]
    parent_agent_id: Annotated[
        str | None,
        Column(
            "The agent that spawned it; never changed.",
            references="core.identities (agent_id)",
            check="parent_agent_id <> agent_id",
        ),
    ] = None
    label: Annotated[str | None, Column("What people call it.")] = None
    purpose: Annotated[str | None, Column("What it is for, in its own words.")] = None
    notes: Annotated[str | None, Column("What else it says of itself.")] = None
    tags: Annotated[tuple[str, ...], Column("Words to find it by.", default="'{}'")] = ()
    metadata: MetaData = Field(default_factory=dict)
    last_activity_at: Annotated[
        Instant | None,
        Column("When it last checked in, by the server's clock, to a quarter of a minute."),
    ] = None
    spawn_reason: Annotated[str | None, Column("Why its parent spawned it.")] = None


class LifecycleEvent(
    Table,
    owner="mac",
    store="governance",
    table="core.lifecycle_events",
    key=("event_id",),
    indexes=(Index("identity_id, event_id DESC", "lifecycle_events_identity_id_event_id_idx"),),
):
    """A status that an agent came to, its first one included. Written by a trigger alone.

    So a change that someone makes by hand is told as well as one that governance makes.
    """

    event_id: Annotated[Serial, Column(identity=True)]
    identity_id: Whose
    occurred_at: Annotated[Instant, Column("When its transaction began.", default="now()")]
    status_before: Annotated[Status | None, Column("Null when the agent is new.")] = None
    status: Annotated[Status, Column("What it came to.")]
    role: Annotated[str, Column("The database role that made the change.")]


class Session(
    Table,
    owner="mac",
    store="governance",
    table="core.sessions",
    key=("session_id",),
    indexes=(
        Index("identity_id", "sessions_identity_id_idx"),
        Index("expires_at", "sessions_expires_at_idx"),
    ),
    keep_days=1,
    sensitivity="secret",
):
    """Which agent a session belongs to. Redis only caches this."""

    session_id: Annotated[str, Column("Who shows it is taken for the agent.")]
    identity_id: Whose
    created_at: Annotated[Instant, Column("When it was bound.", default="now()")]
    last_active: Annotated[Instant, Column("When it was last used, to a minute.", default="now()")]
    expires_at: Annotated[Instant, Column("From when on it is nobody's.")]
    metadata: MetaData = Field(default_factory=dict)


class Purpose(StrEnum):
    """What a token opens."""

    ACCESS = "access"
    CONTINUITY = "continuity"


class Token(
    Table,
    owner="mac",
    store="governance",
    table="core.tokens",
    key=("token_id",),
    indexes=(
        Index("identity_id", "tokens_identity_id_idx"),
        Index("expires_at", "tokens_expires_at_idx"),
    ),
    sensitivity="secret",
):
    """A token that an agent was given, by the hash of its secret: the secret is kept nowhere.

    ``access`` opens the door with its rights; ``continuity`` tells that who was away is the same
    agent, and no more. The number is part of the token, so that its secret is compared with one
    hash and found by nothing. Kept for 30 days after its end, then swept.
    """

    token_id: Annotated[Serial, Column(identity=True)]
    identity_id: Whose
    purpose: Annotated[Purpose, Column("What it opens.")]
    secret_sha256: Annotated[Sha256, Column("Of its secret, 256 random bits.")]
    rights: Annotated[
        tuple[str, ...],
        Column(
            "What its bearer may do.",
            check="rights <@ ARRAY['check-in', 'read', 'write', 'operate']",
        ),
    ]
    issued_by: Annotated[
        str | None, Column("The agent that asked for it; null is who sat at the local door.")
    ] = None
    created_at: Annotated[Instant, Column("When it was shown.", default="now()")]
    expires_at: Annotated[Instant, Column("From when on it opens nothing.")]
    revoked_at: Annotated[Instant | None, Column("When somebody ended it before.")] = None
    last_used_at: Annotated[Instant | None, Column("When it was last shown, to an hour.")] = None


class AgentState(
    Table,
    owner="mac",
    store="governance",
    table="core.agent_state",
    key=("state_id",),
    unique={"agent_state_key": ("identity_id", "boot_id", "seq")},
    indexes=(
        Index("identity_id, recorded_at DESC", "agent_state_identity_id_recorded_at_idx"),
        Index(
            "identity_id, state_id DESC", "agent_state_identity_id_state_id_idx", where="NOT late"
        ),
    ),
    fresh_seconds=300,
    sensitivity="personal",
):
    """One acknowledged check-in: what was felt, the governance EISV after it, the verdict.

    (identity_id, boot_id, seq) is unique for ever: a repeat finds its first verdict here.
    The newest is the one that came last (state_id), unless it is ``late``: a newer one came before
    it (docs/bridge.md). ``recorded_at`` is the Pi's clock, which may be wrong: alone it orders
    nothing.
    ``stability`` is what the Pi felt; that of the governance EISV is 1 - S and not stored.
    """

    state_id: Annotated[Serial, Column(identity=True)]
    identity_id: Whose
    boot_id: Annotated[str, Column("The run of the Pi that sent it, or unkeyed-.")]
    seq: Sequence
    body_sha256: Annotated[Sha256, Column("Of what was said: a repeat must say the same.")]
    recorded_at: Annotated[Instant, Column("The Pi's clock; never after received_at.")]
    received_at: Annotated[Instant, Column("The server's clock.")]
    late: Annotated[bool, Column("A newer one came first; nothing steps from it.")]
    energy: Energy
    integrity: Integrity
    entropy: Entropy
    void: Void
    coherence: Coherence
    regime: Annotated[Regime, Column("How the governance EISV moved.")]
    health: Annotated[Health, Column("The risk, in a word.")]
    risk: Annotated[Ratio, Column("The risk that the verdict was measured by.")]
    action: Annotated[Action, Column("The verdict.")]
    margin: Annotated[Margin, Column("How far the nearest edge was.")]
    nearest_edge: Annotated[Edge, Column("Which edge was nearest.")]
    reason: Annotated[str, Column("The verdict in words.")]
    reported_energy: Annotated[Ratio | None, Column("E as the Pi reports it.")] = None
    reported_integrity: Annotated[Ratio | None, Column("I as the Pi reports it.")] = None
    reported_entropy: Annotated[Ratio | None, Column("S as the Pi reports it.")] = None
    reported_void: Valence | None = None
    warmth: Annotated[Ratio, Column("Anima, mapped from the sensors.")]
    clarity: Annotated[Ratio, Column("Anima, mapped from the sensors.")]
    stability: Annotated[Ratio, Column("Anima, mapped from the sensors.")]
    presence: Annotated[Ratio, Column("Anima, mapped from the sensors.")]
    state_json: Annotated[
        JsonObject,
        Column("What was sent beside: drawing_eisv, environment, identity, pi, monotonic_seconds."),
    ]


class Calibration(
    Table, owner="mac", store="governance", table="core.calibration", key=("singleton",)
):
    """The thresholds of a verdict. One row, changed by an operator, followed by the writer.

    A trigger counts its versions and keeps the replaced ones in core.calibration_versions.
    """

    singleton: Annotated[Literal[True], Column("There is one row.", default="true")] = True
    data: Annotated[JsonObject, Column("Threshold by name.")]
    version: Annotated[
        int, Quantity("1", "counted up by a trigger"), Column(sql="integer", default="1")
    ] = 1
    updated_at: Annotated[Instant, Column("When it was last changed.", default="now()")]
    changed_by: Annotated[
        str | None, Column("The operator's agent_id; null for a change by hand.")
    ] = None
    reason: Annotated[str | None, Column("Why it was changed.")] = None


class CalibrationVersion(
    Table, owner="mac", store="governance", table="core.calibration_versions", key=("version",)
):
    """Thresholds that were replaced, never changed; below 1 those of the old server.

    Written by a trigger, so that a change by hand is kept as well, and by the backfill.
    """

    version: Annotated[int, Quantity("1", "as in core.calibration"), Column(sql="integer")]
    data: Annotated[JsonObject, Column("Threshold by name.")]
    made_at: Annotated[Instant, Column("From when on they counted.")]
    changed_by: Annotated[
        str | None, Column("The operator who made them, by agent_id; null if by hand.")
    ] = None
    reason: Annotated[str | None, Column("Why they were made.")] = None
    replaced_at: Annotated[Instant, Column("Until when they counted.", default="now()")]
    replaced_role: Annotated[str, Column("The database role that replaced them.")]


class Probe(
    Table,
    owner="mac",
    store="governance",
    table="core.probe",
    key=("singleton",),
    fresh_seconds=60,
):
    """When governance last proved that it can write. One row, for /health."""

    singleton: Annotated[Literal[True], Column("There is one row.", default="true")] = True
    updated_at: Annotated[Instant, Column("The server's clock.", default="now()")]


TABLES: tuple[type[Table], ...] = (
    Identity,
    LifecycleEvent,
    Session,
    Token,
    AgentState,
    Calibration,
    CalibrationVersion,
    Probe,
    *audit.TABLES,
)
"""What the process governance cannot do without."""
