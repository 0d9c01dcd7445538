"""A file that is data: one JSON object, or one JSON object per line."""

from typing import Any, ClassVar, Literal

from schemas.quantity import Closed
from schemas.table import Owner, Sensitivity


class Document(Closed):
    """The content of a JSON file, or of one line of a JSONL file.

    ``place`` is where it lies as an operator writes it; the other keywords are those of ``Table``.
    """

    owner: ClassVar[Owner]
    place: ClassVar[str]
    form: ClassVar[Literal["json", "jsonl"]]
    keep_days: ClassVar[int | None]
    fresh_seconds: ClassVar[float | None]
    sensitivity: ClassVar[Sensitivity]

    def __init_subclass__(
        cls,
        *,
        owner: Owner,
        place: str,
        form: Literal["json", "jsonl"] = "json",
        keep_days: int | None = None,
        fresh_seconds: float | None = None,
        sensitivity: Sensitivity = "internal",
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.owner, cls.place, cls.form = owner, place, form
        cls.keep_days, cls.fresh_seconds, cls.sensitivity = keep_days, fresh_seconds, sensitivity
