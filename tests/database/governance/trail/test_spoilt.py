"""A packed day that spoilt on the disk is named and counted; nothing stops for it."""

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from apps.governance.audit import event
from apps.governance.trail.files import listing, spoilt
from apps.governance.trail.journal import Journal
from apps.governance.trail.keep import pack

NOW = datetime.now(UTC)
LINES = 4_000


def cut(whole: bytes) -> bytes:
    """The end is missing."""
    return whole[: len(whole) // 2]


def zeroed(whole: bytes) -> bytes:
    """A block that a failing disk gave as zeroes."""
    middle = len(whole) // 2
    return whole[:middle] + bytes(512) + whole[middle + 512 :]


def flipped(whole: bytes) -> bytes:
    """Another check sum at the end: all is there, and it is not what was packed."""
    return whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:]


def headless(_: bytes) -> bytes:
    """Nothing of it can be read."""
    return b"half"


def lines(of: int) -> list[bytes]:
    """What happened."""
    said = (event("lumen", "told", {"n": os.urandom(40).hex()}) for _ in range(of))
    return [json.dumps(each, default=str).encode() for each in said]


@pytest.fixture
def days(ground):
    """Three days, the first one packed, none indexed; and nothing written today."""
    for day in range(3):
        journal = Journal(ground.path, lambda at=NOW - timedelta(days=3 - day): at)
        journal.open()
        journal._day = (NOW - timedelta(days=4 - day)).date()
        journal.write(lines(LINES))
        journal.close()
    at = (NOW - timedelta(days=1)).timestamp()
    os.utime(ground.path, (at, at))
    return pack(listing(ground.path)[0])


async def begun(ground) -> tuple[int, str | None]:
    """The last indexed line and what is said of the files, after a start and a line."""
    async with asyncio.timeout(30), ground.trails() as made:
        await made.audit.append([event("lumen", "told", {})])
        await made.index.caught_up(20)
        made.keeper.run()
        return made.audit.follower.position.seq, made.trouble


@pytest.mark.parametrize("spoil", [cut, zeroed, flipped, headless])
def test_a_start_goes_past_a_spoilt_day(ground, days, spoil, caplog):
    """Everything else is indexed, and of the day what can be read; file and count are told."""
    whole = days.read_bytes()
    days.write_bytes(spoil(whole))
    last, said = asyncio.run(begun(ground))

    rows = len(ground.rows())
    assert last == 3 * LINES + 2
    assert 2 * LINES + 2 <= rows <= last
    assert (rows > 2 * LINES + 500) == (spoil is not headless)
    assert said == f"1 packed days cannot be unpacked, the first is {days.name}"
    assert f"{days}: cannot be unpacked" in caplog.text

    days.write_bytes(whole)
    assert asyncio.run(begun(ground)) == (last + 2, None)


def test_the_chain_goes_on_after_a_spoilt_day_that_was_the_last(ground, days):
    """Its manifest says how it ended, should even Postgres not know."""
    for file in listing(ground.path)[1:]:
        file.path.unlink()
    days.write_bytes(zeroed(days.read_bytes()))
    asyncio.run(begun(ground))

    assert listing(ground.path)[-1].first.seq == LINES + 1


def test_a_spoilt_day_is_shown_before_anybody_reads_it(ground, days):
    """Its manifest says how long it was; a half that was left beside the plain file is none."""
    assert spoilt(ground.path) == []
    days.write_bytes(cut(days.read_bytes()))
    assert spoilt(ground.path) == [days]
    days.with_suffix("").write_bytes(b"")
    assert spoilt(ground.path) == []


def test_the_command_names_a_spoilt_day_with_its_exit_code(ground, days):
    """verify and reindex: both read on, both end with 4."""
    days.write_bytes(zeroed(days.read_bytes()))
    asyncio.run(begun(ground))
    said = {}
    for verb in ("verify", "reindex"):
        done = subprocess.run(
            [sys.executable, "-m", "apps.governance.trail", verb, "audit_log"],
            env={"PYTHONPATH": os.pathsep.join(sys.path), "DB_POSTGRES_URL": ground.database.app,
                 "GOVERNANCE_AUDIT_LOG": str(ground.path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 4, done.stderr
        [said[verb]] = json.loads(done.stdout)

    named = [each["what"] for each in said["verify"]["findings"] if each["file"] == days.name]
    assert any(what.startswith("cannot be unpacked after this line") for what in named)
    assert said["reindex"]["spoilt"] == [days.name]


def test_health_is_moderate_over_a_spoilt_day(start, tmp_path):
    """It opens its doors, and says which file."""
    day = NOW.date() - timedelta(days=2)
    current = tmp_path / "audit_log.jsonl"
    journal = Journal(current)
    journal.write(lines(1))
    journal.close()
    current.rename(tmp_path / f"audit_log-{day}.jsonl")
    packed = pack(listing(current)[0])
    packed.write_bytes(cut(packed.read_bytes()))
    made = start().ready()
    checks = json.loads(made.ask("GET", "/health")[2])["checks"]

    assert checks["trails"]["status"] == "warning"
    assert packed.name in checks["trails"]["detail"]
