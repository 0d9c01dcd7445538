"""The promise of an awaited line, also when the disk does not take it."""

import asyncio
import json
import time
from collections import Counter
from types import SimpleNamespace

import pytest

from apps.bridge.refusals import Forbidden, TooMany
from apps.bridge.tool import Caller, Tool
from apps.bridge.tools import use
from apps.governance import usage as usage_room
from apps.governance.audit import AuditLog, event
from apps.governance.trail import scribe as room
from apps.governance.usage import ToolUsage
from schemas.errors import Refused, Unreachable
from schemas.governance.calls import Call, Right
from schemas.quantity import Closed


def said(path) -> list[str]:
    """The types of the lines of a file."""
    return [json.loads(line)["event_type"] for line in path.read_text().splitlines()]


async def during(audit: AuditLog, work):
    """What comes of some work while the log is written."""
    writer = asyncio.create_task(audit.run())
    try:
        return await work
    finally:
        audit.close()
        await writer


def test_an_awaited_line_is_in_the_file(tmp_path):
    """And so is all that was queued before it, in that order."""
    audit = AuditLog(tmp_path / "audit_log.jsonl")

    async def work():
        audit.note([event(None, "a", {})])
        queued = audit.queue([event(None, "b", {}), event(None, "c", {})])
        await audit.append([event(None, "d", {})])
        seen = said(audit.path)
        await queued
        await audit.append([])
        return seen

    assert asyncio.run(during(audit, work())) == ["a", "b", "c", "d"]


def test_many_at_once_share_a_write(tmp_path, monkeypatch):
    """A thousand who wait are a few writes."""
    audit, writes = AuditLog(tmp_path / "audit_log.jsonl"), []
    write = audit.journal.write
    monkeypatch.setattr(audit.journal, "write", lambda said: (writes.append(said), write(said)))

    async def work():
        await asyncio.gather(*(audit.append([event(None, "x", {"n": n})]) for n in range(1000)))

    asyncio.run(during(audit, work()))

    assert len(writes) < 5
    assert len(said(audit.path)) == 1000


def test_nothing_is_answered_before_what_a_repeat_waits_for(tmp_path, monkeypatch):
    """Nothing to write is done when what is being written is done."""
    audit, done = AuditLog(tmp_path / "audit_log.jsonl"), []
    write = audit.journal.write
    monkeypatch.setattr(audit.journal, "write", lambda said: (time.sleep(0.1), write(said)))

    async def told(name, events):
        await audit.append(events)
        done.append((name, said(audit.path)))

    async def work():
        first = asyncio.create_task(told("first", [event(None, "x", {})]))
        await asyncio.sleep(0.03)
        await asyncio.gather(first, told("repeat", []))

    asyncio.run(during(audit, work()))

    assert [lines for _, lines in done] == [["x"], ["x"]]


def test_a_disk_that_takes_no_line_is_said_and_tried_again(tmp_path, monkeypatch):
    """Who waits is told, nobody new is let in, and the line is written once there is room."""
    monkeypatch.setattr(room, "AGAIN_SECONDS", 0.02)
    (tmp_path / "audit_log.jsonl").mkdir()
    audit = AuditLog(tmp_path / "audit_log.jsonl")
    make_room = audit.path.rmdir

    async def work():
        audit.require()
        with pytest.raises(Unreachable, match="Is a directory"):
            await audit.append([event(None, "kept", {})])
        with pytest.raises(Unreachable, match="Is a directory"):
            audit.require()
        seen = audit.check()
        make_room()
        await audit.append([event(None, "next", {})])
        audit.require()
        return seen

    assert "Is a directory" in asyncio.run(during(audit, work()))
    assert said(audit.path) == ["kept", "next"]
    assert audit.dropped == 0
    assert audit.check() is None


def test_what_the_end_finds_unwritten_is_counted(tmp_path):
    """It is lost, and says so."""
    (tmp_path / "audit_log.jsonl").mkdir()
    audit = AuditLog(tmp_path / "audit_log.jsonl")

    async def work():
        audit.note([event(None, "x", {})])

    asyncio.run(during(audit, work()))

    assert audit.dropped == 1


def test_notes_without_room_are_counted(tmp_path, monkeypatch):
    """Who waits is never among them."""
    monkeypatch.setattr(room, "PENDING_LIMIT", 3)
    audit = AuditLog(tmp_path / "audit_log.jsonl")

    async def work():
        audit.note([event(None, "note", {}) for _ in range(5)])
        await audit.append([event(None, "awaited", {})])

    asyncio.run(during(audit, work()))

    assert audit.dropped == 2
    assert said(audit.path) == ["note"] * 3 + ["awaited"]


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "\\\x00"])
def test_what_no_row_can_hold_is_refused(tmp_path, text):
    """Before it is a line: lines and rows are the same."""
    audit = AuditLog(tmp_path / "audit_log.jsonl")
    with pytest.raises(Refused):
        audit.queue([event("lumen", "outcome", {"detail": text})])


def test_what_only_looks_like_a_nul_is_kept(tmp_path):
    """A backslash and u0000 are six characters."""
    audit = AuditLog(tmp_path / "audit_log.jsonl")
    text = "\\u0000"

    asyncio.run(during(audit, audit.append([event("lumen", "outcome", {"detail": text})])))

    assert json.loads(audit.path.read_text())["payload"]["detail"] == text


def test_a_call_that_failed_names_its_error(tmp_path):
    """One line per call, and nobody waits."""
    usage = ToolUsage(tmp_path / "tool_usage.jsonl")

    async def work():
        usage.note("identity", "lumen", 0.0123)
        usage.note("nonsense", None, 0.5, "Refused", {"door": "mcp"})

    asyncio.run(during(usage.scribe, work()))
    good, bad = map(json.loads, usage.scribe.path.read_text().splitlines())

    assert (good["success"], good["error_type"], good["latency_ms"]) == (True, None, 12.3)
    assert (bad["success"], bad["error_type"], bad["agent_id"]) == (False, "Refused", None)
    assert "session_id" not in good


def test_who_asks_in_vain_fills_no_disk(tmp_path, monkeypatch):
    """So many lines a minute of each agent, the next one tells how many had none."""
    clock = SimpleNamespace(now=600.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(usage_room, "time", clock)
    usage = ToolUsage(tmp_path / "tool_usage.jsonl")
    too_often = TooMany("lumen", [(60, 60)], 1)

    async def run(*_):
        raise too_often

    tool = usage.noted(Tool("identity", "", Call, Closed, Right.READ, run))

    async def work():
        for _ in range(100):
            with pytest.raises(Forbidden):
                await use(tool, Caller("lumen", rights=frozenset()), {})
            with pytest.raises(TooMany):
                await use(tool, Caller("lumen"), {})
        with pytest.raises(Refused):
            await use(tool, Caller("ember"), {"unknown": 1})
        clock.now += 60
        with pytest.raises(Forbidden):
            await use(tool, Caller("lumen", rights=frozenset()), {})

    asyncio.run(during(usage.scribe, work()))
    lines = list(map(json.loads, usage.scribe.path.read_text().splitlines()))

    kinds = Counter((line["agent_id"], line["error_type"]) for line in lines)
    assert kinds == {("lumen", "Forbidden"): 31, ("lumen", "TooMany"): 30, ("ember", "Refused"): 1}
    assert [line["payload"] for line in lines if line["payload"]] == [{"left_out": 140}]
    assert not any(line["success"] for line in lines)


def test_nobody_is_remembered_for_asking_in_vain_for_ever(tmp_path, monkeypatch):
    """Of many agents who asked longest ago is forgotten first."""
    monkeypatch.setattr(usage_room, "AGENTS_LIMIT", 3)
    usage = ToolUsage(tmp_path / "tool_usage.jsonl")
    tool = usage.noted(Tool("identity", "", Call, Closed, Right.READ, None))

    for name in "abcad":
        tool.turned_away(Caller(name), Refused("no"))

    assert list(usage._vain) == ["c", "a", "d"]
