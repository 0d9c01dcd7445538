"""Rows of schema ``soulfra`` about agreeing: guilds, votings, votes and the blessings of them."""

from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.quantity import Instant, Quantity
from schemas.soulfra.tables import LOOP, LoopCreatedAt
from schemas.soulfra.words import SCORE_SQL, Ballot, BlessingType, EntityId, Score
from schemas.table import Column, Index, JsonObject, Serial, Table

AGENT = "soulfra.agents (agent_id)"
Threshold = Annotated[
    Score, Column("The share of yes that grants a blessing.", default="0.5", sql=SCORE_SQL)
]


class Guild(Table, owner="mac", store="soulfra", table="soulfra.guilds", key=("guild_id",)):
    """Agents that agree among themselves. Follows from the stream ``guild:<guild_id>``."""

    guild_id: Annotated[EntityId, Column("Its name for ever.")]
    name: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=255)],
        Column("What it is called; no two are called the same.", unique=True),
    ]
    threshold: Threshold = 0.5
    founded_by: Annotated[str, Column("The first of its members.", references=AGENT)]
    created_at: Annotated[Instant, Column("When it was founded.", default="now()")]


class GuildMember(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.guild_members",
    key=("guild_id", "agent_id"),
    indexes=(Index("agent_id", "guild_members_agent_id_idx"),),
):
    """An agent in a guild."""

    guild_id: Annotated[str, Column("The guild.", references="soulfra.guilds (guild_id)")]
    agent_id: Annotated[str, Column("The agent.", references=AGENT)]
    joined_at: Annotated[Instant, Column("When it joined.", default="now()")]


class Voting(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.votings",
    key=("voting_id",),
    references={"votings_loop_fkey": LOOP},
    indexes=(
        Index("loop_id", "votings_loop_id_idx"),
        Index("opened_at", "votings_opened_at_idx", where="status = 'open'"),
        Index(
            "closed_at DESC",
            "votings_closed_at_idx",
            where="guild_id IS NOT NULL AND closed_at IS NOT NULL",
        ),
    ),
):
    """A question whether a loop is to be blessed. Follows from ``voting:<voting_id>``."""

    voting_id: Annotated[EntityId, Column("Its name for ever.")]
    loop_id: Annotated[str, Column("The loop.")]
    loop_created_at: LoopCreatedAt
    guild_id: Annotated[
        str | None,
        Column(
            "Whose members may vote; null: every agent.", references="soulfra.guilds (guild_id)"
        ),
    ] = None
    opened_by: Annotated[str, Column("The agent that asked.", references=AGENT)]
    threshold: Threshold = 0.5
    quorum: Annotated[
        int,
        Quantity("{vote}", "told when it was opened", low=1, high=10_000),
        Column("How many votes decide it.", default="1", sql="integer"),
    ] = 1
    status: Annotated[Ballot, Column("Where it is.", default="'open'")] = Ballot.OPEN
    opened_at: Annotated[Instant, Column("When it was opened.", default="now()")]
    closed_at: Annotated[
        Instant | None,
        Column("When it was decided.", check="(status = 'open') = (closed_at IS NULL)"),
    ] = None


class Vote(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.votes",
    key=("voting_id", "agent_id"),
    indexes=(Index("agent_id", "votes_agent_id_idx"),),
):
    """What one agent said in a voting, once."""

    voting_id: Annotated[str, Column("The voting.", references="soulfra.votings (voting_id)")]
    agent_id: Annotated[str, Column("Who said it.", references=AGENT)]
    approves: Annotated[bool, Column("Yes or no.")]
    cast_at: Annotated[Instant, Column("When it was said.", default="now()")]


class Blessing(
    Table,
    owner="mac",
    store="soulfra",
    table="soulfra.blessings",
    key=("id",),
    unique={"blessings_voting_id_key": ("voting_id",)},
    references={"blessings_loop_fkey": LOOP},
    indexes=(Index("loop_id", "idx_blessings_loop"),),
):
    """A blessing that was granted: one for each voting that agreed."""

    id: Annotated[Serial, Column("Its number; the event says it.", identity=True)]
    loop_id: Annotated[str, Column("The loop.")]
    loop_created_at: LoopCreatedAt
    voting_id: Annotated[
        str, Column("The voting that agreed.", references="soulfra.votings (voting_id)")
    ]
    blessed_by: Annotated[str, Column("The agent that asked for it.", references=AGENT)]
    blessing_type: Annotated[BlessingType, Column("Whose consensus it is.")]
    consensus_score: Annotated[Score, Column("The share of yes.", sql=SCORE_SQL)]
    timestamp: Annotated[Instant, Column("When it was granted.", default="now()")]
    metadata: Annotated[JsonObject, Column("What has no column of its own.", default="'{}'")] = (
        Field(default_factory=dict)
    )
