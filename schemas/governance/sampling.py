"""Which events are so many that one in some is enough. Everything else is kept, each one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NEVER: Final = ("check_in", "identity_", "agent_", "token_", "trail_", "dialectic_", "thresholds_")
"""What a type may not begin with to be sampled: verdicts, conflicts, lives, rights and rulings."""

KEEP_ONE_IN: Final[Mapping[str, int]] = MappingProxyType(
    {
        "lambda1_skip": 20,
        "complexity_derivation": 20,
        "calibration_check": 20,
        "session_resolve_miss_observed": 20,
    }
)
"""Event type to N. Three quarters of upstream's events were one type that nobody ever read."""
