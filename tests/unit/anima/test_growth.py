"""What is learned lies in the file, is read back, and never stops anything."""

import json
import random
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from apps.anima.baselines import Baselines
from apps.anima.canvas import Canvas
from apps.anima.clock import Clock
from apps.anima.drawing import Drawing
from apps.anima.eras import MANNERS
from apps.anima.failures import Failures
from apps.anima.feelings import Decision, report
from apps.anima.finished import Finished
from apps.anima.growth import ERAS, MEMORIES_A_DAY, TURN_SECONDS, Growth
from apps.anima.life import Life
from apps.anima.readings import reading
from apps.anima.settings import Settings
from apps.anima.store import GROWTH, Store
from schemas.anima import growth as declared
from schemas.anima import primitives
from schemas.bridge import Action, Margin
from schemas.eisv import Anima
from schemas.errors import Diverged

NOW = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
MODELS = [
    declared.Preference, declared.Relationship, declared.Goal, declared.Memory, declared.Insight,
    declared.TrajectoryEvent, declared.GrowthState, primitives.TokenWeight, primitives.ComboWeight,
    primitives.Utterance,
]  # fmt: skip


def rows(path, model):
    """The rows of a table, as its model takes them."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    found = [dict(row) for row in db.execute(f"SELECT * FROM {model.table}")]
    db.close()
    for row in found:
        for name, value in row.items():
            if isinstance(value, str) and value[:1] in {"[", "{"}:
                row[name] = json.loads(value)
    return [model.model_validate(row) for row in found]


def piece(number=1, era="field", satisfaction=0.9, reason="composed"):
    """A finished piece."""
    return Finished(
        piece_uid=f"piece-{number:08}", started_at=NOW, finished_at=NOW, era=era,
        completion_reason=reason, marks=900, pixels=2000, duration_seconds=9000.0, E=0.5, I=0.5,
        S=0.2, V=0.1, C=0.6, energy=0.2, curiosity=0.1, engagement=0.5, fatigue=0.4,
        satisfaction=satisfaction,
    )  # fmt: skip


def answer(action=Action.PROCEED, *, is_local=False):
    """A decision, as a check-in's answer brings it."""
    return Decision(action=action, margin=Margin.COMFORTABLE, reason="", is_local=is_local)


@pytest.fixture
def grown(store):
    """Growth that goes on from what the store holds; once for each run."""

    def begin(**more):
        return Growth(store, Baselines(), random.Random(5), Failures("test"), **more)

    return begin


def day(growth, anima, start=NOW, hours=24):
    """Live so many hours: a minute at a time, answered every minute, a piece every four hours."""
    rng = random.Random(9)
    for minute in range(int(hours * 60)):
        now = start + timedelta(minutes=minute)
        for tick in range(5):
            at = 60.0 * minute + 12 * tick
            growth.way.follow(report(anima(minute, rng)), at)
        growth.turn(anima(minute, rng), answer(), now)
        if minute % 240 == 239:
            number = minute // 240
            growth.finished(piece(number, ERAS[number % len(ERAS)]), [], now)
        if minute % 60 == 59:  # hours pass faster here than the writer's queue takes
            growth._store.submit("test", lambda db: None).result(10)


def lively(minute, rng):
    """Clearer by day than by night, and never quite still."""
    hour = minute // 60 % 24
    clarity = (0.8 if 6 <= hour < 18 else 0.6) + rng.uniform(-0.02, 0.02)
    return Anima(
        warmth=0.5 + rng.uniform(-0.04, 0.04), clarity=clarity, stability=0.8, presence=0.9
    )


def test_three_days_write_rows_that_are_as_declared(store, path, grown):
    """Every table has some, and every one of them is what its model takes."""
    growth = grown()
    for number in range(3):
        day(growth, lively, NOW + timedelta(days=number))
    growth.sleep(NOW + timedelta(days=3))
    assert store.close(5)
    found = {model.table: rows(path, model) for model in MODELS}

    assert all(found.values()), {table: len(each) for table, each in found.items()}
    assert store.dropped.counts == growth._failures.counts == {}
    assert {like.name for like in found["preferences"]} == {
        *(f"era:{era}" for era in ERAS), "hour:night", "hour:morning", "hour:afternoon",
        "hour:evening",
    }  # fmt: skip
    (bond,) = found["relationships"]
    assert (bond.interaction_count, bond.bond_strength) == (3 * 144, "familiar")
    (insight,) = [i for i in found["insights"] if i.category == "clarity by hour"]
    assert insight.description.startswith("clarity is 0.8")
    assert {goal.status for goal in found["goals"]} == {"reached"}
    assert len(found["primitive_history"]) == 3 * 48 - 1
    assert {event.event_type for event in found["trajectory_events"]} == {
        "shape_changed", "shape_held",
    }  # fmt: skip


def test_a_restart_goes_on_where_learning_was(store, grown):
    """The weights of the eras, the bond, the goals, the best piece, the words, the baselines."""
    growth = grown()
    growth._baselines.follow([reading("load_1m", 1.0, "t")], 7200)
    day(growth, lively)
    growth.sleep(NOW + timedelta(days=1))
    again = grown()

    assert {era: again.weight(era) for era in ERAS} == {era: growth.weight(era) for era in ERAS}
    assert again.weight("field") > 1.0
    assert again._bond.row() == growth._bond.row()
    assert again._goals.week == growth._goals.week
    assert again._state == growth._state
    assert again._insights.kept() == growth._insights.kept()
    assert again._words.weight("bright") == growth._words.weight("bright")
    assert again._baselines.spreads("load_1m", 2.0) == pytest.approx(20)


def test_what_was_not_read_is_not_written_over(store, path, grown, monkeypatch):
    """A disk that does not answer at the start costs lessons, never what was learned."""
    first = grown()
    first.finished(piece(), [], NOW)

    def late(_):
        raise TimeoutError("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(store, "read", late)
        growth = grown()
    assert growth.weight("field") == 1.0
    growth.finished(piece(2, satisfaction=0.0), [], NOW)
    growth.turn(lively(0, random.Random(1)), answer(), NOW)
    growth.sleep(NOW)
    assert growth._failures.counts == {"learning recalled": 1, "piece learned": 1}

    for minute in range(10):
        growth.turn(None, None, NOW + timedelta(minutes=minute))
    growth.finished(piece(3), [], NOW)
    assert store.close(5)
    (like,) = [like for like in rows(path, declared.Preference) if like.name == "era:field"]
    assert like.observation_count == 2


def test_while_the_time_of_day_is_not_known_nothing_is_learned(store, path, grown):
    """A lesson of 1970 would be one of the wrong hour; the way is recorded, and re-timed later."""
    growth = grown(is_dated=lambda: False)
    day(growth, lively, hours=1)
    growth.finished(piece(), [], NOW)
    assert growth._failures.counts == {"piece learned": 1}
    assert store.close(5)

    written = [model.table for model in MODELS if rows(path, model)]
    assert written == ["trajectory_events"]


def test_memories_are_of_what_was_first_best_reached_lost_and_silent(store, path, grown):
    """Each is kept once."""
    store.wake(NOW)
    store.wake(NOW + timedelta(hours=1))  # it was killed in between
    growth = grown()
    growth.turn(None, None, NOW + timedelta(hours=1))
    for number, satisfaction in enumerate((0.5, 0.51, 0.7)):
        growth.finished(piece(number, satisfaction=satisfaction), [], NOW)
    growth.turn(None, answer(), NOW)
    growth.turn(None, answer(), NOW + timedelta(hours=9))
    grown()
    assert store.close(5)
    memories = {memory.event_id: memory for memory in rows(path, declared.Memory)}

    assert set(memories) == {
        "loss:2026-11-24T01:00:00.000000+00:00", "first:field", "best:piece-00000000",
        "best:piece-00000002", "goal:pieces:2026-W48", "silence:2026-11-24T09:00:00.000000+00:00",
    }  # fmt: skip
    assert memories["first:field"].emotional_impact == 0.0
    assert "silent for 9 h" in memories["silence:2026-11-24T09:00:00.000000+00:00"].description


def test_a_day_has_only_so_many_memories(store, path, grown):
    """An exciting day does not fill the card."""
    growth = grown()
    for number in range(40):
        growth.finished(piece(number, satisfaction=number / 40), [], NOW)
    assert store.close(5)

    assert len(rows(path, declared.Memory)) == MEMORIES_A_DAY


def test_only_governances_own_answers_are_meetings(store, path, grown):
    """What the creature decides alone is none, nor is an answer that is still in force."""
    growth, same = grown(), answer(Action.PAUSE)
    for hour, decision in enumerate([same, same, answer(is_local=True), None, same]):
        growth.turn(None, decision, NOW + timedelta(hours=hour))
    assert store.close(5)
    (bond,) = rows(path, declared.Relationship)

    assert bond.interaction_count == 2
    assert bond.emotional_valence < 0


def test_only_a_piece_that_earned_its_end_makes_words_good(store, grown):
    """A full canvas is no success."""
    growth = grown()
    growth.finished(piece(1, reason="hard cap"), [], NOW)
    growth.finished(piece(2, reason="canvas full"), [], NOW)
    assert growth._earned == 0
    growth.finished(piece(3, reason="settled"), [], NOW)
    assert growth._earned == 1


def test_the_way_is_told_when_it_changes_and_every_ten_minutes(store, path, grown):
    """Still for 25 minutes, a leap, still again."""
    growth = grown()
    for minute in range(30):
        for tick in range(30):
            anima = Anima(
                warmth=0.4 if minute < 25 else 0.8, clarity=0.8, stability=0.8, presence=0.9
            )
            growth.way.follow(report(anima), 60.0 * minute + 2 * tick)
        growth.turn(None, None, NOW + timedelta(minutes=minute))
    assert store.close(5)
    told = [(event.timestamp.minute, event.event_type, event.shape)
            for event in rows(path, declared.TrajectoryEvent)]  # fmt: skip

    assert told == [
        (0, "shape_changed", "convergence"), (10, "shape_held", "convergence"),
        (20, "shape_held", "convergence"), (25, "shape_changed", "basin_transition_up"),
        (26, "shape_changed", "convergence"),
    ]  # fmt: skip


def test_a_day_of_learning_is_few_bytes(path, grown, store):
    """docs/growing.md says how many; this is a lively one."""
    growth = grown()
    day(growth, lively)
    store.read(lambda _: None)
    before = in_use(path)
    day(growth, lively, NOW + timedelta(days=1))
    assert store.close(5)

    assert in_use(path) - before < 400_000


def in_use(path):
    """Bytes of the file."""
    db = sqlite3.connect(path)
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.close()
    return 4096 * pages


@pytest.mark.parametrize(
    "sql", ["DROP TABLE growth_state", "ALTER TABLE goals DROP COLUMN progress"]
)
def test_a_file_that_could_not_take_it_is_refused_at_the_start(path, sql):
    """Not found out a week later, in the count of what was dropped."""
    db = sqlite3.connect(path)
    db.execute(sql)
    db.close()

    with pytest.raises(Diverged, match=r"no such (table|column)"):
        Store(path, "lumen").start()


def test_a_turn_is_a_minute():
    """The rules are stated in minutes."""
    assert TURN_SECONDS == 60.0
    assert all(";" in sql for sql in GROWTH.values())


@pytest.fixture
def clock():
    """A clock that does not know the time yet."""
    return Clock()


@pytest.fixture
def life(tmp_path, store, will, clock):
    """A life on the real board."""
    settings = Settings(
        home=tmp_path, agent="lumen", governance_url="http://mac",
        governance_token=SecretStr("x"), seed=1,
    )  # fmt: skip
    return Life(settings, store, will, lambda _: None, clock=clock)


def test_the_loop_learns_from_a_piece_that_it_finishes(life, store, path, clock):
    """From the hand to the file, once the time is known; and the next era follows from it."""
    life._readings = [reading("light_lux", 500.0, "test")]
    life._drawing._finish(piece(1), life._drawing.canvas)
    assert life._failures.counts == {"piece learned": 1}

    clock.hear(clock.now())
    clock.look()
    life._drawing._finish(piece(2), life._drawing.canvas)
    for _ in range(5):
        life._sense()
    life._growth.way.take()
    life._grow()
    life.sleep()
    assert store.close(5)

    assert {like.name for like in rows(path, declared.Preference)} >= {"era:field", "light:bright"}
    assert {state.name for state in rows(path, declared.GrowthState)} >= {"baselines", "state"}
    assert set(life._failures.counts) <= {"piece learned", "feel"}
    assert life._drawing.weight == life._growth.weight


def test_a_lesson_that_fails_stops_nothing(life, monkeypatch, capsys):
    """It is counted, and said once."""

    def break_(*_):
        raise KeyError("gone")

    for lesson in ("turn", "finished", "sleep"):
        monkeypatch.setattr(life._growth, lesson, break_)
    monkeypatch.setattr(life._growth.way, "follow", break_)
    life._sense()
    life._draw()
    life._finish(piece(), life._drawing.canvas)
    life._grow()
    life.sleep()

    assert life._failures.counts == {"learning": 4}
    assert capsys.readouterr().out.count("gone") == 1


def test_an_era_is_taken_up_by_its_weight():
    """One in ten thousand is still one; without weights all are alike."""
    drawing = Drawing(Canvas(), None, random.Random(4))
    eras = [drawing._new_piece().era for _ in range(400)]
    assert all(eras.count(era) > 40 for era in MANNERS)

    drawing.weight = lambda era: 100.0 if era == "field" else 0.01
    assert [drawing._new_piece().era for _ in range(20)] == ["field"] * 20
