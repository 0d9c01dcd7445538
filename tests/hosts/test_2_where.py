"""`abode where` on the house that stands: all that lives is declared, and every command runs."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.ops import where as places
from apps.ops.undeclared import survey
from apps.ops.ways import ways
from apps.where.entry import entries
from schemas.governance.calls.where import Kind, Live


def test_everything_that_lives_is_declared(standing):
    """Postgres, graph, Redis, governance's volume, the Pi's folder and its file."""
    found = survey(standing.hosts)

    assert found.silent == ()
    assert found.strays == ()


@pytest.mark.parametrize("kind", list(Kind))
def test_every_command_runs_as_it_is_printed(standing, kind):
    """In a shell of the operator's machine; of many places some, from all over the house."""
    every = [entry for entry in entries() if entry.kind is kind]
    some = every[:: max(1, len(every) // 6)]
    chosen = [places.answer(entry, ways(standing.hosts)).found for entry in some]

    def run(found):
        done = subprocess.run(
            ["sh", "-c", found.read], capture_output=True, text=True, check=False,
            timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return f"{found.place}: {done.stderr}" if done.returncode or done.stderr else None

    with ThreadPoolExecutor(4) as pool:
        assert [wrong for wrong in pool.map(run, chosen) if wrong] == []
    assert chosen


def test_every_place_is_there_and_says_how_fresh_it_is(standing):
    """No declared place is missing, no store is silent; what must be fresh is."""
    found = places.asked(places.find(None, ways(standing.hosts)), standing.hosts)
    states = {each.found.place: each.found.live for each in found}

    assert {place for place, live in states.items() if live in {Live.MISSING, Live.SILENT}} == set()
    assert states["core.agent_state"] is states["drawing_history"] is Live.THERE
    late = {
        each.found.place: each.found.age_seconds
        for each in found
        if each.found.fresh_seconds and each.found.age_seconds
        and each.found.age_seconds > each.found.fresh_seconds
    }  # fmt: skip
    assert late == {}
