"""The creature's first words, and how well they served it.

Columns as the real system named them; docs/growing.md says when a row is written.
"""

from typing import Annotated

from schemas.anima.tables import Numbered
from schemas.bridge import Count
from schemas.eisv import Ratio
from schemas.quantity import Instant, Quantity
from schemas.table import Column, Index, Table

Weight = Annotated[float, Quantity("1", "1 at birth, moved by feedback", low=0)]


class TokenWeight(
    Table, owner="pi", store="anima", table="primitive_token_weights", key=("token",)
):
    """How gladly the creature uses one word."""

    token: Annotated[str, Column("The word.", check="length(token) > 0")]
    weight: Annotated[Weight, Column("How gladly it is used.", default="1.0")] = 1.0
    success_count: Annotated[Count, Column("Times it served.", default="0")] = 0
    failure_count: Annotated[Count, Column("Times it did not.", default="0")] = 0
    last_updated: Annotated[Instant | None, Column("When the weight last moved.")] = None


class ComboWeight(
    Table, owner="pi", store="anima", table="primitive_combo_weights", key=("pattern",)
):
    """How gladly the creature puts kinds of words together."""

    pattern: Annotated[str, Column("The kinds, in order.", check="length(pattern) > 0")]
    weight: Annotated[Weight, Column("How gladly it is used.", default="1.0")] = 1.0
    use_count: Annotated[Count, Column("Times it was used.", default="0")] = 0
    avg_score: Annotated[Ratio, Column("How well it served.", default="0.5")] = 0.5
    last_updated: Annotated[Instant | None, Column("When the weight last moved.")] = None


class Utterance(
    Table,
    owner="pi",
    store="anima",
    table="primitive_history",
    key=("id",),
    unique={"primitive_history_timestamp_tokens_key": ("timestamp", "tokens")},
    indexes=(
        Index("timestamp DESC", "primitive_history_timestamp_idx"),
        Index("category_pattern", "primitive_history_category_pattern_idx"),
    ),
):
    """One thing that the creature said, how it felt then, and how it was received."""

    id: Numbered = None
    timestamp: Annotated[Instant, Column("When it was said.")]
    tokens: Annotated[str, Column("The words.", check="length(tokens) > 0")]
    category_pattern: Annotated[str | None, Column("The kinds of the words.")] = None
    warmth: Ratio | None = None
    brightness: Ratio | None = None
    stability: Ratio | None = None
    presence: Ratio | None = None
    score: Annotated[Ratio | None, Column("How well it was received.")] = None
    feedback_signals: Annotated[str | None, Column("What the score was taken from.")] = None
