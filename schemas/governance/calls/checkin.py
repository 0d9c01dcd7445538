"""A check-in as a tool call: what clients of February 2026 and of today send."""

from typing import Annotated, Any

from pydantic import Field

from schemas.governance.calls import Call
from schemas.quantity import Quantity

Said = Annotated[float, Quantity("1", "the client's own estimate", low=0, high=1)]


class SyncState(Call):
    """A check-in. ``sensor_data`` holds anima, eisv, environment, identity, drawing_eisv.

    February sends it as JSON text, in ``parameters`` under the key sensor_data. What a client
    derives itself (confidence, drift, its text) is taken and not kept.
    """

    sensor_data: dict[str, Any] | str | None = Field(
        default=None, description="What the agent feels and measured: an object, or its JSON text."
    )
    parameters: tuple[dict[str, Any], ...] | None = Field(
        default=None, description="The same as February's client wraps it: [{key, value}]."
    )
    complexity: Said | None = Field(default=None, description="How complex its work is.")
    confidence: Said | None = Field(default=None, description="How sure it is; not kept.")
    ethical_drift: tuple[float, ...] | None = Field(default=None, description="Not kept.")
    response_text: str | None = Field(default=None, description="Not kept.")
    response_mode: str | None = Field(default=None, description="Every answer is whole.")
    trajectory_signature: dict[str, Any] | None = Field(default=None, description="Not kept.")
    agent_uuid: str | None = Field(default=None, description="An id it was given before.")
    continuity_token: str | None = Field(default=None, description="Not needed here.")
