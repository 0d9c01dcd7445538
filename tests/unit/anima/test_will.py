"""Who decides whether the hand may draw, and for how long."""

from apps.anima.will import Will
from apps.bridge.client import Accepted, RefusedByServer, Unavailable, Unintelligible
from schemas.bridge import Verdict


def test_governances_pause_holds_until_its_proceed(will, client, governance):
    """Silence does not lift it."""
    proceed = client.send(b"{}")
    governance.answers = [(200, governance.pause)]
    pause = client.send(b"{}")

    assert will.may_draw
    will.hear(pause)
    assert not will.may_draw
    will.hear(Unavailable("down"))
    assert not will.may_draw
    will.hear(proceed)
    assert will.may_draw


class Clock:
    """Monotonic seconds by hand."""

    now = 100.0

    def __call__(self):
        """The time."""
        return self.now


def test_a_proceed_runs_out(anima, client, capsys):
    """Three check-ins without a verdict: then it is how the creature feels that counts."""
    clock = Clock()
    will = Will(None, 60, clock)
    will.anima = anima.model_copy(update={"clarity": 0.1})
    will.hear(client.send(b"{}"))
    clock.now += 180
    will.consider()
    assert will.may_draw

    clock.now += 1
    will.consider()
    assert not will.may_draw
    assert "no verdict for 181 s" in will.decision.reason

    will.anima = anima
    will.consider()
    assert will.may_draw
    assert capsys.readouterr().out.count("drawing ") == 2


def test_a_pause_does_not_run_out(anima, client, governance):
    """The creature's own opinion does not lift it."""
    clock = Clock()
    will = Will(None, 60, clock)
    will.anima = anima
    governance.answers = [(200, governance.pause)]
    will.hear(client.send(b"{}"))
    clock.now += 10_000
    will.consider()

    assert not will.may_draw


def test_patience_is_never_shorter_than_three_requests(anima, client):
    """A lab that checks in every second still lets governance take its time."""
    clock = Clock()
    will = Will(None, 1, clock)
    will.anima = anima.model_copy(update={"clarity": 0.1})
    clock.now += 29
    will.consider()

    assert will.may_draw


def test_a_repeated_proceed_lifts_nothing(will, governance):
    """It was said before the pause; a repeated pause is one all the same."""
    proceed = Verdict.model_validate_json(governance.answers[0][1])
    pause = Verdict.model_validate_json(governance.pause)
    again = {"repeated": True}
    will.hear(Accepted(pause))
    will.hear(Accepted(proceed.model_copy(update=again)))
    assert not will.may_draw

    will.hear(Accepted(proceed))
    assert will.may_draw
    will.hear(Accepted(pause.model_copy(update=again)))
    assert not will.may_draw


def test_while_governance_is_silent_the_creature_decides(will, anima):
    """Well: it draws. Unwell: it does not. Well again: it draws."""
    will.hear(Unavailable("down"))
    assert will.may_draw
    assert will.decision.is_local

    will.anima = anima.model_copy(update={"clarity": 0.1})
    will.hear(RefusedByServer(422, "no"))
    assert not will.may_draw

    will.anima = anima
    will.hear(Unavailable("down"))
    assert will.may_draw


def test_a_hold_keeps_its_reason_while_governance_is_away(will, governance):
    """What is shown is the pause, not how well the creature feels; so after a restart, too."""
    will.hear(Accepted(Verdict.model_validate_json(governance.pause)))
    said = will.decision
    will.hear(Unavailable("down"))
    assert will.decision == said
    assert not said.is_local

    again = Will("pause")
    assert again.decision.action == "pause"
    assert "before the restart" in again.decision.reason


def test_nonsense_from_governance_stops_the_hand(will, client):
    """Whatever the creature feels, and until governance says proceed."""
    will.hear(Unintelligible("action: field required"))
    assert not will.may_draw

    will.hear(Unavailable("timed out"))
    assert not will.may_draw
    will.hear(client.send(b"{}"))
    assert will.may_draw
