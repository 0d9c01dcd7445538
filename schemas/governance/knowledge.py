"""Rows of schema ``core`` that hold what agents found out. The graph repeats them."""

from enum import StrEnum
from typing import Annotated

from annotated_types import Len
from pydantic import Field

from schemas.eisv import Coherence, Energy, Entropy, Integrity, Ratio, Void
from schemas.governance.words import JsonList, JsonObject, Regime
from schemas.quantity import Instant
from schemas.table import Column, Index, Table

OF = Column("The discovery.", references="core.discoveries (discovery_id) ON DELETE CASCADE")


class Kind(StrEnum):
    """What a discovery is."""

    INSIGHT = "insight"
    PATTERN = "pattern"
    IMPROVEMENT = "improvement"
    BUG_FOUND = "bug_found"
    QUESTION = "question"
    ANSWER = "answer"
    NOTE = "note"
    ANALYSIS = "analysis"
    EXPLORATION = "exploration"
    DIALECTIC_SYNTHESIS = "dialectic_synthesis"


class Severity(StrEnum):
    """How much a discovery matters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Standing(StrEnum):
    """Whether a discovery is done with."""

    OPEN = "open"
    RESOLVED = "resolved"
    ARCHIVED = "archived"


class Response(StrEnum):
    """What a discovery does to the one that it answers."""

    EXTEND = "extend"
    QUESTION = "question"
    DISAGREE = "disagree"
    SUPPORT = "support"


class Discovery(
    Table,
    owner="mac",
    store="governance",
    table="core.discoveries",
    key=("discovery_id",),
    indexes=(
        Index("agent_id, created_at DESC", "discoveries_agent_id_created_at_idx"),
        Index("created_at DESC", "discoveries_created_at_idx"),
        Index("type, created_at DESC", "discoveries_type_created_at_idx"),
        Index("status, created_at DESC", "discoveries_status_created_at_idx"),
        Index("response_to", "discoveries_response_to_idx", where="response_to IS NOT NULL"),
        Index("search", "discoveries_search_idx", method="gin"),
        Index("summary trgm.gin_trgm_ops", "discoveries_summary_idx", method="gin"),
        Index("superseded_by", "discoveries_superseded_by_idx", where="superseded_by IS NOT NULL"),
    ),
    sensitivity="personal",
):
    """Something that an agent found out and told.

    The EISV is the agent's governance state at that time; null where it had none.
    """

    discovery_id: Annotated[str, Column("Made by whoever stores it.")]
    agent_id: Annotated[str, Column("Who found it.", references="core.identities (agent_id)")]
    type: Annotated[Kind, Column("What it is.")]
    severity: Annotated[Severity | None, Column("How much it matters; null if not said.")] = None
    status: Annotated[Standing, Column("Whether it is done with.", default="'open'")] = (
        Standing.OPEN
    )
    created_at: Annotated[Instant, Column("When it was told.", default="now()")]
    updated_at: Annotated[Instant, Column("When it was last changed.", default="now()")]
    resolved_at: Annotated[Instant | None, Column("When it was done with.")] = None
    summary: Annotated[str, Column("In a sentence.", check="length(summary) > 0")]
    details: Annotated[str, Column("In full.", default="''")] = ""
    references_files: Annotated[tuple[str, ...], Column("Where to look.", default="'{}'")] = ()
    response_to: Annotated[
        str | None,
        Column(
            "The discovery that it answers.",
            references="core.discoveries (discovery_id) ON DELETE SET NULL",
        ),
    ] = None
    response_type: Annotated[
        Response | None,
        Column(
            "What it does to that; kept when that is gone.",
            check="response_to IS NULL OR response_type IS NOT NULL",
        ),
    ] = None
    confidence: Annotated[Ratio | None, Column("How sure the agent is.")] = None
    energy: Energy | None = None
    integrity: Integrity | None = None
    entropy: Entropy | None = None
    void: Void | None = None
    coherence: Coherence | None = None
    regime: Annotated[Regime | None, Column("How the EISV moved.")] = None
    provenance: Annotated[JsonObject | None, Column("Where it comes from.")] = None
    provenance_chain: Annotated[JsonList | None, Column("Where that comes from, in steps.")] = None
    metadata: Annotated[JsonObject, Column("What has no column of its own.", default="'{}'")] = (
        Field(default_factory=dict)
    )
    search: Annotated[
        str,
        Column(
            "Summary (A) and details (B), in English.",
            sql="tsvector",
            generated="setweight(to_tsvector('english', summary), 'A')"
            " || setweight(to_tsvector('english', details), 'B')",
        ),
    ] = ""
    superseded_by: Annotated[
        str | None,
        Column(
            "The discovery that took its place.",
            references="core.discoveries (discovery_id) ON DELETE SET NULL",
            check="superseded_by <> discovery_id",
        ),
    ] = None


class DiscoveryTag(
    Table,
    owner="mac",
    store="governance",
    table="core.discovery_tags",
    key=("discovery_id", "tag"),
    indexes=(Index("tag", "discovery_tags_tag_idx"),),
):
    """A word that a discovery can be found by."""

    discovery_id: Annotated[str, OF]
    tag: Annotated[str, Column("The word.", check="length(tag) > 0")]
    created_at: Annotated[Instant, Column("When it was given.", default="now()")]


class DiscoveryLink(
    Table,
    owner="mac",
    store="governance",
    table="core.discovery_links",
    key=("discovery_id", "related_id"),
    indexes=(Index("related_id", "discovery_links_related_id_idx"),),
):
    """A discovery that says that it is related to another."""

    discovery_id: Annotated[str, OF]
    related_id: Annotated[
        str,
        Column(
            "The other.",
            references="core.discoveries (discovery_id) ON DELETE CASCADE",
            check="related_id <> discovery_id",
        ),
    ]
    created_at: Annotated[Instant, Column("When it was said.", default="now()")]


class DiscoveryFile(
    Table, owner="mac", store="governance", table="core.discovery_files", key=("file",)
):
    """A file of discoveries that was loaded, and what of it no row holds: its form.

    With the rows it gives the file back, byte for byte as long as nothing changed since.
    """

    file: Annotated[str, Column("What it was called.")]
    sha256: Annotated[Annotated[bytes, Len(32, 32)], Column("Of its bytes.")]
    loaded_at: Annotated[Instant, Column("When.", default="now()")]
    role: Annotated[str, Column("The database role that loaded it.", default="current_user")]
    form: Annotated[JsonObject, Column("The order of its parts, and what is beside discoveries.")]


TABLES: tuple[type[Table], ...] = (Discovery, DiscoveryTag, DiscoveryLink, DiscoveryFile)
