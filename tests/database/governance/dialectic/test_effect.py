"""What a dispute does to the paused agent, through the one function that may."""

import psycopg
import pytest
from psycopg import errors

from apps.bridge.refusals import Conflict, Forbidden


@pytest.mark.parametrize(
    ("action", "status"),
    [(None, "active"), ("cooldown", "paused"), ("block", "paused"), ("escalate", "paused")],
)
def test_an_agreement_comes_to_the_agents_status(lobby, action, status):
    """Resume makes it active at once; the others leave it paused."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        session_id = await room.agreed(action=action)
        told = await room.call("get_dialectic", None, session_id=session_id)
        return (
            room.status("lumen"),
            told,
            room.rows(
                "SELECT e.status, e.role FROM core.lifecycle_events AS e"
                " JOIN core.identities AS i USING (identity_id)"
                " WHERE i.agent_id = 'lumen' ORDER BY e.event_id DESC LIMIT 1"
            ),
        )

    now, told, life = lobby(story)

    assert now == status
    assert told.session.resolution_action == (action or "resume")
    assert told.resolution["signature_a"] != told.resolution["signature_b"]
    assert life == [("active", "governance") if action is None else ("paused", "postgres")]


def test_a_cooldown_ends_by_itself_when_its_time_has_come(lobby):
    """Not before, once, and it is told."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        await room.agreed(action="cooldown")
        with pytest.raises(Conflict, match="cools down until"):
            await room.opened()
        room.later(minutes=59)
        early = await room.disputes.sweep(room.now), room.status("lumen")
        room.later(minutes=2)
        late = await room.disputes.sweep(room.now), room.status("lumen")
        again = await room.disputes.sweep(room.now)
        return (
            early,
            late,
            again,
            await room.events("payload->>'status'", "event_type = 'agent_status'"),
        )

    assert lobby(story) == ((0, "paused"), (1, "active"), 0, [("active",)])


def test_a_verdicts_pause_is_no_status_until_a_dispute_makes_it_one(lobby):
    """Opening changes nothing; block, cooldown and escalation hold, resume leaves it free."""

    async def story(room):
        for name in ("lumen", "moth", "ash"):
            room.agent(name, action="pause")
        for name in ("ember", "birch", "cedar"):
            room.agent(name)
        await room.opened("lumen")
        during = room.status("lumen")
        await room.agreed("moth")
        await room.agreed("ash", action="block")
        return during, room.status("moth"), room.status("ash")

    assert lobby(story) == ("active", "active", "paused")


def test_after_an_escalation_only_an_operator_helps(lobby):
    """A block may be argued again, an escalation may not; the operator's word ends the waiting."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        room.agent("moth")
        await room.agreed(action="block")
        await room.agreed(action="escalate")
        with pytest.raises(Forbidden, match="was escalated"):
            await room.opened()
        room.operator("lumen", "active")
        room.operator("lumen", "paused")
        room.agent("ash")
        await room.agreed()
        return room.status("lumen")

    assert lobby(story) == "active"


def test_an_operators_later_word_stands(lobby):
    """Whoever paused it again while they talked is not overruled."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        session_id, reviewer = await room.answered()
        room.later(minutes=-2)
        room.rows("UPDATE dialectic.sessions SET created_at = created_at - interval '1 minute'")
        room.operator("lumen", "active")
        room.operator("lumen", "paused")
        for who in ("lumen", reviewer):
            told = await room.call("submit_synthesis", who, session_id=session_id, agrees=True)
        return told.session.status, told.agent_status, room.status("lumen")

    assert lobby(story) == ("resolved", None, "paused")


def test_what_an_operator_archived_stays_archived(lobby):
    """An agreement lifts a pause and nothing else."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        session_id, reviewer = await room.answered()
        room.operator("lumen", "archived")
        # Not even if that was long ago, when a later word would not say so already.
        room.rows("UPDATE core.lifecycle_events SET occurred_at = occurred_at - interval '1 day'")
        for who in ("lumen", reviewer):
            await room.call("submit_synthesis", who, session_id=session_id, agrees=True)
        return room.status("lumen")

    assert lobby(story) == "archived"


def test_alone_nobody_is_resumed(lobby):
    """An agent that is held and reviews itself ends at the operator's."""

    async def story(room):
        room.agent("lumen", status="paused")
        await room.agreed()
        return room.status("lumen"), room.rows(
            "SELECT status, resolution_action, reviewer_agent_id FROM dialectic.sessions"
        )

    assert lobby(story) == ("paused", [("escalated", "escalate", "lumen")])


FORGED = "UPDATE dialectic.sessions SET status = 'resolved', resolution_action = 'resume'"


def test_the_function_believes_only_what_was_said(lobby):
    """The app can write that a dispute is resolved; without both words it lifts nothing."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        session_id, reviewer = await room.answered()
        await room.call("submit_synthesis", "lumen", session_id=session_id, agrees=True)
        await room.call("submit_synthesis", reviewer, session_id=session_id, agrees=False)
        with psycopg.connect(room.database.app) as conn:
            conn.execute(FORGED)
            with pytest.raises(errors.CheckViolation, match="the two do not agree"):
                conn.execute("SELECT dialectic.settle(%s, now())", [session_id])
        return room.status("lumen")

    assert lobby(story) == "paused"


@pytest.mark.parametrize("kind", ["review", "exploration"])
def test_only_a_recovery_has_an_effect(lobby, kind):
    """Talking of other things resumes nobody."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        session_id = await room.agreed(session_type=kind)
        with psycopg.connect(room.database.app) as conn:
            assert conn.execute("SELECT dialectic.settle(%s, now())", [session_id]).fetchone() == (
                None,
            )
        return room.status("lumen")

    assert lobby(story) == "paused"


def test_the_app_itself_may_not_touch_a_status_nor_when_it_was_settled(lobby):
    """The function is the only way."""

    async def story(room):
        for statement in (
            "UPDATE core.identities SET status = 'active'",
            "UPDATE dialectic.sessions SET settled_at = NULL",
            "UPDATE dialectic.messages SET agrees = true",
            "DELETE FROM dialectic.messages",
        ):
            with (
                psycopg.connect(room.database.app) as conn,
                pytest.raises(errors.InsufficientPrivilege),
            ):
                conn.execute(statement)

    lobby(story)


@pytest.mark.parametrize("kin", ["child", "parent", "grandchild", "sibling"])
def test_no_kin_lifts_a_pause(lobby, kin):
    """An agent makes its children itself: with one of them it is as with itself alone."""
    parents = {
        "child": {"ember": "lumen"},
        "parent": {"lumen": "ember"},
        "grandchild": {"moth": "lumen", "ember": "moth"},
        "sibling": {"lumen": "moth", "ember": "moth"},
    }[kin]

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        room.agent("moth", action="pause")
        for child, parent in parents.items():
            room.rows(
                "UPDATE core.identities SET parent_agent_id = %s WHERE agent_id = %s"
                " RETURNING agent_id",
                parent, child,
            )  # fmt: skip
        session_id = await room.opened()
        return (await room.call("get_dialectic", None, session_id=session_id)).session

    assert lobby(story).reviewer_agent_id == "lumen"


@pytest.mark.parametrize("kin", ["child", "parent", "grandchild", "sibling", "nobody"])
def test_the_function_lets_no_kin_lift_a_pause(lobby, kin):
    """However it came to be the reviewer: here it became kin after it was chosen."""
    parents = {
        "child": {"ember": "lumen"},
        "parent": {"lumen": "ember"},
        "grandchild": {"moth": "lumen", "ember": "moth"},
        "sibling": {"lumen": "moth", "ember": "moth"},
        "nobody": {"moth": "lumen"},
    }[kin]

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        room.agent("moth", action="pause")
        session_id, reviewer = await room.answered()
        for child, parent in parents.items():
            room.rows(
                "UPDATE core.identities SET parent_agent_id = %s WHERE agent_id = %s"
                " RETURNING agent_id",
                parent, child,
            )  # fmt: skip
        await room.call("submit_synthesis", "lumen", session_id=session_id, agrees=True)
        said = room.call("submit_synthesis", reviewer, session_id=session_id, agrees=True)
        if kin == "nobody":
            await said
        else:
            with pytest.raises(errors.CheckViolation, match="ember is agent lumen or its kin"):
                await said
        return room.status("lumen")

    assert lobby(story) == ("active" if kin == "nobody" else "paused")
