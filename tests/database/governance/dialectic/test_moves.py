"""Disputes move by move: who may, who comes second, what is said twice, what comes too late."""

import asyncio
from datetime import timedelta

import pytest

from apps.bridge.refusals import Conflict, Forbidden, NotFound
from schemas.errors import HouseError, Refused


async def at_once(*calls):
    """What each of them gave, or how it was refused."""
    return await asyncio.gather(*calls, return_exceptions=True)


def test_a_dispute_is_told_from_its_opening_to_its_end(lobby):
    """Rows, turns, deadlines, transcript, events: what was said and nothing else."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        opened = await room.call("request_review", "lumen", reason="held since noon")
        session_id = await room.agreed_in(opened)
        told = await room.call("get_dialectic", "moth", session_id=session_id)
        listed = await room.call("list_dialectics", None, about="ember", status="resolved")
        events = await room.events("event_type")
        return opened, told, listed, [kind for (kind,) in events]

    opened, told, listed, events = lobby(story)

    assert opened.next_speakers == ("lumen",)
    assert (opened.session.reviewer_agent_id, opened.session.reason) == ("ember", "held since noon")
    assert [word.phase for word in told.transcript] == ["thesis", "antithesis"] + ["synthesis"] * 2
    assert [word.seq for word in told.transcript] == [0, 1, 2, 3]
    assert len({word.signature for word in told.transcript}) == 4
    assert told.paused_agent_state["action"] == "proceed"
    assert told.next_speakers == ()
    assert listed.sessions == (told.session,)
    assert sorted(events) == ["agent_status", "dialectic_ended", *["dialectic_message"] * 4,
                              "dialectic_opened"]  # fmt: skip


def test_who_is_not_paused_has_nothing_to_recover_from(lobby):
    """It may ask for a review; who is disabled may ask for nothing, who is unknown neither."""

    async def story(room):
        room.agent("lumen")
        room.agent("ember", status="disabled")
        with pytest.raises(Conflict, match="is not paused"):
            await room.opened()
        with pytest.raises(Forbidden, match="is disabled"):
            await room.opened("ember")
        with pytest.raises(Refused, match="is not known"):
            await room.opened("moth")
        return (await room.call("request_review", "lumen", session_type="review")).session

    assert lobby(story).max_synthesis_rounds == 5


def test_exploring_takes_more_rounds_and_a_partner_of_ones_choice(lobby):
    """Ten at least; nobody chooses who judges its pause."""

    async def story(room):
        room.agent("lumen", action="pause")
        room.agent("ember")
        room.agent("moth")
        with pytest.raises(Refused, match="only to explore"):
            await room.opened(reviewer_agent_id="moth")
        with pytest.raises(Conflict, match="'ash' is not free"):
            await room.opened(session_type="exploration", reviewer_agent_id="ash")
        return (
            await room.call(
                "request_review", "lumen", session_type="exploration", reviewer_agent_id="moth"
            )
        ).session

    told = lobby(story)

    assert (told.reviewer_agent_id, told.max_synthesis_rounds) == ("moth", 10)
    assert (told.deadline_at - told.created_at).total_seconds() == 72 * 3600


def test_chance_decides_among_those_who_are_free(lobby):
    """Active, heard within a day, not paused by a verdict, in no open dispute, not met of late."""

    async def story(room):
        room.agent("lumen", action="pause")
        room.agent("met")
        await room.agreed()
        room.agent("busy", action="pause")
        room.agent("judging")
        assert (await room.call("request_review", "busy", exclude=["met"])).session
        for name, how in (
            ("archived", {"status": "archived"}), ("held", {"status": "paused"}),
            ("silent", {"heard_hours": 25}), ("shaken", {"action": "pause"}),
            ("excluded", {}), ("fit", {}), ("fitter", {"heard_hours": 23}),
        ):  # fmt: skip
            room.agent(name, **how)
        await room.opened(exclude=["excluded"])
        return room.picked[-1]

    assert lobby(story) == ["fit", "fitter"]


def test_without_anybody_else_it_reviews_itself(lobby):
    """And says so."""

    async def story(room):
        room.agent("lumen", action="pause")
        return (await room.call("request_review", "lumen")).session

    told = lobby(story)
    assert told.reviewer_agent_id == told.paused_agent_id == "lumen"


def test_a_discovery_is_contested_with_its_author(lobby):
    """Its own nobody contests, one that is not there neither."""

    async def story(room):
        room.agent("lumen")
        room.agent("ember")
        room.rows("INSERT INTO core.discoveries (discovery_id, agent_id, type, summary)"
                  " VALUES ('d-1', 'ember', 'insight', 'Light helps')")  # fmt: skip
        asked = {"session_type": "dispute", "discovery_id": "d-1", "dispute_type": "correction"}
        with pytest.raises(NotFound, match="'d-2': is not there"):
            await room.opened(**(asked | {"discovery_id": "d-2"}))
        with pytest.raises(Refused, match="is your own"):
            await room.opened("ember", **asked)
        with pytest.raises(Refused, match="goes with session_type"):
            await room.opened(session_type="review", discovery_id="d-1")
        return (await room.call("request_review", "lumen", **asked)).session

    told = lobby(story)
    assert (told.paused_agent_id, told.reviewer_agent_id) == ("lumen", "ember")


def test_eight_openings_at_once_are_one_dispute(lobby):
    """The others are told which one is open."""

    async def story(room):
        room.agent("lumen", action="pause")
        room.agent("ember")
        given = await at_once(*(room.opened() for _ in range(6)))
        return given, room.rows("SELECT session_id FROM dialectic.sessions")

    given, rows = lobby(story)

    assert len(rows) == 1
    refused = [each for each in given if isinstance(each, HouseError)]
    assert len(refused) == 5
    assert all(rows[0][0] in str(each) for each in refused if isinstance(each, Conflict))


def test_two_who_open_at_once_do_not_share_a_reviewer(lobby):
    """Who is being asked is no longer free."""

    async def story(room):
        for name in ("lumen", "moth"):
            room.agent(name, action="pause")
        room.agent("ember")
        await asyncio.gather(room.opened("lumen"), room.opened("moth"))
        return sorted(room.rows("SELECT reviewer_agent_id FROM dialectic.sessions"))

    assert len(set(lobby(story))) == 2


def test_of_two_answers_at_once_one_counts(lobby):
    """The reviewer twice, with other words: the second is told what is due now."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        session_id = await room.opened()
        await room.call("submit_thesis", "lumen", session_id=session_id, root_cause="V")
        given = await at_once(*(
            room.call("submit_antithesis", "ember", session_id=session_id, reasoning=f"No {n}")
            for n in range(2)
        ))  # fmt: skip
        return given, room.rows("SELECT count(*) FROM dialectic.messages")

    given, rows = lobby(story)

    assert rows == [(2,)]
    [refused] = [each for each in given if isinstance(each, Exception)]
    assert isinstance(refused, Conflict)
    assert "synthesis is due, not antithesis" in refused.message


def test_the_same_message_at_once_and_again_is_one(lobby):
    """Each is answered as if it were the first, but says that it was not."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        session_id = await room.opened()
        said = {"session_id": session_id, "root_cause": "V", "proposed_conditions": ["Rest"]}
        given = await at_once(*(room.call("submit_thesis", "lumen", **said) for _ in range(5)))
        await room.call("submit_antithesis", "ember", session_id=session_id, reasoning="No")
        room.later(hours=50)
        given.append(await room.call("submit_thesis", "lumen", **said))
        return given, room.rows("SELECT count(*) FROM dialectic.messages")

    given, rows = lobby(story)

    assert rows == [(2,)]
    assert sum(not each.repeated for each in given) == 1
    assert given[-1].session.phase == "synthesis"


def test_a_third_party_is_refused_and_leaves_no_trace(lobby):
    """Even when the dispute is overdue."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        room.agent("moth")
        session_id, _ = await room.answered(exclude=["moth"])
        before = await room.events("event_id")
        for hours in (0, 9):
            room.later(hours=hours)
            with pytest.raises(Forbidden, match="'moth' has no part in it"):
                await room.call("submit_synthesis", "moth", session_id=session_id, agrees=True)
        return before == await room.events("event_id"), room.rows(
            "SELECT status FROM dialectic.sessions"
        )

    assert lobby(story) == (True, [("active",)])


def test_a_message_after_the_deadline_ends_the_dispute(lobby):
    """It is refused, the dispute has failed, the agent stays paused, though nobody had swept."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        session_id = await room.opened()
        await room.call("submit_thesis", "lumen", session_id=session_id, root_cause="V")
        room.later(hours=2, seconds=1)
        with pytest.raises(Conflict, match="it has failed"):
            await room.call("submit_antithesis", "ember", session_id=session_id, reasoning="No")
        with pytest.raises(Conflict, match="is over: timeout"):
            await room.call("submit_antithesis", "ember", session_id=session_id, reasoning="No")
        told = await room.call("get_dialectic", None, session_id=session_id)
        return told, room.status("lumen"), await room.disputes.sweep(room.now)

    told, status, swept = lobby(story)

    assert (told.session.phase, told.session.status) == ("failed", "timeout")
    assert (len(told.transcript), told.session.deadline_at) == (1, None)
    assert (status, swept) == ("paused", 0)


def test_silence_is_swept(lobby):
    """At its deadline and not before; each phase has its own; a new dispute may be opened."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        seen = []
        for hours, step in ((6, "thesis"), (2, "antithesis"), (1, "synthesis")):
            if step == "synthesis":
                await room.answered()
            else:
                session_id = await room.opened()
            if step == "antithesis":
                await room.call("submit_thesis", "lumen", session_id=session_id, root_cause="V")
            room.later(hours=hours, seconds=-1)
            early = await room.disputes.sweep(room.now)
            room.later(seconds=2)
            seen.append((early, await room.disputes.sweep(room.now)))
        ended = await room.events("event_type", "event_type = 'dialectic_ended'")
        return seen, room.rows("SELECT phase, status FROM dialectic.sessions"), ended

    seen, rows, events = lobby(story)

    assert seen == [(0, 1)] * 3
    assert rows == [("failed", "timeout")] * 3
    assert len(events) == 3


def test_a_word_in_time_and_a_sweep_at_once_do_not_both_count(lobby):
    """Whoever holds the row first decides; the other one sees it."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        for _ in range(4):
            told = (await room.call("request_review", "lumen")).session
            session_id, who = told.session_id, told.reviewer_agent_id
            await room.call("submit_thesis", "lumen", session_id=session_id, root_cause="V")
            room.later(hours=2)
            after = room.now + timedelta(seconds=1)
            word = room.call("submit_antithesis", who, session_id=session_id, reasoning="No")
            given = await at_once(word, room.disputes.sweep(after))
            [(status, said)] = room.rows(
                "SELECT s.status, (SELECT count(*) FROM dialectic.messages AS m"
                "  WHERE m.session_id = s.session_id) FROM dialectic.sessions AS s"
                " WHERE s.session_id = %s", session_id,
            )  # fmt: skip
            assert (status, said) in {("active", 2), ("timeout", 1)}
            assert isinstance(given[0], Exception) is (status == "timeout")
            room.later(hours=7)
            await room.disputes.sweep(room.now)

    lobby(story)


def test_the_graph_says_what_the_rows_say(lobby):
    """Session, both sides, each message with its author; how it stands after each move."""

    async def story(room):
        room.agent("lumen", status="paused")
        room.agent("ember")
        await room.agreed()
        counts = {
            label: room.rows(f'SELECT count(*) FROM governance_graph."{label}"')[0][0]
            for label in ("DialecticSession", "DialecticMessage", "PAUSED_AGENT", "REVIEWER",
                          "HAS_MESSAGE", "WROTE", "Agent")
        }  # fmt: skip
        [(session,)] = room.rows(
            "SELECT ag_catalog.agtype_out(properties)::text"
            ' FROM governance_graph."DialecticSession"'
        )
        agents = room.rows(
            'SELECT ag_catalog.agtype_out(properties)::text FROM governance_graph."Agent"'
        )
        return counts, session, agents

    counts, session, agents = lobby(story)

    assert counts == {
        "DialecticSession": 1, "DialecticMessage": 4, "PAUSED_AGENT": 1, "REVIEWER": 1,
        "HAS_MESSAGE": 4, "WROTE": 4, "Agent": 2,
    }  # fmt: skip
    assert '"status": "resolved"' in session
    assert '"phase": "resolved"' in session
    assert all('"status": "active"' in agent for (agent,) in agents)
