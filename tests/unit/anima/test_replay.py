"""A recorded series takes the board's place: declared, checked whole, nothing invented."""

import csv
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from apps.anima.feelings import report
from apps.anima.life import Life
from apps.anima.replay import Replay
from apps.anima.settings import Settings
from schemas.errors import HouseError

REAL = Path(__file__).parents[2] / "data/lumen_eisv_windows.csv"


def series(folder, text, beside=""):
    """A file, and what is declared beside it."""
    file = folder / "series.csv"
    file.write_text(text)
    if beside:
        (folder / "series.csv.toml").write_text(beside)
    return file


class Clock:
    """Seconds that a test moves on."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        """The time."""
        return self.now


def taken(replay):
    """Name to value of one reading."""
    return {one.name: one.value for one in replay.read()}


def test_a_row_is_a_reading_and_after_the_last_it_begins_again(tmp_path):
    """An empty cell is an absent sensor; the source says whose numbers these are."""
    file = series(tmp_path, "cpu_temp_c [Cel],light_lux [lx]\n40.5,\n41,120\n")
    replay = Replay(file)
    (first,) = replay.read()

    assert (first.name, first.value, first.unit) == ("cpu_temp_c", 40.5, "Cel")
    assert first.source == "replay:series.csv"
    assert taken(replay) == {"cpu_temp_c": 41.0, "light_lux": 120.0}
    assert taken(replay) == {"cpu_temp_c": 40.5}


def test_a_series_that_stops_gives_nothing_more(tmp_path):
    """No last value for ever."""
    replay = Replay(series(tmp_path, "load_1m [1]\n0.5\n", 'at_end = "stop"'))

    assert [taken(replay) for _ in range(3)] == [{"load_1m": 0.5}, {}, {}]


def test_a_timed_row_holds_until_the_next_and_ages(tmp_path):
    """Three rows at 0, 4 and 6 s; one time through takes 8 s."""
    clock = Clock()
    file = series(tmp_path, "seconds [s],load_1m [1]\n0,1\n4,2\n6,3\n")
    replay = Replay(file, clock)
    told = []
    for _ in range(10):
        (one,) = replay.read()
        told.append((one.value, one.age(clock.now)))
        clock.now += 1.0

    assert told == [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (3, 0), (3, 1), (1, 0), (1, 1)]


def test_a_gap_in_a_timed_series_is_a_gap(tmp_path):
    """A feeling is not carried over it, and a reading says how old it is."""
    clock = Clock()
    header = "seconds [s],warmth [1],clarity [1],stability [1],presence [1]"
    replay = Replay(series(tmp_path, f"{header}\n0,.5,.5,.5,.5\n60,.6,.6,.6,.6\n"), clock)
    assert taken(replay) == {}
    assert replay.felt.warmth == 0.5
    clock.now += 30
    assert taken(replay) == {}
    assert replay.felt is None
    clock.now += 30
    assert taken(replay) == {}
    assert replay.felt.warmth == 0.6


@pytest.mark.parametrize(
    ("text", "beside", "words"),
    [
        ("cpu_temp_c\n40\n", "", ["'cpu_temp_c' has no unit", "cpu_temp_c [Cel]"]),
        ("cpu_temp_c [degF]\n99\n", "", ["'degF'", "'Cel'", "nothing is converted"]),
        ("wind [m/s]\n3\n", "", ["'wind' is unknown", "light_lux"]),
        ("E [1],I [1],S [1],V [1]\n.1,.2,.3,.1\n", "", ["'E' is unknown"]),
        ("load_1m [1],load_1m [1]\n1,2\n", "", ["twice"]),
        ("seconds [s]\n1\n", "", ["no column"]),
        ("", "", ["no column"]),
        ("warmth [1]\n.5\n", "", ["clarity", "missing", "all four"]),
        ("load_1m [1]\nmuch\n", "", ["line 2", "'much' is not a number"]),
        ("load_1m [1]\nnan\n", "", ["line 2", "'nan'"]),
        ("load_1m [1]\n1,2\n", "", ["line 2", "2 cells"]),
        ("seconds [s],load_1m [1]\n5,1\n5,2\n", "", ["line 3", "does not follow"]),
        ("seconds [s],load_1m [1]\n,1\n", "", ["line 2", "does not follow"]),
        ("E,I,S,V\n.1,.2,.3,.31\n", 'eisv = "2026-02"\nunits = {E="1",I="1",S="1",V="1"}',
         ["line 2", "presence", "not in [0, 1]"]),
        ("E,I,S,V\n.1,.2,.3,\n", 'eisv = "2026-02"\nunits = {E="1",I="1",S="1",V="1"}',
         ["line 2", "only 3"]),
        ("load_1m\n1\n", 'eisv = "2026-06"', ["series.csv.toml", "'2026-06'", "2026-02"]),
        ("load_1m\n1\n", 'unit = "1"', ["unknown key 'unit'", "units"]),
        ("load_1m\n1\n", "units = 1", ["units is no dict"]),
        ("load_1m\n1\n", 'at_end = "never"', ["'never'", "again, stop"]),
        ("load_1m\n1\n", "what is this", ["series.csv.toml"]),
    ],
)  # fmt: skip
def test_what_is_not_declared_is_refused_at_the_door(tmp_path, text, beside, words):
    """File, line and column first; the last row is looked at before the first is read."""
    with pytest.raises(HouseError) as refused:
        Replay(series(tmp_path, text, beside))

    said = str(refused.value)
    assert "series.csv" in said
    assert all(word in said for word in words), said


def test_a_series_that_is_not_there_is_named(tmp_path):
    """With the variable that named it."""
    with pytest.raises(HouseError, match=r"none\.csv") as refused:
        Replay(tmp_path / "none.csv")

    assert "ANIMA_SOURCE" in refused.value.hint


def recorded_sensors(db):
    """What state_history says of the sensors, each text once."""
    return [row[0] for row in db.execute("SELECT DISTINCT sensors FROM state_history")]


def test_the_500_real_windows_go_through_the_loop(tmp_path, store, will):
    """Each is felt as it was measured, no reading is invented, and every range holds."""
    with REAL.open() as file:
        windows = [{k: float(row[k]) for k in "EISV"} for row in csv.DictReader(file)]
    settings = Settings(
        home=tmp_path, agent="lumen", governance_url="http://mac",
        governance_token=SecretStr("x"), source=f"replay:{REAL}", seed=1,
    )  # fmt: skip
    will.anima = None
    life = Life(settings, store, will, lambda _: None)
    for window in windows:
        life._sense()
        assert life._readings == []
        told = report(life._senses.felt([], 2.0)).model_dump()
        assert told == pytest.approx(window, abs=1e-12)
        assert all(0 <= value <= 1 for value in will.anima.model_dump().values())
        life._remember()
        life._draw()

    life._check_in()
    (waiting,) = store.oldest_checkins(9)
    sources = {"anima": "replay:lumen_eisv_windows.csv"}
    told = json.loads(waiting.body)["sensor_data"]
    assert (set(told), told["sources"]) == ({"sources", "drawing_eisv"}, sources)
    assert len(windows) == 500
    assert life._failures.counts == {}
    assert store.read(recorded_sensors) == [json.dumps({"sources": sources}, separators=(",", ":"))]
    assert life._drawing.piece.marks > 0
