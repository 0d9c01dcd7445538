"""The labels of the AGE graph ``governance_graph``: who found, said and answered what.

It repeats rows of core and dialectic so that a path can be asked for; they stay the truth.
An instant is ISO 8601 in UTC: agtype knows none.
"""

from typing import Annotated, Final

from schemas.governance import dialectic, knowledge
from schemas.governance.tables import Status
from schemas.label import Label
from schemas.quantity import Instant, Quantity
from schemas.table import Column

GRAPH: Final = "governance_graph"


class Agent(Label, owner="mac", graph=GRAPH, label="Agent", indexed=("id",)):
    """One agent, as in core.identities."""

    id: Annotated[str, Column("Its agent_id.")]
    status: Annotated[Status, Column("Where it is in its life.")]
    created_at: Annotated[Instant, Column("When it was first heard.")]


class Tag(Label, owner="mac", graph=GRAPH, label="Tag", indexed=("name",)):
    """A word that discoveries and agents can be found by."""

    name: Annotated[str, Column("The word.")]


class Discovery(
    Label, owner="mac", graph=GRAPH, label="Discovery", indexed=("id", "type", "status")
):
    """Something found out, as in core.discoveries."""

    id: Annotated[str, Column("Its discovery_id.")]
    type: Annotated[knowledge.Kind, Column("What it is.")]
    status: Annotated[knowledge.Standing, Column("Whether it is done with.")]
    severity: Annotated[knowledge.Severity | None, Column("How much it matters.")] = None
    summary: Annotated[str, Column("In a sentence.")]
    created_at: Annotated[Instant, Column("When it was told.")]


class DialecticSession(
    Label, owner="mac", graph=GRAPH, label="DialecticSession", indexed=("id", "status")
):
    """One dispute, as in dialectic.sessions."""

    id: Annotated[str, Column("Its session_id.")]
    status: Annotated[dialectic.Standing, Column("How it ended, or active.")]
    phase: Annotated[dialectic.Phase, Column("How far it is.")]
    created_at: Annotated[Instant, Column("When it was opened.")]


class DialecticMessage(Label, owner="mac", graph=GRAPH, label="DialecticMessage", indexed=("id",)):
    """What was said in a dispute, as in dialectic.messages."""

    id: Annotated[int, Quantity("1", "its message_id", low=1)]
    seq: Annotated[int, Quantity("1", "place in the dispute, from 0", low=0)]
    type: Annotated[dialectic.Step, Column("What it is.")]


class Spawned(Label, owner="mac", graph=GRAPH, label="SPAWNED", ends=((Agent,), (Agent,))):
    """A parent and an agent that it spawned."""


class Discovered(
    Label, owner="mac", graph=GRAPH, label="DISCOVERED", ends=((Agent,), (Discovery,))
):
    """Who found out what."""


class HasTag(Label, owner="mac", graph=GRAPH, label="HAS_TAG", ends=((Agent, Discovery), (Tag,))):
    """Something and a word for it."""


class RelatedTo(
    Label, owner="mac", graph=GRAPH, label="RELATED_TO", ends=((Discovery,), (Discovery,))
):
    """A discovery and another that it says it is related to, or whose place it took.

    Not a label of its own: AGE 1.5 lets nobody but a superuser drop one again.
    """

    supersedes: Annotated[bool | None, Column("True when it took its place.")] = None


class ResponseTo(
    Label, owner="mac", graph=GRAPH, label="RESPONSE_TO", ends=((Discovery,), (Discovery,))
):
    """A discovery and the one that it answers."""

    response_type: Annotated[knowledge.Response, Column("What it does to that.")]


class PausedAgent(
    Label, owner="mac", graph=GRAPH, label="PAUSED_AGENT", ends=((DialecticSession,), (Agent,))
):
    """A dispute and the agent whose pause it is about."""


class Reviewer(
    Label, owner="mac", graph=GRAPH, label="REVIEWER", ends=((DialecticSession,), (Agent,))
):
    """A dispute and the agent that answers in it."""


class HasMessage(
    Label,
    owner="mac",
    graph=GRAPH,
    label="HAS_MESSAGE",
    ends=((DialecticSession,), (DialecticMessage,)),
):
    """A dispute and what was said in it."""


class Wrote(Label, owner="mac", graph=GRAPH, label="WROTE", ends=((Agent,), (DialecticMessage,))):
    """An agent and what it said."""


VERTICES: tuple[type[Label], ...] = (Agent, Tag, Discovery, DialecticSession, DialecticMessage)
EDGES: tuple[type[Label], ...] = (
    Spawned,
    Discovered,
    HasTag,
    RelatedTo,
    ResponseTo,
    PausedAgent,
    Reviewer,
    HasMessage,
    Wrote,
)
LABELS = (*VERTICES, *EDGES)
