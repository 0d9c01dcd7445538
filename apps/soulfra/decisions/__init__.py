"""What a command comes to: events, or a refusal. Pure; each knows only the state it is given."""

from apps.soulfra.decisions import consensus, lives, loops, people
from apps.soulfra.decisions.decision import Decide, Decision, Numbers, asked

__all__ = ["Decide", "Decision", "Numbers", "asked", "consensus", "lives", "loops", "people"]
