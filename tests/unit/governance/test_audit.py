"""The raw trail, when the disk does not take it."""

import asyncio
import stat
import sys
from pathlib import Path

import pytest

from apps.governance.audit import AuditLog
from apps.governance.reconcile import _tail

EVENT = {"event_id": "e-1"}


async def written(audit: AuditLog, *events: dict) -> None:
    """What a running one makes of these events."""
    for event in events:
        audit.note([event])
    audit.close()
    await audit.run()


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk_shows_until_a_line_is_written(tmp_path):
    """The file opens all the while; what counts is the last write."""
    path = tmp_path / "audit_log.jsonl"
    path.symlink_to("/dev/full")
    audit = AuditLog(path)
    asyncio.run(written(audit, EVENT))

    assert audit.dropped == 1
    assert "No space left" in audit.check()

    path.unlink()
    assert "No space left" in audit.check()
    audit.append(b"{}\n")
    assert audit.check() is None


def test_looking_makes_the_file_as_writing_does(tmp_path):
    """Whoever comes first: 0640."""
    looked, wrote = AuditLog(tmp_path / "looked"), AuditLog(tmp_path / "wrote")
    looked.check()
    wrote.append(b"{}\n")

    for audit in (looked, wrote):
        assert stat.S_IMODE(audit.path.stat().st_mode) & 0o137 == 0, audit.path


def test_a_torn_line_is_set_aside(tmp_path):
    """The file ends with a whole line again, and nothing is thrown away."""
    path: Path = tmp_path / "audit_log.jsonl"
    whole = b'{"event_id": "e-1", "recorded_at": "2026-02-20T12:00:00Z"}\n'
    path.write_bytes(b"nonsense\n" + whole + b'{"event_id": "to')

    assert list(_tail(path)) == ["e-1"]
    assert path.read_bytes() == b"nonsense\n" + whole
    assert (tmp_path / "audit_log.torn").read_bytes() == b'{"event_id": "to\n'
    assert list(_tail(path)) == ["e-1"]


def test_no_file_has_no_tail(tmp_path):
    """Nothing is made of nothing."""
    assert _tail(tmp_path / "audit_log.jsonl") == {}
    assert list(tmp_path.iterdir()) == []
