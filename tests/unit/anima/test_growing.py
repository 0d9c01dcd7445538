"""The rules of learning, one by one, without a file."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from apps.anima.bonds import Bond
from apps.anima.goals import PULL, Goals
from apps.anima.insights import Insights
from apps.anima.likes import FLOOR, Likes, circumstances
from apps.anima.trajectory import SHAPES
from apps.anima.words import OF_FEELING, OF_WAY, Words
from apps.sqlite import as_text
from schemas.eisv import Anima

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)  # a Tuesday
AT = as_text(NOW)
ERAS = ("field", "geometric", "gestural")


def felt(clarity=0.8):
    """An anima."""
    return Anima(warmth=0.4, stability=0.7, presence=0.7, clarity=clarity)


def test_the_circumstances_of_a_piece_are_what_was_measured():
    """A board without a hat knows no light; the hour is UTC's."""
    assert circumstances("field", {"load_1m": 1}, NOW) == {"era": "field", "hour": "afternoon"}
    lit = circumstances("field", {"light_lux": 9.9, "ambient_temp_c": 24.0}, NOW)
    assert (lit["light"], lit["air"]) == ("dark", "warm")


def test_the_first_ten_pieces_count_alike_and_later_ones_a_tenth():
    """A mean, then an exponential one."""
    likes = Likes()
    for satisfaction in (1.0, 0.5, 0.0):
        likes.learn({"era": "field"}, satisfaction, AT)
    assert likes.of("era", "field").value == pytest.approx(0.0)

    for _ in range(17):
        likes.learn({"era": "field"}, 0.5, AT)
    before = likes.of("era", "field")
    (row,) = likes.learn({"era": "field"}, 1.0, "later")
    assert row["value"] == pytest.approx(before.value + 0.1 * (1 - before.value))
    assert (row["observation_count"], row["confidence"]) == (21, 21 / 31)
    assert (row["first_noticed"], row["last_confirmed"]) == (AT, "later")


def test_no_era_is_ever_given_up():
    """However bad its pieces were, it is drawn again; one that is liked, twice as often at most."""
    likes = Likes()
    for _ in range(500):
        likes.learn({"era": "field"}, 0.0, AT)
        likes.learn({"era": "gestural"}, 1.0, AT)

    assert likes.weight("field") == FLOOR
    assert likes.weight("geometric") == 1.0
    assert 1.9 < likes.weight("gestural") < 2.0


def test_a_week_wants_as_many_pieces_as_the_week_before():
    """Three at first; when they are done the goal is reached, and when not it is missed."""
    goals = Goals()
    (goal,) = goals.consider(NOW, ERAS, {})
    assert goal["description"] == "finish 3 pieces in 2026-W48"
    assert goal["target_date"] == "2026-11-30T00:00:00.000000+00:00"
    told = [goals.finished("field", NOW)[0]["progress"] for _ in range(2)]
    assert told == pytest.approx([1 / 3, 2 / 3])
    (reached,) = goals.finished("field", NOW)
    assert (reached["status"], reached["progress"]) == ("reached", 1.0)
    for _ in range(2):
        assert goals.finished("field", NOW) == []

    (following,) = goals.consider(NOW + timedelta(days=7), ERAS, {})
    assert following["description"] == "finish 5 pieces in 2026-W49"
    missed, _ = goals.consider(NOW + timedelta(days=14), ERAS, {})
    assert (missed["goal_id"], missed["status"]) == ("pieces:2026-W49", "missed")


def test_an_era_that_was_left_alone_becomes_a_goal_and_is_drawn_sooner():
    """The one left longest; one at a time; done when a piece of it is."""
    goals = Goals()
    last = {
        "field": as_text(NOW - timedelta(days=4)),
        "gestural": as_text(NOW - timedelta(days=5)),
        "geometric": as_text(NOW - timedelta(days=2)),
    }
    _, goal = goals.consider(NOW, ERAS, last)
    assert goal["goal_id"] == "era:gestural:2026-11-24"
    assert (goals.pull("gestural"), goals.pull("field")) == (PULL, 1.0)
    assert goals.consider(NOW, ERAS, last) == []

    assert [g["goal_id"] for g in goals.finished("field", NOW)] == ["pieces:2026-W48"]
    ended = {goal["goal_id"]: goal["status"] for goal in goals.finished("gestural", NOW)}
    assert ended == {"pieces:2026-W48": "active", "era:gestural:2026-11-24": "reached"}
    assert goals.pull("gestural") == 1.0


def test_a_creature_that_never_finished_a_piece_wants_no_era():
    """It has left nothing alone."""
    assert len(Goals().consider(NOW, ERAS, dict.fromkeys(ERAS))) == 1


def test_answers_within_ten_minutes_are_one_meeting():
    """Whoever answers every minute is met six times an hour."""
    bond = Bond()
    met = [bond.meet(NOW + timedelta(minutes=at), may_draw=True) for at in range(61)]

    assert bond.meetings == sum(since is not None for since in met) == 7
    assert bond.strength == "acquaintance"
    assert [moment["what"] for moment in bond.moments] == ["became acquaintance"]


def test_a_pause_is_felt_and_a_silence_remembered():
    """The valence goes towards -1; the gap is told."""
    bond = Bond()
    bond.meet(NOW, may_draw=True)
    after_proceed = bond.valence
    since = bond.meet(NOW + timedelta(hours=9), may_draw=False)

    assert (after_proceed, bond.valence) == (0.05, pytest.approx(0.05 - 0.05 * 1.05))
    assert since == timedelta(hours=9)
    assert bond.moments[-1]["what"] == "met again after 9 h"
    again = Bond(bond.row())
    assert again.row() == bond.row()


def observed(insights, group, mean, count, seed=1):
    """So many observations around a mean."""
    rng = random.Random(seed)
    for _ in range(count):
        insights.observe("clarity by hour", group, rng.gauss(mean, 0.05))


def test_a_difference_beyond_chance_is_an_insight_and_may_hold_again():
    """Each time with observations of its own; a restart in between changes nothing."""
    insights = Insights()
    observed(insights, "morning", 0.8, 20)
    observed(insights, "night", 0.6, 20, 2)
    observed(insights, "evening", 0.7, 7)
    (row,) = insights.compare(AT)
    assert row["id"] == "clarity by hour: morning over night"
    assert row["confidence"] > 0.99
    assert (row["sample_count"], row["validation_count"]) == (40, 0)
    assert insights.compare(AT) == []

    insights = Insights([row], insights.kept())
    observed(insights, "morning", 0.8, 8, 3)
    observed(insights, "night", 0.6, 8, 4)
    insights = Insights([row], insights.kept())
    (again,) = insights.compare("later")
    assert (again["validation_count"], again["sample_count"]) == (1, 16)
    assert (again["discovered_at"], again["last_validated"]) == (AT, "later")


@pytest.mark.parametrize(
    ("morning", "night", "count"), [(0.6, 0.8, 20), (0.70, 0.701, 60)], ids=["against", "nothing"]
)
def test_what_turns_out_otherwise_is_contradicted(morning, night, count):
    """The other way round, or with plenty of observations no difference at all."""
    row = {
        "id": "clarity by hour: morning over night", "category": "clarity by hour",
        "description": "", "confidence": 0.998, "sample_count": 16, "discovered_at": AT,
        "last_validated": AT, "validation_count": 2, "contradiction_count": 0,
    }  # fmt: skip
    insights = Insights([row])
    observed(insights, "morning", morning, count)
    observed(insights, "night", night, count)
    changed = {each["id"]: each for each in insights.compare(AT)}[row["id"]]

    assert (changed["validation_count"], changed["contradiction_count"]) == (2, 1)
    assert changed["confidence"] == 0.499


def test_chance_alone_is_hardly_ever_an_insight():
    """Four groups of the same kind, 300 times: about one in a hundred may pass."""
    found = 0
    for seed in range(300):
        insights = Insights()
        for number, group in enumerate(("night", "morning", "afternoon", "evening")):
            observed(insights, group, 0.5, 20, 10 * seed + number)
        found += len(insights.compare(AT))

    assert found <= 9


def test_words_fit_the_feeling_and_the_way():
    """The feeling that is farthest from a half speaks first."""
    words = Words(random.Random(1))
    said = words.say(felt(0.9), "convergence", AT, 0)

    assert said.tokens[0] == "bright"
    assert said.tokens[1] in OF_WAY["convergence"]
    assert said.pattern == "clarity convergence"
    assert set(OF_WAY) == set(SHAPES)
    assert set(OF_FEELING) == set(Anima.model_fields)


@pytest.mark.parametrize(
    ("clarity", "earned", "score", "counts"),
    [(0.9, 0, 1.0, (1, 0)), (0.8, 1, 1.0, (1, 0)), (0.7, 0, 0.0, (0, 1)), (0.81, 0, 0.5, (0, 0))],
)
def test_words_are_judged_by_what_came_after(clarity, earned, score, counts):
    """A better mood or a piece that earned its end; a worse mood; or neither."""
    words = Words(random.Random(1))
    said = words.say(felt(0.8), "convergence", AT, 0)
    rows = words.judge(felt(clarity), "later", earned)
    (utterance,), (combo,) = rows["add_utterance"], rows["upsert_combo"]
    token = rows["upsert_token"][1]

    assert (utterance["timestamp"], utterance["tokens"]) == (AT, " ".join(said.tokens))
    assert utterance["score"] == score
    assert (token["success_count"], token["failure_count"]) == counts
    assert combo["avg_score"] == pytest.approx(0.5 + 0.2 * (score - 0.5))
    assert words.score() == combo["avg_score"]


def test_a_word_that_serves_is_said_more_often():
    """Its weight goes towards two, and what never served is still said now and then."""
    tokens = [{"token": "settle", "success_count": 40, "failure_count": 0},
              {"token": "gather", "success_count": 0, "failure_count": 40}]  # fmt: skip
    words = Words(random.Random(3), tokens)
    said = [words.say(felt(), "convergence", AT, 0).tokens[1] for _ in range(2000)]

    assert said.count("settle") > 1.5 * said.count("keep") > said.count("gather") > 0
    assert words.fit("convergence") == ("settle", "keep", "gather")
    assert words.weight("new") == 1.0
