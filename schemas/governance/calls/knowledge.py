"""What is asked of the knowledge graph, and what it answers. Too long is refused, never cut."""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import to_json

from schemas.bridge import AgentName
from schemas.eisv import Coherence, Energy, Entropy, Integrity, Ratio, Void
from schemas.governance.calls import Call, Reply
from schemas.governance.knowledge import Kind, Response, Severity, Standing
from schemas.governance.words import JsonObject, Regime
from schemas.quantity import Closed, Instant, Quantity

STORES_PER_HOUR: Final = 20
"""What an agent may store, counted in core.discoveries."""
TAGS, LINKS, FILES = 32, 64, 64
PROVENANCE_BYTES: Final = 4_000
HOPS: Final = 3
"""How far a neighbourhood reaches."""
PATH: Final = 8
"""How long a path may be."""

STORABLE: Final = r"^[^\x00]*$"
LINE: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
"""One line of text that is not blank."""

DiscoveryId = Annotated[str, StringConstraints(max_length=200, pattern=LINE)]
Tag = Annotated[str, StringConstraints(max_length=64, pattern=LINE)]
File = Annotated[str, StringConstraints(max_length=500, pattern=LINE)]
Summary = Annotated[
    str, StringConstraints(max_length=1_000, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")
]
Details = Annotated[str, StringConstraints(max_length=20_000, pattern=STORABLE)]
Terms = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
Key = Annotated[str, StringConstraints(max_length=200, pattern=LINE)]


def _storable(said: JsonObject) -> JsonObject:
    text = to_json(said)
    if len(text) > PROVENANCE_BYTES:
        raise ValueError(f"is longer than {PROVENANCE_BYTES} bytes of JSON")
    if b"\\u0000" in text:
        raise ValueError("holds a character that Postgres cannot store")
    return said


Provenance = Annotated[JsonObject, AfterValidator(_storable)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=TAGS)]
Links = Annotated[tuple[DiscoveryId, ...], Field(max_length=LINKS)]
Files = Annotated[tuple[File, ...], Field(max_length=FILES)]
Limit = Annotated[int, Quantity("1", "how many at most", low=1, high=100)]
Score = Annotated[float, Quantity("1", "higher is closer", low=0)]
Hop = Annotated[int, Quantity("1", "edges from where it began", low=0)]


class Brief(Closed):
    """A discovery in a list."""

    discovery_id: str
    agent_id: str
    type: Kind
    severity: Severity | None
    status: Standing
    created_at: Instant
    summary: str
    superseded_by: str | None


class Found(Brief):
    """A discovery in full. The EISV is its agent's at that time; null where it had none."""

    details: str
    updated_at: Instant
    resolved_at: Instant | None
    tags: tuple[str, ...]
    related_to: tuple[str, ...]
    references_files: tuple[str, ...]
    response_to: str | None
    response_type: Response | None
    confidence: Ratio | None
    provenance: JsonObject | None
    energy: Energy | None
    integrity: Integrity | None
    entropy: Entropy | None
    void: Void | None
    coherence: Coherence | None
    regime: Regime | None


class StoreDiscovery(Call):
    """Something that was found out."""

    discovery_id: DiscoveryId | None = Field(
        default=None, description="An id of yours: told again it is stored once."
    )
    summary: Summary = Field(description="In a sentence.")
    details: Details = Field(default="", description="In full.")
    type: Kind = Field(default=Kind.NOTE, description="What it is.")
    severity: Severity | None = Field(default=None, description="How much it matters.")
    tags: Tags = Field(default=(), description="Words to find it by.")
    related_to: Links = Field(default=(), description="Ids of discoveries it has to do with.")
    references_files: Files = Field(default=(), description="Where to look.")
    response_to: DiscoveryId | None = Field(default=None, description="Id of what it answers.")
    response_type: Response | None = Field(default=None, description="What it does to that.")
    confidence: Ratio | None = Field(default=None, description="How sure you are.")
    provenance: Provenance | None = Field(default=None, description="Where it comes from.")

    @model_validator(mode="after")
    def _answers_in_some_way(self) -> Self:
        if (self.response_to is None) != (self.response_type is None):
            raise ValueError("response_to and response_type: say both or neither")
        return self


class Stored(Reply):
    """The discovery as it is now."""

    discovery: Found
    stores_left: int = Field(description="How many more this agent may store within the hour.")


class GetDiscovery(Call):
    """Which discovery."""

    discovery_id: DiscoveryId = Field(description="Its id.")


class Told(Reply):
    """A discovery and what came of it."""

    discovery: Found
    responses: tuple[str, ...] = Field(description="Ids of what answers it, the oldest first.")
    supersedes: tuple[str, ...] = Field(description="Ids of those whose place it took.")


class SearchDiscoveries(Call):
    """Words, or nothing to see the newest; each other key narrows it."""

    query: Terms | None = Field(
        default=None, description='Words as for a web search: "a phrase", or, -without.'
    )
    match: Literal["auto", "text", "fuzzy"] = Field(
        default="auto",
        description="text knows English words, fuzzy forgives typing errors in summaries and tags;"
        " auto tries text, then fuzzy.",
    )
    found_by: AgentName | None = Field(default=None, description="Whose.")
    type: Kind | None = Field(default=None, description="Of which kind.")
    status: Standing | None = Field(default=None, description="How far.")
    severity: Severity | None = Field(default=None, description="How much it matters.")
    tags: Tags = Field(default=(), description="It must have all of these.")
    superseded: bool = Field(default=False, description="Also those whose place was taken.")
    limit: Limit = Field(default=20, description="How many at most.")
    offset: int = Field(default=0, ge=0, le=10_000, description="How many to leave out first.")


class Hit(Brief):
    """What was found and why."""

    score: Score
    headline: str = Field(description="The summary, what matched between « and ».")
    excerpt: str = Field(description="Parts of the details around what matched.")


class Hits(Reply):
    """The best first."""

    hits: tuple[Hit, ...]
    matched: Literal["text", "fuzzy", "newest"] = Field(description="How these were found.")
    more: bool = Field(description="Whether there are more after these.")


class RelatedDiscoveries(Call):
    """What has to do with a discovery."""

    discovery_id: DiscoveryId = Field(description="Its id.")
    by: Literal["both", "tags", "links"] = Field(default="both", description="In which way.")
    limit: Limit = Field(default=20, description="How many at most.")


Tie = Literal["related_to", "related_from", "responds_to", "response", "supersedes", "superseded"]


class Related(Brief):
    """A discovery, what it shares and how it is linked; the score is links plus common tags."""

    score: Score
    shared_tags: tuple[str, ...]
    ties: tuple[Tie, ...]


class Relations(Reply):
    """The closest first."""

    related: tuple[Related, ...]


class ResponseChain(Call):
    """A conversation that a discovery is part of."""

    discovery_id: DiscoveryId = Field(description="Any discovery of it.")
    limit: int = Field(default=100, ge=1, le=500, description="How many at most.")


class ChainLink(Brief):
    """A discovery and what it answers."""

    depth: Hop
    response_to: str | None
    response_type: Response | None


class Chain(Reply):
    """From what nothing precedes; each after what it answers, level by level."""

    root: str
    links: tuple[ChainLink, ...]
    more: bool = Field(description="Whether it goes on after these.")
    circular: bool = Field(description="Whether answers lead back to themselves.")


class SupersedeDiscovery(Call):
    """A discovery that takes another's place, which is archived."""

    discovery_id: DiscoveryId = Field(description="The old one.")
    superseded_by: DiscoveryId = Field(description="The new one.")


class UpdateDiscovery(Call):
    """What is to change; the rest stays. One's own, or anybody's with the right to operate."""

    discovery_id: DiscoveryId = Field(description="Which.")
    status: Standing | None = Field(default=None, description="How far it is now.")
    severity: Severity | None = Field(default=None, description="How much it matters.")
    type: Kind | None = Field(default=None, description="What it is.")
    summary: Summary | None = Field(default=None, description="In a sentence.")
    details: Details | None = Field(default=None, description="In full.")
    confidence: Ratio | None = Field(default=None, description="How sure you are.")
    tags: Tags | None = Field(default=None, description="In place of all that it has.")
    related_to: Links = Field(default=(), description="Added to those that it has.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.changes():
            raise ValueError("nothing is to change")
        return self

    def changes(self) -> frozenset[str]:
        """The keys that were told."""
        told = self.model_fields_set - set(Call.model_fields) - {"discovery_id"}
        return frozenset(key for key in told if getattr(self, key) is not None)


class Changed(Reply):
    """The discovery as it is now."""

    discovery: Found


class AgentLineage(Call):
    """Whose ancestors and descendants."""

    of: AgentName | None = Field(default=None, description="The agent; you if absent.")


class Relative(Closed):
    """An agent above or below; depth -1 is the parent, 1 a child."""

    agent_id: str
    parent_agent_id: str | None
    spawn_reason: str | None
    status: str
    depth: int
    discoveries: Annotated[int, Quantity("{discovery}", "found by it", low=0)]


class Lineage(Reply):
    """The oldest ancestor first."""

    of: str
    relatives: tuple[Relative, ...]
    circular: bool = Field(description="Whether an agent is its own ancestor.")


VertexLabel = Literal["Agent", "Discovery", "Tag", "DialecticSession"]


class Vertex(Closed):
    """A vertex by its label and its key."""

    label: VertexLabel = Field(default="Discovery", description="What it is.")
    key: Key = Field(description="Its id; a tag's name.")


class Node(Closed):
    """A vertex that was reached."""

    label: str
    key: str
    says: str = Field(description="Its summary, name or status.")
    hop: Hop


class Link(Closed):
    """An edge between two that were reached, by their places in ``nodes``."""

    label: str
    start: int
    end: int


class Neighbourhood(Call):
    """What lies around a vertex."""

    around: Vertex = Field(description="Where to begin.")
    hops: int = Field(default=1, ge=1, le=HOPS, description="How far to go.")
    limit: int = Field(default=100, ge=1, le=500, description="How many vertices at most.")


class Surroundings(Reply):
    """The nearest first; edges in either direction were followed."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    more: bool = Field(description="Whether the limit kept something out.")


class PathBetween(Call):
    """Two vertices."""

    start: Vertex = Field(description="Where to begin.")
    end: Vertex = Field(description="Where to get to.")
    hops: int = Field(default=4, ge=1, le=PATH, description="How far to go.")


class Path(Reply):
    """A shortest path, or nothing when there is none that short."""

    found: bool
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]


class KnowledgeStats(Call):
    """Nothing more is asked."""


Count = Annotated[int, Quantity("1", "rows or vertices", low=0)]


class Stats(Reply):
    """How much there is, by kind; whether graph and rows have the same."""

    discoveries: Count
    agents: Count
    links: Count
    by_type: dict[str, Count]
    by_status: dict[str, Count]
    by_severity: dict[str, Count]
    superseded: Count
    top_tags: dict[str, Count]
    newest_at: Instant | None
    graph: dict[str, Count]
    graph_agrees: bool = Field(
        description="Whether the graph has a vertex or an edge for each row that has one."
    )
