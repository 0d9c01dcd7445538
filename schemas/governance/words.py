"""Words and shapes that rows of more than one schema of ``governance`` use."""

from enum import StrEnum

from schemas.table import JsonList, JsonObject, Serial

__all__ = ["JsonList", "JsonObject", "Regime", "Serial"]


class Regime(StrEnum):
    """The manner in which the governance EISV moves."""

    STABLE = "STABLE"
    TRANSITION = "TRANSITION"
    CONVERGENCE = "CONVERGENCE"
    DIVERGENCE = "DIVERGENCE"
    EXPLORATION = "EXPLORATION"
