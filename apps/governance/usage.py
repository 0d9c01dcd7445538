"""tool_usage.jsonl: every call of a tool. Nobody waits for its line."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.bridge.tool import Caller, Tool
from apps.governance.ids import fresh_id
from apps.governance.trail.scribe import Scribe
from schemas.errors import HouseError
from schemas.quantity import Closed

FAULT: str | None = "Fault"
"""What no refusal explains."""


class ToolUsage:
    """The trail of tool calls; audit.tool_usage is made from it."""

    def __init__(self, path: Path) -> None:
        self.scribe = Scribe(path)

    def noted(self, tool: Tool) -> Tool:
        """The tool, each call of which becomes a line."""

        async def run(caller: Caller, asked: Any) -> Closed:
            begun, error = time.monotonic(), FAULT
            try:
                said = await tool.run(caller, asked)
                error = None
            except HouseError as why:
                error = type(why).__name__
                raise
            finally:
                self.note(tool.name, caller.agent, time.monotonic() - begun, error)
            return said

        return replace(tool, run=run)

    def note(
        self,
        tool: str,
        agent: str | None,
        seconds: float,
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
                    "latency_ms": round(max(0.0, seconds) * 1000, 3),
                    "success": error_type is None,
                    "error_type": error_type,
                    "payload": payload or {},
                }
            ]
        )
