"""The current file: repaired at any cut, rotated at the day's change, never half written."""

import json
import os
import resource
import signal
import stat
from datetime import UTC, datetime, timedelta

import pytest

from apps.governance.trail.files import listing
from apps.governance.trail.journal import Journal
from apps.governance.trail.line import is_sealed, link
from schemas.errors import Diverged

DAY = datetime(2026, 2, 20, 23, 59, tzinfo=UTC)


def body(number: int, size: int = 20) -> bytes:
    """What happened."""
    return json.dumps({"event_id": f"e-{number}", "payload": {"x": "y" * size}}).encode()


def written(path, *numbers: int) -> bytes:
    """A file with these lines."""
    journal = Journal(path)
    journal.write([body(number) for number in numbers])
    journal.close()
    return path.read_bytes()


def whole(*paths) -> list[str]:
    """The events of files whose chain holds from one to the next."""
    before, said = None, []
    for path in paths:
        for line in path.read_bytes().splitlines():
            place = link(line)
            assert is_sealed(line, place)
            assert before is None or (place.seq, place.prev) == (before.seq + 1, before.hash)
            before = place
            said.append(json.loads(line)["event_id"])
    return said


def test_a_cut_at_every_byte_of_the_last_line_is_repaired(tmp_path):
    """What is whole stays, the fragment is kept aside byte for byte, and the chain goes on."""
    path, torn = tmp_path / "audit_log.jsonl", tmp_path / "audit_log.torn"
    lines = written(path, 1, 2, 3)
    start = lines[:-1].rindex(b"\n") + 1
    for cut in range(start, len(lines) + 1):
        path.write_bytes(lines[:cut])
        torn.unlink(missing_ok=True)

        written(path, 4)

        is_there = cut >= len(lines) - 1  # all but its end is enough
        assert whole(path) == ["e-1", "e-2", *["e-3"] * is_there, "e-4"], cut
        kept = torn.read_bytes() if torn.exists() else b""
        assert kept == (b"" if is_there or cut == start else lines[start:cut] + b"\n"), cut


def test_zeroes_of_a_power_cut_are_set_aside(tmp_path):
    """A file may have grown before its bytes came: that is no line, ended or not."""
    path = tmp_path / "audit_log.jsonl"
    lines = written(path, 1)
    path.write_bytes(lines + b"\0" * 4096 + b"\n" + b"\0" * 100)

    written(path, 2)

    assert whole(path) == ["e-1", "e-2"]
    assert (tmp_path / "audit_log.torn").read_bytes() == b"\0" * 4096 + b"\n" + b"\0" * 100 + b"\n"


def test_nothing_but_a_fragment_is_a_trail_that_begins(tmp_path):
    """Also an empty file, or none."""
    path = tmp_path / "audit_log.jsonl"
    path.write_bytes(b'{"event_id": "to')

    written(path, 1)

    assert whole(path) == ["e-1"]
    written(tmp_path / "new.jsonl", 1)
    assert stat.S_IMODE((tmp_path / "new.jsonl").stat().st_mode) & 0o137 == 0


def test_a_day_that_is_over_gets_its_name(tmp_path):
    """The chain goes on over the change, over a restart after it, and over a clock set back."""
    path, now = tmp_path / "audit_log.jsonl", [DAY]
    journal = Journal(path, lambda: now[0])
    for number, minutes in enumerate((0, 2, -2, 2, 2)):
        now[0] += timedelta(minutes=minutes)
        journal.write([body(number)])
    journal.close()
    again = Journal(path, lambda: DAY + timedelta(days=9))
    os.utime(path, (DAY.timestamp(), DAY.timestamp() + 86_400))
    again.open()
    again.write([body(5)])

    files = listing(path)
    assert [file.path.name for file in files] == [
        "audit_log-2026-02-20.jsonl",
        "audit_log-2026-02-21.jsonl",
        "audit_log-2026-02-20.2.jsonl",
        "audit_log-2026-02-21.2.jsonl",
        "audit_log.jsonl",
    ]
    assert whole(*(file.path for file in files)) == [f"e-{number}" for number in range(6)]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path):
    """The file ends where it did; the same lines are taken once there is room."""
    path = tmp_path / "audit_log.jsonl"
    journal = Journal(path)
    journal.write([body(1)])
    size = path.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 700, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            journal.write([body(number) for number in range(2, 9)])
        assert path.stat().st_size == size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    journal.write([body(number) for number in range(2, 9)])

    assert whole(path) == [f"e-{number}" for number in range(1, 9)]
    assert journal.odd is None


def test_another_hand_is_seen_and_gone_on_with(tmp_path):
    """A file that was cut, added to or replaced while we wrote to it."""
    path = tmp_path / "audit_log.jsonl"
    journal = Journal(path)
    journal.write([body(1), body(2)])
    lines = path.read_bytes()
    os.truncate(path, len(lines) - 5)
    journal.write([body(3)])
    assert "another hand" in journal.odd

    path.unlink()
    journal.write([body(4)])
    assert "was replaced" in journal.odd
    assert link(path.read_bytes().rstrip(b"\n")).seq == 4


def test_a_tail_that_postgres_knows_stays_missing(tmp_path):
    """The next line follows what is gone: the gap is there for whoever looks."""
    path = tmp_path / "audit_log.jsonl"
    journal = Journal(path)
    journal.write([body(1), body(2), body(3)])
    known = journal.tip
    journal.close()
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])

    again = Journal(path)
    again.open(known)
    again.write([body(4)])

    assert again.odd == f"{path}: ends at line 1, Postgres knows 3"
    first, last = map(link, path.read_bytes().splitlines())
    assert (first.seq, last.seq, last.prev) == (1, 4, known.hash)


def test_two_writers_are_refused(tmp_path):
    """They would break each other's chain."""
    first = Journal(tmp_path / "audit_log.jsonl")
    first.open()
    with pytest.raises(Diverged, match="another process writes it"):
        Journal(tmp_path / "audit_log.jsonl").open()
    first.close()
    Journal(tmp_path / "audit_log.jsonl").open()
