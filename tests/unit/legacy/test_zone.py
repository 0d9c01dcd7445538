"""A clock without a zone, by the zone that is stated: against zoneinfo, minute by minute."""

import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.legacy.zone import Clock
from apps.ops import cli
from schemas.errors import Refused

DAYS = {
    "America/Denver": ("2025-03-09", "2025-11-02"),
    "Australia/Lord_Howe": ("2025-04-06", "2025-10-05"),  # half an hour
    "Asia/Kolkata": ("2025-12-01",),  # its month begins within an hour of UTC
    "Africa/Monrovia": ("1972-01-07",),  # 44 minutes and a half
    "Europe/Dublin": ("2025-03-30", "2025-10-26"),  # its winter is the exception
    "UTC": ("2025-12-31",),
}


@pytest.mark.parametrize("zone", DAYS)
def test_each_minute_is_as_zoneinfo_has_it(zone):
    """Instant, month, and whether it came twice or never; read in order and again at random."""
    place = ZoneInfo(zone)
    for day in DAYS[zone]:
        clock, known = Clock(zone), Clock(zone)
        for minute in range(-60, 24 * 60 + 60):
            naive = datetime.fromisoformat(day) + timedelta(minutes=minute, microseconds=1)
            first, second = (naive.replace(tzinfo=place, fold=fold) for fold in (0, 1))
            before = (clock.folds, clock.gaps)
            for told in (clock.placed(naive.isoformat()), known.plain(naive.isoformat())):
                assert datetime.fromisoformat(told[0]) == first.astimezone(UTC)
                assert told[1] == f"{first.astimezone(UTC):%Y-%m}"
            twice = (clock.folds - before[0], clock.gaps - before[1])
            assert twice == (
                int(first.utcoffset() > second.utcoffset()),
                int(first.utcoffset() < second.utcoffset()),
            )
        assert (known.folds, known.gaps) == (clock.folds, clock.gaps)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2025-11-28T04:10:24.346843-07:00", "2025-11-28T11:10:24.346843+00:00"),
        ("2025-11-28 04:10:24", "2025-11-28T11:10:24+00:00"),
        ("2025-11-28T04:10:24.5", "2025-11-28T11:10:24.500000+00:00"),
        ("2025-11-28T04:10:24,346843", "2025-11-28T11:10:24.346843+00:00"),
        ("2025-11-28_04:10", "2025-11-28T11:10:00+00:00"),
        ("2025-11-28", "2025-11-28T07:00:00+00:00"),
    ],
)
def test_a_time_may_be_written_as_python_reads_it(told, meant):
    """Postgres is given one form only."""
    given = Clock("America/Denver").instant(told)

    assert datetime.fromisoformat(given) == datetime.fromisoformat(meant)
    assert given[10] == "T"


@pytest.mark.parametrize("told", ["now", "infinity", "", "2025-02-29", "1899-12-31", "9999-01-01",
                                  "2025-11-28T25:00:00", "2025-11-28T04:60:00"])  # fmt: skip
def test_what_is_no_time_is_refused(told):
    """Postgres would read some of them as today."""
    with pytest.raises(ValueError, match=r"."):
        Clock("UTC").placed(told)


def test_the_command_has_no_default_zone(tmp_path, monkeypatch, capsys):
    """A guess would be wrong by hours, and nobody would see it."""
    monkeypatch.setattr(sys, "argv", ["abode", "legacy", "backfill", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        sys.exit(cli.main())

    assert left.value.code == 2
    assert "--zone" in capsys.readouterr().err


def test_a_zone_must_be_one():
    """Neither a guess nor a path."""
    for zone in ("", "Denver", "../etc/passwd", "EST5EDT4"):
        with pytest.raises(Refused, match="is no zone"):
            Clock(zone)
