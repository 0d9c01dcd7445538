"""The edges of a verdict, as ``core.calibration`` holds them."""

from typing import Self

from pydantic import model_validator

from schemas.eisv import Ratio
from schemas.quantity import Closed


class Thresholds(Closed):
    """Below, at and beyond them a verdict changes. The defaults are upstream's."""

    risk_low: Ratio = 0.35
    risk_pause: Ratio = 0.60
    coherence_pause: Ratio = 0.40
    void_pause: Ratio = 0.15

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.risk_low > self.risk_pause:
            raise ValueError(f"risk_low {self.risk_low} is above risk_pause {self.risk_pause}")
        return self
