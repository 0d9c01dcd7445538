"""The 28 real disputes through Postgres and back, unchanged."""

import json
from pathlib import Path

import pytest

from apps.bridge.refusals import Conflict
from schemas.errors import Refused

SHARED = next(p / "shared" for p in Path(__file__).parents if (p / "shared/data").is_dir())
REAL = sorted((SHARED / "data/dialectic_sessions").glob("*.json"))
needs_real = pytest.mark.skipif(not REAL, reason="the real sessions are not here")
ONE = {
    "session_id": "s-1", "paused_agent_id": "lumen", "reviewer_agent_id": "ember",
    "phase": "thesis", "transcript": [], "created_at": "2025-12-08T01:04:49.443990",
}  # fmt: skip


def written(document) -> str:
    """JSON in an order of its own."""
    return json.dumps(document, sort_keys=True)


@needs_real
def test_every_real_session_survives_unchanged(lobby):
    """Taken in twice, given out, field for field; no sweep and no effect touches them."""
    documents = [json.loads(path.read_text()) for path in REAL]

    async def story(room):
        room.agent("test_agent", status="paused")
        first = [await room.call("import_dialectic", "op", document=one) for one in documents]
        again = [await room.call("import_dialectic", "op", document=one) for one in documents]
        room.later(days=1000)
        swept = await room.disputes.sweep(room.now)
        out = [
            (await room.call("export_dialectic", None, session_id=one["session_id"])).document
            for one in documents
        ]
        told = [
            await room.call("get_dialectic", None, session_id=one["session_id"])
            for one in documents
        ]
        counts = [
            room.rows(f"SELECT count(*) FROM {table}")[0][0]
            for table in ("dialectic.sessions", "dialectic.messages",
                          'governance_graph."DialecticSession"', 'governance_graph."WROTE"')
        ]  # fmt: skip
        return first, again, swept, out, told, counts, room.status("test_agent")

    first, again, swept, out, told, counts, status = lobby(story)

    assert [written(one) for one in out] == [written(one) for one in documents]
    assert not any(kept.repeated for kept in first)
    assert all(kept.repeated for kept in again)
    assert counts == [28, 55, 28, 55]
    assert (swept, status) == (0, "paused")
    assert [len(one.transcript) for one in told] == [len(one["transcript"]) for one in documents]


def test_another_file_of_the_same_name_is_refused(lobby):
    """What is there stands."""

    async def story(room):
        await room.call("import_dialectic", None, document=ONE)
        with pytest.raises(Conflict, match="is there already, and another one"):
            await room.call("import_dialectic", None, document=ONE | {"topic": "light"})
        return (await room.call("export_dialectic", None, session_id="s-1")).document

    assert lobby(story) == ONE


@pytest.mark.parametrize("odd", [{"x": -0.0}, {"resolution": {"deep": [1, -0.0]}}])
def test_what_postgres_would_change_is_not_kept(lobby, odd):
    """Read back before it is kept: a sign that got lost is a refusal, and no row."""

    async def story(room):
        with pytest.raises(Refused, match="cannot be kept as it is"):
            await room.call("import_dialectic", None, document=ONE | odd)
        return room.rows("SELECT count(*) FROM dialectic.sessions")

    assert lobby(story) == [(0,)]


def test_a_dispute_of_our_own_has_a_file_too(lobby):
    """In upstream's form, with what was agreed."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        session_id = await room.agreed()
        out = (await room.call("export_dialectic", None, session_id=session_id)).document
        other = out | {"session_id": "copy"}
        await room.call("import_dialectic", None, document=other)
        return out, other, (
            await room.call("export_dialectic", None, session_id="copy")
        ).document  # fmt: skip

    out, other, copied = lobby(story)

    assert written(copied) == written(other)
    assert (out["phase"], out["resolution"]["action"]) == ("resolved", "resume")
    assert [said["phase"] for said in out["transcript"]] == [
        "thesis", "antithesis", "synthesis", "synthesis",
    ]  # fmt: skip
