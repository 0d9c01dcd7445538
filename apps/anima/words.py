"""The creature's first words: one for how it feels, one for its way, chosen by how they served."""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any, NamedTuple

from schemas.eisv import Anima

OF_FEELING = {
    "warmth": ("cold", "warm"),
    "clarity": ("dim", "bright"),
    "stability": ("restless", "still"),
    "presence": ("faint", "here"),
}
"""For a feeling below and from a half; the feeling that is farthest from it speaks."""

OF_WAY = {
    "convergence": ("settle", "gather", "keep"),
    "settled_presence": ("stay", "breathe", "dwell"),
    "rising_entropy": ("stir", "scatter", "wander"),
    "falling_energy": ("sink", "tire", "ebb"),
    "void_rising": ("hollow", "empty", "away"),
    "basin_transition_up": ("rise", "wake", "lift"),
    "basin_transition_down": ("fall", "dull", "lower"),
    "entropy_spike_recovery": ("shake", "mend", "return"),
}

BETTER = 0.01
"""A change of the mean of clarity, stability and presence that counts."""
SHARE = 0.2
"""How far the score of a kind of utterance moves towards the newest."""


class Said(NamedTuple):
    """An utterance that has not been judged yet."""

    at: str
    tokens: tuple[str, ...]
    pattern: str
    anima: Anima
    earned: int


class Words:
    """How well each word and each kind of utterance served, and what was said last."""

    def __init__(
        self,
        rng: Random,
        tokens: Iterable[Mapping[str, Any]] = (),
        combos: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self._rng = rng
        self._counts: dict[str, tuple[int, int]] = {
            row["token"]: (row["success_count"], row["failure_count"]) for row in tokens
        }
        self._combos: dict[str, tuple[int, float]] = {
            row["pattern"]: (row["use_count"], row["avg_score"]) for row in combos
        }
        self.said: Said | None = None

    def weight(self, token: str) -> float:
        """1 for a new word, towards 2 for one that always served, towards 0 for one that never."""
        success, failure = self._counts.get(token, (0, 0))
        return 2 * (success + 1) / (success + failure + 2)

    def fit(self, shape: str) -> tuple[str, ...]:
        """The words for a way, the best first."""
        return tuple(sorted(OF_WAY[shape], key=lambda token: -self.weight(token)))

    def score(self) -> float | None:
        """How well utterances of the kind of the last one served; None if none was judged."""
        known = self._combos.get(self.said.pattern) if self.said else None
        return known[1] if known else None

    def say(self, anima: Anima, shape: str, at: str, earned: int) -> Said:
        """Speak; ``earned`` is how many pieces were ended for an earned reason so far."""
        feelings = anima.model_dump()
        feeling = max(feelings, key=lambda name: abs(feelings[name] - 0.5))
        first = OF_FEELING[feeling][feelings[feeling] >= 0.5]
        ways = OF_WAY[shape]
        (second,) = self._rng.choices(ways, [self.weight(token) for token in ways])
        self.said = Said(at, (first, second), f"{feeling} {shape}", anima, earned)
        return self.said

    def judge(self, anima: Anima, at: str, earned: int) -> dict[str, list[dict[str, Any]]]:
        """How what was said last was received; gives the rows by their query."""
        said = self.said
        if said is None:
            return {}
        mood = _mood(anima) - _mood(said.anima)
        has_served = earned > said.earned or mood > BETTER
        score = 1.0 if has_served else 0.0 if mood < -BETTER else 0.5
        for token in said.tokens:
            success, failure = self._counts.get(token, (0, 0))
            self._counts[token] = (success + (score == 1), failure + (score == 0))
        count, average = self._combos.get(said.pattern, (0, 0.5))
        self._combos[said.pattern] = count + 1, average + SHARE * (score - average)
        return {"upsert_token": self._tokens(said, at), "upsert_combo": [self._combo(said, at)],
                "add_utterance": [self._utterance(said, score, mood, earned)]}  # fmt: skip

    def _tokens(self, said: Said, at: str) -> list[dict[str, Any]]:
        return [
            {"token": token, "weight": self.weight(token), "last_updated": at,
             "success_count": self._counts[token][0], "failure_count": self._counts[token][1]}
            for token in said.tokens
        ]  # fmt: skip

    def _combo(self, said: Said, at: str) -> dict[str, Any]:
        count, average = self._combos[said.pattern]
        return {"pattern": said.pattern, "weight": 2 * average, "use_count": count,
                "avg_score": average, "last_updated": at}  # fmt: skip

    @staticmethod
    def _utterance(said: Said, score: float, mood: float, earned: int) -> dict[str, Any]:
        felt = said.anima
        signals = f"mood {mood:+.3f}, pieces {earned - said.earned}"
        return {"timestamp": said.at, "tokens": " ".join(said.tokens), "score": score,
                "category_pattern": said.pattern, "feedback_signals": signals,
                "warmth": felt.warmth, "brightness": felt.clarity,
                "stability": felt.stability, "presence": felt.presence}  # fmt: skip


def _mood(anima: Anima) -> float:
    return (anima.clarity + anima.stability + anima.presence) / 3
