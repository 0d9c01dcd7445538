"""`abode eisv` on the house that stands: what the Pi records and the Mac was told, over ssh."""

import json
import shlex
from datetime import timedelta

import pytest

from apps.anima.clock import STEP
from apps.eisv import dataset
from apps.eisv.export import Order, export
from apps.eisv.selection import Selection
from apps.ops.eisv import Fetch, kept, the_pi
from apps.ops.eisv_cache import Cache
from schemas.bridge import CHECK_IN_EVERY_SECONDS

NEWEST = "SELECT id, E, I, S, V, C, marks FROM drawing_history ORDER BY id DESC LIMIT 1"


@pytest.fixture
def fetched(standing, tmp_path):
    """Fetches all there is into a cache of its own; gives how many rows came, and the cache."""
    pi = standing.hosts.pi[0]
    cache = Cache(tmp_path / "cache")

    def run():
        came = []
        fetch = Fetch(cache, progress=came.append)
        fetch.from_pi(the_pi(pi, standing.state), Selection())
        fetch.from_mac(standing.hosts, pi.agent, standing.state)
        return sum(came), cache

    return run


def newest(standing):
    """The row that the Pi recorded last, every digit of it."""
    pi = standing.hosts.pi[0]
    script = (
        "import json, sqlite3; "
        f"base = sqlite3.connect('file:{pi.database}?mode=ro', uri=True); "
        f"print(json.dumps(base.execute({NEWEST!r}).fetchone()))"
    )
    return json.loads(standing.ssh(f"python3 -c {shlex.quote(script)}", user=pi.user))


def test_the_series_of_the_standing_house_are_exported(standing, fetched, tmp_path):
    """Drawing and anima, to the last digit of the newest row; a second time only what is new."""
    before = newest(standing)
    came, cache = fetched()
    again, _ = fetched()
    sources = kept(cache, standing.hosts.pi[0].agent, Selection())
    export(sources, tmp_path / "data", Order(Selection()))
    drawing = dataset.read(tmp_path / "data", "drawing")
    anima = dataset.read(tmp_path / "data", "anima")

    at = drawing["id"].index(before[0]).as_py()
    row = drawing.slice(at, 1).to_pylist()[0]
    assert [row[name] for name in ("id", "E", "I", "S", "V", "C", "marks")] == before
    assert anima.num_rows
    assert came > 10
    assert again < max(came / 2, 100)
    assert len(sources.checkins) > 0
    provenance = dataset.provenance(tmp_path / "data", "drawing")
    assert (provenance["host"], provenance["agent"]) == (
        standing.hosts.pi[0].name, standing.hosts.pi[0].agent,
    )  # fmt: skip


def test_what_the_mac_was_told_is_what_the_pi_recorded(standing, fetched):
    """A check-in's copy of a step is a row of the Pi, so filling with it invents nothing.

    The Pi's clock may be ahead by what it does not correct, and a check-in is dated by its arrival
    at the latest.
    """
    _, cache = fetched()
    sources = kept(cache, standing.hosts.pi[0].agent, Selection())
    told = [each for each in sources.checkins if each.drawing][-1]
    by = told.at + timedelta(microseconds=STEP)
    found = standing.anima(
        f"SELECT count(*) FROM drawing_history WHERE marks = {told.drawing['marks']}"
        f" AND abs(E - {told.drawing['E']!r}) < 1e-12 AND timestamp <= '{by.isoformat()}'"
    )

    assert int(found) == 1
    assert CHECK_IN_EVERY_SECONDS == 60.0


def test_the_command_says_what_it_exported(standing, tmp_path):
    """As the operator types it."""
    done = standing.run(
        str(standing.bin / "python"), "-c", "from apps.ops.cli import main; main()",
        "eisv", "export", "--out", str(tmp_path / "data"), "--series", "drawing",
    )  # fmt: skip

    assert done.stdout.startswith("drawing: ")
    assert " live" in done.stdout
