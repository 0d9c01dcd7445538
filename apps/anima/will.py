"""Whether the creature may draw: governance decides, and while it is silent the creature does."""

from apps.anima.feelings import Decision, decide_alone, report
from apps.anima.log import say
from apps.anima.store import Store
from apps.bridge.client import Accepted, Outcome, Unintelligible
from schemas.bridge import Action, Margin
from schemas.eisv import Anima


class Will:
    """The decision in force.

    A pause that governance gave holds until governance says proceed: silence and restarts do
    not lift it. An answer without a readable verdict stops drawing too.
    """

    def __init__(self, store: Store, remembered: str | None) -> None:
        self._store = store
        self._is_held = remembered == Action.PAUSE
        self._remembered = remembered
        self.anima: Anima | None = None
        self.decision: Decision | None = None

    @property
    def may_draw(self) -> bool:
        """True unless something says pause; before the first answer, what was said last."""
        if self._is_held:
            return False
        return self.decision is None or self.decision.action is Action.PROCEED

    def hear(self, outcome: Outcome) -> None:
        """Take in what became of a check-in."""
        before = self.may_draw
        if isinstance(outcome, Accepted):
            verdict = outcome.verdict
            self._is_held = verdict.action is Action.PAUSE
            self.decision = Decision(
                action=verdict.action,
                margin=verdict.margin,
                reason=verdict.reason,
                is_local=False,
            )
            if verdict.action != self._remembered:
                self._remembered = verdict.action
                self._store.remember_action(verdict.action)
        elif isinstance(outcome, Unintelligible):
            self.decision = Decision(
                action=Action.PAUSE,
                margin=Margin.CRITICAL,
                reason=f"no verdict in governance's answer: {outcome.reason}",
                is_local=True,
            )
        elif self.anima is not None:
            self.decision = decide_alone(report(self.anima), outcome.reason)
        if self.decision and self.may_draw is not before:
            verb = "resumed" if self.may_draw else "paused"
            say(f"drawing {verb}", reason=self.decision.reason, local=self.decision.is_local)
