"""A label of a property graph: what a vertex or an edge of that kind carries."""

from typing import Any, ClassVar, Literal

from schemas.quantity import Closed
from schemas.table import Owner


class Label(Closed):
    """The properties of one vertex or edge.

    ``indexed`` are the properties that queries look for; the first one of a vertex is its key.
    An edge names the labels that it leads from and to.
    """

    owner: ClassVar[Owner]
    graph: ClassVar[str]
    label: ClassVar[str]
    kind: ClassVar[Literal["vertex", "edge"]]
    indexed: ClassVar[tuple[str, ...]]
    ends: ClassVar[tuple[tuple[type["Label"], ...], tuple[type["Label"], ...]] | None]

    def __init_subclass__(
        cls,
        *,
        owner: Owner,
        graph: str,
        label: str,
        indexed: tuple[str, ...] = (),
        ends: tuple[tuple[type["Label"], ...], tuple[type["Label"], ...]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.owner, cls.graph, cls.label, cls.indexed, cls.ends = owner, graph, label, indexed, ends
        cls.kind = "edge" if ends else "vertex"
