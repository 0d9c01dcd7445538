"""What ``abode legacy verify`` says: one closed object, its contract with programs."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.quantity import Closed, Quantity

Rows = Annotated[int, Quantity("{row}", "counted on that side", low=0)]
What = Literal[
    "changed",  # a column of a row is another
    "missing",  # an old row is not there
    "extra",  # a row that came out of no old row
    "twice",  # one old row is there more than once
    "no row",  # an old row that cannot be there, and is not among the rejected
    "not there",  # rejected, but there is no such old row
    "broken",  # a foreign key, a sequence
]


class Difference(Closed):
    """One column of one row, or one row; values are cut around where they part."""

    what: What
    table: str
    key: str
    column: str = ""
    old: str | None = None
    new: str | None = None
    file: str = ""
    part: str = ""


class Source(Closed):
    """One part of one old file."""

    file: str
    part: str
    rows: Rows
    rejected: Rows
    """Of them those in legacy.rejected."""


class Batch(Closed):
    """A range of keys where both sides differ."""

    table: str
    first: str
    last: str
    old: Rows
    new: Rows
    old_sha256: str
    new_sha256: str


class Compared(Closed):
    """One table of the house, or one kind of thing in the graph."""

    table: str
    old: Rows
    """Rows that should be there."""
    new: Rows
    """Rows that are there, but for the house's own."""
    repeated: Rows = 0
    """Old rows that tell what another told."""
    own: Rows = 0
    """The house's own rows: nothing old tells of them."""
    spoken: Rows = 0
    """Agents that the house has heard of since, and that say something else of themselves now."""
    batches: Rows
    differing: Rows
    old_sha256: str
    new_sha256: str
    """Over all batches, in order."""


class Checked(Closed):
    """Keys that lead elsewhere, or numbers that come next."""

    what: Literal["foreign key", "sequence"]
    name: str
    broken: Rows


class Verified(Closed):
    """A whole directory against the house."""

    contract: Literal[1] = 1
    directory: str
    zone: str
    sources: list[Source]
    tables: list[Compared]
    graph: list[Compared]
    old_graph_sha256: str
    new_graph_sha256: str
    """Of all vertices and edges, whatever their order."""
    checks: list[Checked]
    batches: list[Batch] = Field(default_factory=list)
    """The first that differ."""
    differences: list[Difference] = Field(default_factory=list)
    """The first of them."""
    differing: Rows
    """All of them."""
    seconds: Annotated[float, Quantity("s", "of this run", low=0)]

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return self.differing == 0
