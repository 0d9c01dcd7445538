"""Rows of the database ``governance``: schemas core and audit."""

from enum import StrEnum
from typing import Annotated, Literal

from annotated_types import Len

from schemas.bridge import Action, Edge, Margin, Sequence
from schemas.eisv import Coherence, Energy, Entropy, Integrity, Ratio, Void
from schemas.governance import audit
from schemas.governance.words import JsonObject, Regime
from schemas.quantity import Instant, Quantity
from schemas.table import Table

Serial = Annotated[int, Quantity("1", "made by the database")]
Sha256 = Annotated[bytes, Len(32, 32)]
Valence = Annotated[float, Quantity("1", "V as the Pi reports it", low=-1, high=1)]


class Status(StrEnum):
    """Where an agent is in its life. Only an operator changes it."""

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


class Identity(Table, owner="mac", store="governance", table="core.identities"):
    """One agent. Created by its first authenticated check-in."""

    identity_id: Serial
    agent_id: str
    status: Status = Status.ACTIVE
    created_at: Instant
    updated_at: Instant
    parent_agent_id: str | None = None
    label: str | None = None
    purpose: str | None = None
    notes: str | None = None
    tags: tuple[str, ...] = ()
    metadata: JsonObject


class Session(Table, owner="mac", store="governance", table="core.sessions"):
    """Which agent a session belongs to. Redis only caches this."""

    session_id: str
    identity_id: Serial
    created_at: Instant
    last_active: Instant
    expires_at: Instant
    metadata: JsonObject


class AgentState(Table, owner="mac", store="governance", table="core.agent_state"):
    """One acknowledged check-in: what was felt, the governance EISV after it, the verdict.

    (identity_id, boot_id, seq) is unique for ever: a repeat finds its first verdict here.
    The newest is the one that came last (state_id), unless it is ``late``: a higher seq of its
    boot came before it. ``recorded_at`` is the Pi's clock, which may be wrong, and orders nothing.
    ``state_json`` holds what was sent beside: drawing_eisv, environment, identity, pi.
    """

    state_id: Serial
    identity_id: Serial
    boot_id: str
    seq: Sequence
    body_sha256: Sha256
    recorded_at: Instant
    received_at: Instant
    late: bool
    energy: Energy
    integrity: Integrity
    entropy: Entropy
    void: Void
    coherence: Coherence
    regime: Regime
    health: Health
    risk: Ratio
    action: Action
    margin: Margin
    nearest_edge: Edge
    reason: str
    reported_energy: Ratio | None = None
    reported_integrity: Ratio | None = None
    reported_entropy: Ratio | None = None
    reported_void: Valence | None = None
    warmth: Ratio
    clarity: Ratio
    stability: Ratio
    presence: Ratio
    state_json: JsonObject


class Calibration(Table, owner="mac", store="governance", table="core.calibration"):
    """The thresholds of a verdict. One row, changed by an operator, read at start."""

    singleton: Literal[True] = True
    data: JsonObject
    version: int
    updated_at: Instant


class Probe(Table, owner="mac", store="governance", table="core.probe"):
    """When governance last proved that it can write. One row, for /health."""

    singleton: Literal[True] = True
    updated_at: Instant


TABLES: tuple[type[Table], ...] = (Identity, Session, AgentState, Calibration, Probe, *audit.TABLES)
