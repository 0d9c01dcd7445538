"""Who may speak when in a dispute, by when, and what it comes to."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from apps.bridge.refusals import Conflict, Forbidden
from apps.governance.dialectic.rules import (
    COOLDOWN,
    Dispute,
    Word,
    check,
    expired,
    first_deadline,
    limits,
    merge,
    move,
    overdue,
    repeated,
    reviewer,
    sign,
    signed,
    strictest,
    turn,
)
from schemas.governance.dialectic import Outcome, Phase, SessionKind, Standing, Step

OPENED = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def dispute(*words: Word, kind=SessionKind.RECOVERY, other="ember", held=False) -> Dispute:
    """One between lumen and another, with what was said played move by move."""
    made = Dispute(
        "d-1", kind, Phase.THESIS, Standing.ACTIVE, "lumen", other, OPENED,
        first_deadline(kind, OPENED), limits(kind).rounds, held=held,
    )  # fmt: skip
    for word in words:
        check(made, word)
        said = signed(made, word)
        after = move(made, said)
        made = made._replace(
            phase=after.phase,
            standing=after.standing,
            deadline_at=after.deadline_at,
            words=(*made.words, said),
        )
    return made


def thesis(minutes=1.0, **more) -> Word:
    """The first word."""
    return Word("lumen", Step.THESIS, at(minutes), root_cause="V ran away", **more)


def antithesis(minutes=2.0, agent="ember", **more) -> Word:
    """The answer."""
    return Word(agent, Step.ANTITHESIS, at(minutes), concerns=("Again",), **more)


def synthesis(agent, minutes=3.0, agrees=True, conditions=(), **more) -> Word:
    """A word of a round."""
    return Word(agent, Step.SYNTHESIS, at(minutes), agrees=agrees, conditions=conditions, **more)


def at(minutes: float) -> datetime:
    """So many minutes after the opening."""
    return OPENED + timedelta(minutes=minutes)


def ended(made: Dispute, word: Word):
    """What the dispute comes to by one more word."""
    check(made, word)
    return move(made, signed(made, word))


def test_a_dispute_goes_from_thesis_to_agreement():
    """Each phase waits for its own word, and the one who agrees last ends it."""
    assert dispute().phase is Phase.THESIS
    assert dispute(thesis()).phase is Phase.ANTITHESIS
    talking = dispute(thesis(), antithesis(), synthesis("lumen", conditions=("Rest",)))
    assert talking.phase is Phase.SYNTHESIS

    after = ended(talking, synthesis("ember", 4, conditions=("rest.", "Watch V")))

    assert (after.phase, after.standing, after.action) == (
        Phase.RESOLVED, Standing.RESOLVED, Outcome.RESUME,
    )  # fmt: skip
    assert after.resolution["conditions"] == ["Rest", "Watch V"]
    assert after.resolution["root_cause"] == "V ran away"
    assert (after.deadline_at, after.rounds_done) == (None, 1)


@pytest.mark.parametrize(
    ("kind", "antithesis_hours", "round_hours", "total_hours", "rounds"),
    [
        (SessionKind.RECOVERY, 2, 1, 6, 5),
        (SessionKind.REVIEW, 2, 1, 6, 5),
        (SessionKind.DISPUTE, 2, 1, 6, 5),
        (SessionKind.EXPLORATION, 24, 6, 72, 10),
    ],
)
def test_the_limits_are_those_of_upstream(kind, antithesis_hours, round_hours, total_hours, rounds):
    """The whole from its opening, an antithesis from the thesis, a round from its begin."""
    assert dispute(kind=kind).deadline_at == OPENED + total_hours * HOUR
    assert dispute(thesis(1), kind=kind).deadline_at == at(1) + antithesis_hours * HOUR
    talking = dispute(thesis(1), antithesis(2), kind=kind)
    assert talking.deadline_at == at(2) + round_hours * HOUR
    assert limits(kind).rounds == rounds


def test_no_word_moves_the_end_of_the_whole():
    """A thesis in the sixth hour leaves its reviewer what is left of it."""
    assert dispute(thesis(5.5 * 60)).deadline_at == OPENED + 6 * HOUR


def test_the_first_word_of_a_round_buys_no_time_for_the_second():
    """A round has an hour; the next one begins with the second word."""
    half = dispute(thesis(), antithesis(2), synthesis("lumen", 30, agrees=False))
    assert half.deadline_at == at(2) + HOUR
    whole = dispute(
        thesis(), antithesis(2), synthesis("lumen", 30, agrees=False), synthesis("ember", 40)
    )
    assert whole.deadline_at == at(40) + HOUR


def test_a_third_party_has_no_part():
    """Whatever the phase."""
    for made, step in ((dispute(), Step.THESIS), (dispute(thesis()), Step.ANTITHESIS)):
        with pytest.raises(Forbidden, match="'moth' has no part"):
            check(made, Word("moth", step, at(3)))


@pytest.mark.parametrize(
    ("words", "word", "why"),
    [
        ((), antithesis(), "thesis is due, not antithesis"),
        ((), thesis()._replace(agent="ember"), "turn of 'lumen'"),
        ((thesis(),), antithesis(agent="lumen"), "turn of 'ember'"),
        ((thesis(),), synthesis("lumen"), "antithesis is due, not synthesis"),
        ((thesis(), antithesis(), synthesis("ember", agrees=False)), synthesis("ember", 5),
         "turn of 'lumen'"),
        ((thesis(), antithesis(), synthesis("ember"), synthesis("lumen")), synthesis("ember", 5),
         "is over: resolved"),
    ],
)  # fmt: skip
def test_a_word_out_of_turn_is_refused(words, word, why):
    """By phase, by side, and when all is said."""
    with pytest.raises(Conflict, match=why):
        check(dispute(*words), word)


def test_either_side_may_begin_a_round():
    """The other one ends it."""
    made = dispute(thesis(), antithesis())
    assert set(turn(made)) == {"lumen", "ember"}
    half = dispute(thesis(), antithesis(), synthesis("ember", agrees=False))
    assert turn(half) == ("lumen",)


def test_who_agreed_in_an_earlier_round_still_does():
    """Real session 80505402a4246c32: no, yes, yes."""
    made = dispute(thesis(), antithesis(), synthesis("lumen", agrees=False), synthesis("ember", 4))
    assert ended(made, synthesis("lumen", 5)).standing is Standing.RESOLVED


def test_rounds_without_agreement_escalate():
    """After the fifth, unsigned: nobody agreed to it."""
    made = dispute(thesis(), antithesis())
    for number in range(9):
        agent = ("lumen", "ember")[number % 2]
        word = synthesis(agent, 3 + number, agrees=False, reasoning=f"no {number}")
        made = dispute(*(said._replace(signature=None) for said in made.words), word)
    assert made.standing is Standing.ACTIVE

    after = ended(made, synthesis("ember", 20, agrees=False))

    assert (after.phase, after.standing, after.action, after.rounds_done) == (
        Phase.ESCALATED, Standing.ESCALATED, Outcome.ESCALATE, 5,
    )  # fmt: skip
    assert after.resolution["signature_a"] is after.resolution["signature_b"] is None


def test_the_stricter_proposal_counts():
    """And without one it is resume."""
    assert strictest([None, None]) is Outcome.RESUME
    assert strictest([Outcome.RESUME, Outcome.COOLDOWN]) is Outcome.COOLDOWN
    assert strictest([Outcome.BLOCK, Outcome.COOLDOWN]) is Outcome.BLOCK
    assert strictest([Outcome.ESCALATE, Outcome.BLOCK]) is Outcome.ESCALATE


def test_a_cooldown_ends_at_an_instant():
    """Counted from the last word."""
    made = dispute(thesis(), antithesis(), synthesis("lumen", action=Outcome.COOLDOWN))
    after = ended(made, synthesis("ember", 9))
    assert (after.action, after.resume_at) == (Outcome.COOLDOWN, at(9) + COOLDOWN)


@pytest.mark.parametrize("wish", [None, Outcome.COOLDOWN])
def test_nobody_lifts_a_hold_from_itself(wish):
    """Alone and held by its status, agreement with itself goes to an operator."""
    for held, action in ((False, wish or Outcome.RESUME), (True, Outcome.ESCALATE)):
        made = dispute(
            thesis(), antithesis(agent="lumen"), synthesis("lumen", action=wish),
            other="lumen", held=held,
        )  # fmt: skip
        assert ended(made, synthesis("lumen", 5, reasoning="I agree")).action is action


def test_an_agent_alone_speaks_for_both_sides_in_turn():
    """The second of a pair is the reviewer's."""
    made = dispute(
        thesis(), antithesis(agent="lumen"), synthesis("lumen", agrees=False, conditions=("A",)),
        synthesis("lumen", 4, agrees=True, conditions=("B",)), other="lumen",
    )  # fmt: skip
    assert made.round == 2
    after = ended(made, synthesis("lumen", 5, conditions=("C",)))
    assert after.resolution["conditions"] == ["C", "B"]


def test_the_same_words_again_are_a_repeat():
    """Of their agent's last message of that kind, and of no other."""
    made = dispute(thesis(), antithesis(), synthesis("lumen", agrees=False))
    assert repeated(made, thesis(99), None) == 0
    assert repeated(made, synthesis("lumen", 99, agrees=False), None) == 2
    assert repeated(made, synthesis("lumen", 99, agrees=True), None) is None
    assert repeated(made, antithesis(agent="lumen"), None) is None


def test_the_same_words_in_a_round_that_is_named_are_new():
    """So that one may insist."""
    made = dispute(
        thesis(), antithesis(), synthesis("lumen", agrees=False), synthesis("ember", agrees=False)
    )
    again = synthesis("lumen", 9, agrees=False)
    assert repeated(made, again, None) == 2
    assert repeated(made, again, 1) == 2
    assert repeated(made, again, 2) is None
    check(made, again, 2)
    with pytest.raises(Conflict, match="round 2 is on, not 3"):
        check(made, again, 3)


def test_silence_lifts_nothing():
    """It fails; the agent stays as it is."""
    made = dispute(thesis())
    after = expired(made)
    assert (after.standing, after.phase, after.action) == (Standing.TIMEOUT, Phase.FAILED, None)
    assert not overdue(made, at(121))
    assert overdue(made, at(121.1))
    assert not overdue(made._replace(deadline_at=None), at(1e6))


def test_conditions_are_merged_without_regard_to_their_spelling():
    """Real session 6e30cecbf75a266b went on for five rounds over a wording."""
    assert merge(["Wait  a day."], ["wait a DAY", "Report"], []) == ["Wait  a day.", "Report"]


def test_a_signature_changes_with_every_part_of_what_it_binds():
    """Session, agent, content, round; not with the order of keys."""
    one = sign("d-1", "lumen", {"a": 1, "b": [{"c": 2, "d": 3}]})
    assert sign("d-1", "lumen", {"b": [{"d": 3, "c": 2}], "a": 1}) == one
    others = {
        sign("d-2", "lumen", {"a": 1, "b": [{"c": 2, "d": 3}]}),
        sign("d-1", "ember", {"a": 1, "b": [{"c": 2, "d": 3}]}),
        sign("d-1", "lumen", {"a": 1, "b": [{"c": 2, "d": 4}]}),
    }
    assert len(others - {one}) == 3
    early = dispute(thesis(), antithesis())
    late = dispute(
        thesis(), antithesis(), synthesis("lumen", agrees=False), synthesis("ember", agrees=False)
    )
    said = synthesis("lumen", 9)
    assert signed(early, said).signature != signed(late, said).signature


def test_both_signatures_of_an_agreement_can_be_made_again():
    """From what the resolution says and what each side said last."""
    made = dispute(thesis(), antithesis(), synthesis("lumen"))
    word = signed(made, synthesis("ember", 4))
    told = dict(move(made, word).resolution)
    a, b = told.pop("signature_a"), told.pop("signature_b")
    assert a == sign("d-1", "lumen", {**told, "of": made.words[-1].signature})
    assert b == sign("d-1", "ember", {**told, "of": word.signature})


def test_a_reviewer_is_free_fit_and_chosen_by_chance():
    """Never a recent partner, nor one that is excluded, nor the agent itself."""
    free = ["ember", "moth", "lumen", "ash"]
    pick = Random(4).choice
    chosen = {reviewer("lumen", free, {"ember"}, {"ash"}, pick) for _ in range(20)}
    assert chosen == {"moth"}
    chosen = {reviewer("lumen", free, set(), set(), pick) for _ in range(50)}
    assert chosen == {"ember", "moth", "ash"}


def test_an_agent_reviews_itself_if_nobody_else_can():
    """Then ``pick`` is not asked."""
    assert reviewer("lumen", ["lumen", "ember"], {"ember"}, set(), lambda _: "moth") == "lumen"
