"""Words and shapes that rows of more than one schema of ``governance`` use."""

from enum import StrEnum
from typing import Annotated, Any

from schemas.quantity import Quantity

JsonObject = dict[str, Any]
JsonList = list[Any]
Serial = Annotated[int, Quantity("1", "made by the database")]


class Regime(StrEnum):
    """The manner in which the governance EISV moves."""

    STABLE = "STABLE"
    TRANSITION = "TRANSITION"
    CONVERGENCE = "CONVERGENCE"
    DIVERGENCE = "DIVERGENCE"
    EXPLORATION = "EXPLORATION"
