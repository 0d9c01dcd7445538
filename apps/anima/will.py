"""Whether the creature may draw: governance decides, and while it is silent the creature does."""

import threading
import time
from collections.abc import Callable

from apps.anima.feelings import Decision, decide_alone, report
from apps.anima.log import say
from apps.bridge.client import TIMEOUT_SECONDS, Accepted, Outcome, Unintelligible
from schemas.bridge import CHECK_IN_EVERY_SECONDS, Action, Margin, Verdict
from schemas.eisv import Anima

PATIENCE_CHECK_INS = 3
"""A proceed holds for so many check-ins, and not for less than as many requests may take."""


class Will:
    """The decision in force.

    A hold is a pause that governance gave, or an answer in which no verdict could be read. It
    lasts until governance says proceed to a check-in for the first time: silence, restarts, a
    repeat of what was said before and a word on what is past do not lift it. Without a hold, a
    proceed runs out; then, and whenever governance is known to be away, the creature decides by
    how it feels.
    """

    def __init__(
        self,
        remembered: str | None,
        check_in_every_seconds: float = CHECK_IN_EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._patience = PATIENCE_CHECK_INS * max(check_in_every_seconds, TIMEOUT_SECONDS)
        self._is_held = remembered == Action.PAUSE
        self._heard_at = clock()
        self._cause: str | None = None
        self._lock = threading.Lock()
        self.anima: Anima | None = None
        self.decision: Decision | None = None
        if self._is_held:
            reason = "governance said pause before the restart"
            self.decision = Decision(Action.PAUSE, Margin.WARNING, reason, is_local=False)

    @property
    def may_draw(self) -> bool:
        """True unless something says pause; before the first answer, what was said last."""
        if self._is_held:
            return False
        return self.decision is None or self.decision.action is Action.PROCEED

    def hear(self, outcome: Outcome) -> Action:
        """Take in what became of a check-in; gives what a restart must remember."""
        with self._lock:
            before = self.may_draw
            if isinstance(outcome, Accepted):
                self._obey(outcome.verdict)
            elif isinstance(outcome, Unintelligible):
                self._is_held = True
                self.decision = Decision(
                    action=Action.PAUSE,
                    margin=Margin.CRITICAL,
                    reason=f"no verdict in governance's answer: {outcome.reason}",
                    is_local=True,
                )
            else:
                self._cause = outcome.reason
                self._decide_alone(outcome.reason)
            self._tell(before)
            return Action.PAUSE if self._is_held else Action.PROCEED

    def consider(self) -> None:
        """Decide alone if governance gave no verdict for too long; to be called often."""
        with self._lock:
            silent = self._clock() - self._heard_at
            if silent > self._patience:
                before = self.may_draw
                self._decide_alone(self._cause or f"no verdict for {silent:.0f} s")
                self._tell(before)

    def _obey(self, verdict: Verdict) -> None:
        if (verdict.repeated or verdict.late) and verdict.action is Action.PROCEED:
            return  # said before, or of what was before: perhaps before the pause
        self._heard_at, self._cause = self._clock(), None
        self._is_held = verdict.action is Action.PAUSE
        self.decision = Decision(
            action=verdict.action,
            margin=verdict.margin,
            reason=verdict.reason,
            is_local=False,
        )

    def _decide_alone(self, cause: str) -> None:
        """Not while governance's pause holds: what it said then still counts, and is shown."""
        if self.anima is not None and not self._is_held:
            self.decision = decide_alone(report(self.anima), cause)

    def _tell(self, before: bool) -> None:
        if self.decision and self.may_draw is not before:
            verb = "resumed" if self.may_draw else "paused"
            say(f"drawing {verb}", reason=self.decision.reason, local=self.decision.is_local)
