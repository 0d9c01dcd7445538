"""Rows of schema ``soulfra`` about what loops and agents went through."""

from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from schemas.quantity import Instant, Quantity
from schemas.soulfra.tables import LOOP, LoopCreatedAt
from schemas.soulfra.words import Cause, Change, EntityId, Fulfilment, Gathering, Position
from schemas.table import Column, Index, Serial, Table

AGENT = "soulfra.agents (agent_id)"


class Prophecy(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.prophecies",
    key=("id",),
    indexes=(
        Index("author_agent", "prophecies_author_agent_idx"),
        Index("created_at", "prophecies_created_at_idx", where="fulfillment_status = 'pending'"),
    ),
    sensitivity="personal",
):
    """What an agent foretold. Follows from the stream ``prophecy:<id>``."""

    id: Annotated[Serial, Column("Its number; the event says it.", identity=True)]
    prophecy_text: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=400_000)],
        Column("What was foretold, sealed; forgotten if its author is."),
    ]
    author_agent: Annotated[str, Column("Who foretold it.", references=AGENT)]
    fulfillment_status: Annotated[Fulfilment, Column("What became of it.", default="'pending'")] = (
        Fulfilment.PENDING
    )
    created_at: Annotated[Instant, Column("When it was foretold.", default="now()")]
    fulfilled_at: Annotated[
        Instant | None,
        Column(
            "When it came true.",
            check="(fulfillment_status = 'fulfilled') = (fulfilled_at IS NOT NULL)",
        ),
    ] = None
    related_loops: Annotated[
        tuple[str, ...], Column("The loops that it is about.", default="'{}'")
    ] = ()


class Transformation(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.transformations",
    key=("id",),
    indexes=(
        Index("loop_id, id DESC", "transformations_loop_id_id_idx", where="loop_id IS NOT NULL"),
        Index("agent_id, id DESC", "transformations_agent_id_id_idx", where="agent_id IS NOT NULL"),
    ),
):
    """A change of a loop or of an agent: of one of them, and of what to what.

    Written by a follower of the log, a moment later than what it is about.
    """

    id: Annotated[Position, Column("Of the event that changed it.")]
    change: Annotated[Change, Column("How it was changed.")]
    loop_id: Annotated[EntityId | None, Column("The loop that was changed.")] = None
    agent_id: Annotated[
        EntityId | None,
        Column("The agent that was changed.", check="(loop_id IS NULL) <> (agent_id IS NULL)"),
    ] = None
    from_value: Annotated[str | None, Column("What it was before: a tone, a loop's id.")] = None
    to_value: Annotated[str | None, Column("What it became.")] = None
    changed_at: Annotated[Instant, Column("When it was changed.", default="now()")]


class Cluster(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.clusters",
    key=("cluster_id",),
    indexes=(Index("formed_at", "clusters_formed_at_idx", where="status = 'active'"),),
):
    """Loops that belong together. Follows from the stream ``cluster:<cluster_id>``."""

    cluster_id: Annotated[EntityId, Column("Its name for ever.")]
    name: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=255)],
        Column("What it is called."),
    ]
    mythology: Annotated[
        Annotated[str, StringConstraints(max_length=100_000)] | None, Column("Its story.")
    ] = None
    status: Annotated[Gathering, Column("Whether it still is one.", default="'active'")] = (
        Gathering.ACTIVE
    )
    formed_at: Annotated[Instant, Column("When it was formed.", default="now()")]
    dissolved_at: Annotated[
        Instant | None,
        Column(
            "When it was dissolved.", check="(status = 'dissolved') = (dissolved_at IS NOT NULL)"
        ),
    ] = None


class ClusterLoop(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.cluster_loops",
    key=("cluster_id", "loop_id"),
    references={"cluster_loops_loop_fkey": LOOP},
    indexes=(Index("loop_id", "cluster_loops_loop_id_idx"),),
):
    """A loop in a cluster."""

    cluster_id: Annotated[str, Column("The cluster.", references="soulfra.clusters (cluster_id)")]
    loop_id: Annotated[str, Column("The loop.")]
    loop_created_at: LoopCreatedAt


class CreditEntry(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.credit_entries",
    key=("id",),
    indexes=(Index("user_id, id DESC", "credit_entries_user_id_id_idx"),),
    sensitivity="personal",
):
    """Credits that came to a user, or went. Their sum is what the user has."""

    id: Annotated[Position, Column("Of the event that moved them.")]
    user_id: Annotated[UUID, Column("Whose they are.", references="soulfra.users (id)")]
    amount: Annotated[
        int,
        Quantity("{credit}", "the event", low=-1_000_000_000, high=1_000_000_000),
        Column("Above 0 if they came.", check="amount <> 0", sql="integer"),
    ]
    cause: Annotated[Cause, Column("Why.")]
    entered_at: Annotated[Instant, Column("When.", default="now()")]
