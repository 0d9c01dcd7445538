"""What the creature likes: learned from how content it was with the pieces that it finished."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

SHARE = 0.1
"""How far a liking moves towards the newest piece; the first ten count alike."""
DOUBT = 10
"""Pieces after which it is half sure."""
FLOOR = 0.25
"""The weight of an era that it dislikes: every era still occurs."""

LIGHT = ((10.0, "dark"), (200.0, "dim"), (float("inf"), "bright"))
"""By ``light_lux``, in lx."""
AIR = ((18.0, "cool"), (24.0, "mild"), (float("inf"), "warm"))
"""By ``ambient_temp_c``, in Cel."""
HOURS = ("night", "morning", "afternoon", "evening")
"""Quarters of the UTC day."""


class Like(NamedTuple):
    """One liking: a value in [-1, 1], and on how many pieces it rests."""

    value: float = 0.0
    pieces: int = 0
    first: str | None = None
    last: str | None = None

    @property
    def confidence(self) -> float:
        """How sure it is, in [0, 1)."""
        return self.pieces / (self.pieces + DOUBT)


def quarter(now: datetime) -> str:
    """The quarter of the UTC day."""
    return HOURS[now.hour // 6]


def light(readings: Mapping[str, float]) -> str | None:
    """The word for the light; None without a reading."""
    return _word(LIGHT, readings.get("light_lux"))


def circumstances(era: str, readings: Mapping[str, float], now: datetime) -> dict[str, str]:
    """What went with a piece: kind to word. A sensor that is absent says nothing."""
    words = {
        "era": era,
        "light": light(readings),
        "air": _word(AIR, readings.get("ambient_temp_c")),
        "hour": quarter(now),
    }
    return {kind: word for kind, word in words.items() if word}


def _word(bounds: Iterable[tuple[float, str]], value: float | None) -> str | None:
    return None if value is None else next(word for bound, word in bounds if value < bound)


class Likes:
    """Every liking by its name, ``kind:word``."""

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        self._of = {
            row["name"]: Like(
                row["value"], row["observation_count"], row["first_noticed"], row["last_confirmed"]
            )
            for row in rows
        }

    def learn(
        self, around: Mapping[str, str], satisfaction: float, at: str
    ) -> list[dict[str, Any]]:
        """Take in a piece; gives the rows that changed. ``satisfaction`` is in [0, 1]."""
        rows = []
        for kind, word in around.items():
            name = f"{kind}:{word}"
            value, count, first, _ = self._of.get(name, Like())
            value += max(SHARE, 1 / (count + 1)) * (2 * satisfaction - 1 - value)
            self._of[name] = like = Like(value, count + 1, first or at, at)
            rows.append({
                "name": name, "category": kind, "value": value, "confidence": like.confidence,
                "observation_count": like.pieces, "first_noticed": like.first, "last_confirmed": at,
                "description": f"pieces with {kind} {word}: {'good' if value > 0 else 'not good'}",
            })  # fmt: skip
        return rows

    def weight(self, era: str) -> float:
        """How gladly an era is taken up, in [FLOOR, 2]; 1 for one that it does not know."""
        like = self.of("era", era)
        return max(FLOOR, 1 + like.confidence * like.value)

    def of(self, kind: str, word: str) -> Like:
        """One liking; empty if there is none."""
        return self._of.get(f"{kind}:{word}", Like())
