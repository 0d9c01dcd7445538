"""/metrics exposes what is declared, and nothing else."""

import asyncio
import re
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from apps.bridge.tool import Caller, Tool
from apps.governance.board import Board, Finding, breakdown, first_action, overall
from apps.governance.numbers import Numbers
from schemas.bridge import Action
from schemas.errors import Refused
from schemas.governance.calls import Call, Reply, Right
from schemas.governance.calls.health import (
    Ages,
    Component,
    Disk,
    Dropped,
    HealthReply,
    Months,
    Overall,
    PoolUse,
    State,
)
from schemas.governance.metrics import METRICS

UNITS = {"s": "_seconds", "By": "_bytes", "mo": "_months", "{row}": "_rows"}
"""What a name ends with, or has before _total, for its unit."""


def seen() -> HealthReply:
    """A probe that found everything there is to find."""
    checks = Board().write({"redis": Finding("gone", State.UNAVAILABLE), "postgres": Finding()})
    return HealthReply(
        status=overall(checks.values()),
        version="1",
        timestamp=datetime.now(UTC),
        uptime_seconds=5,
        status_breakdown=breakdown(checks.values()),
        checks=checks,
        ages=Ages(check_in_seconds=1, audit_event_seconds=2, tool_usage_seconds=3, lag_seconds=0),
        waiting_checkins=4,
        pool=PoolUse(size=2, idle=1, largest=10, waiting=0),
        disk=Disk(free_bytes=7, size_bytes=9),
        months=Months(ahead=2, default_rows=0),
        dropped=Dropped(audit_lines=1),
        release_revision="0001.create-core",
    )


def families(numbers, *found):
    """Families of the page by name; a counter's is without its _total, as Prometheus has it."""
    page = numbers.page(*found).decode()
    return {family.name: family for family in text_string_to_metric_families(page)}


def test_every_declared_number_is_exposed_and_no_other():
    """By name, kind and help; each has a member once something happened."""
    numbers = Numbers()
    numbers.wrote(3)
    numbers.refused(Refused("no"))
    use(numbers, ends=None)
    found = families(numbers, seen(), 0.5)

    assert [s.labels for s in found["governance_refusals"].samples] == [{"error": "Refused"}]
    declared = {metric.name.removesuffix("_total"): metric for metric in METRICS}
    assert found.keys() == declared.keys()
    for name, family in found.items():
        assert (family.type, family.documentation) == (declared[name].kind, declared[name].says)
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert labels <= set(declared[name].labels)


def test_before_the_first_probe_only_its_age_is_told():
    """Nothing is invented: no zero stands for what nobody has asked yet."""
    found = families(Numbers(), None, 2.0)

    assert found["governance_last_probe_age_seconds"].samples[0].value == 2.0
    assert "governance_component_status" not in found


def test_names_say_their_unit():
    """As Prometheus wants it: base units at the end, _total where it only grows."""
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"governance_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.name.removesuffix("_total").endswith(UNITS.get(metric.unit, ""))
        assert metric.says.endswith(".")
        assert bool(metric.buckets) == (metric.kind == "histogram")


def use(numbers, ends):
    """Call a tool that ends so."""

    async def run(_, __):
        if ends:
            raise ends
        return Reply()

    tool = numbers.timed(Tool("where", "says", Call, Reply, Right.READ, run))
    return asyncio.run(tool.run(Caller(), Call()))


def test_a_tool_is_timed_by_how_it_ended():
    """Also when it was refused, which goes through as it was."""
    numbers = Numbers()
    assert numbers.since_tool is None
    assert use(numbers, ends=None) == Reply()
    with pytest.raises(Refused):
        use(numbers, ends=Refused("no"))

    samples = families(numbers, None, 0)["governance_tool_seconds"].samples
    counted = {s.labels["outcome"]: s.value for s in samples if s.name.endswith("_count")}
    assert counted == {"answered": 1, "Refused": 1}
    assert 0 <= numbers.since_tool < 5


def test_an_answer_is_counted_by_its_action():
    """And timed; each action is there from the start, so that a rate can be asked for."""
    numbers = Numbers()
    numbers.answered(type("Said", (), {"action": Action.PAUSE}), 0.02)
    found = families(numbers, None, 0)

    counted = {s.labels["action"]: s.value for s in found["governance_checkins"].samples}
    assert counted == {"proceed": 0, "pause": 1}
    assert found["governance_checkin_seconds"].samples[-1].value == 0.02


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ([State.HEALTHY], Overall.HEALTHY),
        ([State.HEALTHY, State.WARNING], Overall.MODERATE),
        ([State.UNAVAILABLE, State.HEALTHY], Overall.MODERATE),
        ([State.WARNING, State.ERROR], Overall.CRITICAL),
    ],
)
def test_the_worst_component_decides(states, word):
    """As upstream adds them up."""
    at = datetime.now(UTC)
    components = [Component(status=state, what="x", since=at) for state in states]

    assert overall(components) is word
    assert sum(breakdown(components).values()) == len(states)


def test_the_worst_component_is_to_be_seen_to_first():
    """And none when all is well."""
    board = Board()
    found = {"redis": Finding("x", State.UNAVAILABLE), "disk": Finding("y", State.ERROR)}

    assert first_action(board.write(found)).startswith("disk: ")
    assert first_action(board.write({"redis": Finding()})) is None


def test_a_component_says_since_when_it_is_so():
    """The instant stays while the state does."""
    board = Board()
    first = board.write({"disk": Finding("x")})["disk"]
    still = board.write({"disk": Finding("y")})["disk"]
    well = board.write({"disk": Finding()})["disk"]

    assert first.since == still.since < well.since
    assert (still.next_step, well.next_step) == ("make room on the volume", None)
