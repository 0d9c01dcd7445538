"""tool_usage.jsonl: every call of a tool. Nobody waits for its line.

Whoever knocks without a token calls no tool. A call that comes to nothing costs its caller nothing:
of those each agent has so many lines a minute, and the next one tells how many had none.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from apps.bridge.refusals import TooMany
from apps.bridge.tool import Caller, Tool
from apps.governance.ids import fresh_id
from apps.governance.trail.scribe import Scribe
from schemas.errors import HouseError
from schemas.quantity import Closed

FAULT: str | None = "Fault"
"""What no refusal explains."""
VAIN_A_MINUTE: Final = 60
"""Lines of one agent about calls that were turned away, or came too often."""
AGENTS_LIMIT: Final = 1_000


@dataclass(slots=True)
class Vain:
    """What an agent asked in vain in some minute."""

    minute: int
    lines: int = 0
    left_out: int = 0
    """Since the last line that told of it."""


class ToolUsage:
    """The trail of tool calls; audit.tool_usage is made from it."""

    def __init__(self, path: Path) -> None:
        self.scribe = Scribe(path)
        self._vain: OrderedDict[str | None, Vain] = OrderedDict()

    def noted(self, tool: Tool) -> Tool:
        """The tool, each call of which becomes a line."""

        async def run(caller: Caller, asked: Any) -> Closed:
            begun, error, vain = time.monotonic(), FAULT, False
            try:
                said = await tool.run(caller, asked)
                error = None
            except HouseError as why:
                error, vain = type(why).__name__, isinstance(why, TooMany)
                raise
            finally:
                took = time.monotonic() - begun
                note = self._in_vain if vain else self.note
                note(tool.name, caller.agent, took, error)
            return said

        def turned_away(caller: Caller, why: HouseError) -> None:
            self._in_vain(tool.name, caller.agent, None, type(why).__name__)

        return replace(tool, run=run, turned_away=turned_away)

    def _in_vain(
        self, tool: str, agent: str | None, seconds: float | None, error: str | None
    ) -> None:
        """One call that came to nothing, if this minute has room for its line."""
        minute = int(time.monotonic() // 60)
        told = self._vain.setdefault(agent, Vain(minute))
        self._vain.move_to_end(agent)
        if len(self._vain) > AGENTS_LIMIT:
            self._vain.popitem(last=False)
        if told.minute != minute:
            told.minute, told.lines = minute, 0
        if told.lines >= VAIN_A_MINUTE:
            told.left_out += 1
            return
        told.lines += 1
        left_out, told.left_out = told.left_out, 0
        self.note(tool, agent, seconds, error, {"left_out": left_out} if left_out else None)

    def note(
        self,
        tool: str,
        agent: str | None,
        seconds: float | None,
        error_type: str | None = None,
        payload: dict[str, Any] | None = None,
    ) -> None:
        """One call; it failed if and only if it names the error. No session's id: it opens."""
        self.scribe.note(
            [
                {
                    "usage_id": fresh_id(),
                    "recorded_at": datetime.now(UTC),
                    "agent_id": agent,
                    "tool_name": tool,
                    "latency_ms": seconds and round(max(0.0, seconds) * 1000, 3),
                    "success": error_type is None,
                    "error_type": error_type,
                    "payload": payload or {},
                }
            ]
        )
