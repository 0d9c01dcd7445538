"""Words and shapes that rows of more than one schema of ``governance`` use."""

from enum import StrEnum
from typing import Any

JsonObject = dict[str, Any]


class Regime(StrEnum):
    """The manner in which the governance EISV moves."""

    STABLE = "STABLE"
    TRANSITION = "TRANSITION"
    CONVERGENCE = "CONVERGENCE"
    DIVERGENCE = "DIVERGENCE"
    EXPLORATION = "EXPLORATION"
