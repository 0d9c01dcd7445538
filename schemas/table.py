"""A row that lives somewhere: every table states its owner, its store and its name."""

from typing import Any, ClassVar, Literal

from schemas.quantity import Closed

Owner = Literal["pi", "mac"]
Store = Literal["governance", "anima"]


class Table(Closed):
    """A row of a declared table.

    ``owner`` is the only side that writes it; ``store`` is its migration line.
    """

    owner: ClassVar[Owner]
    store: ClassVar[Store]
    table: ClassVar[str]

    def __init_subclass__(cls, *, owner: Owner, store: Store, table: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.owner, cls.store, cls.table = owner, store, table
