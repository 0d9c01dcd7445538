"""From when on a row proves that data flows."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.lab import flow
from schemas.hosts import Hosts, PiHost, Ssh

HOSTS = Hosts(pi=(PiHost(ssh=Ssh(hostname="h", user="u"), governance_url="http://h:1"),))
BEGUN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LONG_AGO = "2026-11-19T08:00:00.123456789Z"


@pytest.mark.parametrize(
    ("containers", "unit", "since"),
    [
        ([LONG_AGO] * 2, "", BEGUN - timedelta(seconds=flow.WAIT_SECONDS)),
        (
            [LONG_AGO] * 2,
            "Thu 2026-11-19 08:00:03.801767 UTC",
            BEGUN - timedelta(seconds=flow.WAIT_SECONDS),
        ),
        (
            [LONG_AGO] * 2,
            "Fri 2026-11-20 12:00:07.250000 UTC",
            BEGUN + timedelta(seconds=7.25),
        ),
        (
            ["2026-11-20T12:00:09.5Z", LONG_AGO],
            "Fri 2026-11-20 12:00:07.250000 UTC",
            BEGUN + timedelta(seconds=9.5),
        ),
    ],
)
def test_no_row_from_before_the_last_start_counts(monkeypatch, containers, unit, since):
    """An anima that was restarted must speak itself; rows of the one before prove nothing."""
    said = {"inspect": "\n".join(containers), "exec": f"ActiveEnterTimestamp={unit}"}
    monkeypatch.setattr(flow, "docker", lambda verb, *_: said[verb])

    assert flow.flowing_since(HOSTS, BEGUN) == since
