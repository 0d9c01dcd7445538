"""How often each agent may call: counted here and in Redis, and either may say no.

Redis counts for all processes and over a restart, in one script; this process counts for itself.
So without Redis nothing is open and nothing is forgotten: the count that is here goes on alone.
Both keep the very calls (a list of instants), not an average: no stretch of a minute ever holds
more than a minute's calls.
"""

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any, Final

from apps.bridge.refusals import TooMany
from apps.bridge.tool import Caller, Tool
from apps.governance.gather import outcomes
from apps.governance.report import Report
from apps.redis_line import Line, Script
from schemas.errors import HouseError
from schemas.governance import keys
from schemas.governance.calls import Right
from schemas.governance.limits import LIVE_SECONDS, PER_AGENT, Rate
from schemas.quantity import Closed

log = logging.getLogger("governance")
RATE: Final = Script.load(Path(__file__).with_name("rate.lua"))
AGENTS_LIMIT: Final = 1_000
"""Agents that this process counts for; beyond, who called longest ago is counted by Redis alone."""


class Limits:
    """The rates of every agent."""

    def __init__(
        self,
        line: Line,
        rates: Sequence[Rate] = PER_AGENT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = line
        self._rates = tuple(rates)
        self._words = tuple(number for rate in rates for number in rate)
        self._clock = clock
        self._most = max(rate.calls for rate in rates)
        self._calls: OrderedDict[str, deque[float]] = OrderedDict()
        self.refused = 0
        """Calls that came too soon."""
        self.alone = 0
        """Calls that were counted without Redis."""
        self.forgotten = 0
        """Agents that this process ceased to count for, having too many."""

    async def take(self, agent: str) -> None:
        """Count one call, or TooMany with the seconds to wait: then it is not counted."""
        calls = self._of(agent)
        now = self._clock()
        wait = self._wait(calls, now)
        if not wait:
            calls.append(now)
            wait = await self._shared(agent)
            if wait and calls:
                calls.pop()
        if wait:
            self.refused += 1
            raise TooMany(agent, self._rates, ceil(wait))

    async def admit(self, said: Report) -> None:
        """The same for a check-in, if it is of now.

        A Pi that was offline for a week owes 10,080 check-ins. They must come in, at the pace of
        the writer's queue; only what is recorded just now shows how often an agent calls.
        """
        if is_live(said):
            await self.take(said.agent)

    async def admitted(self, reports: Sequence[Report]) -> list[Exception | None]:
        """The same for several at once: for each why it comes too soon, or None."""
        found: list[Exception | None] = [None] * len(reports)
        counted = [place for place, said in enumerate(reports) if is_live(said)]
        if counted:
            told = await outcomes(self.take(reports[place].agent) for place in counted)
            for place, why in zip(counted, told, strict=True):
                found[place] = why
        return found

    def limited(self, tool: Tool) -> Tool:
        """The tool, its calls counted by agent; not an operator's, and check-ins not twice."""
        if tool.is_verdict:
            return tool

        async def run(caller: Caller, asked: Any) -> Closed:
            if caller.agent is not None and Right.OPERATE not in caller.rights:
                await self.take(caller.agent)
            return await tool.run(caller, asked)

        return replace(tool, run=run)

    async def _shared(self, agent: str) -> float:
        """How long Redis says to wait; not at all without it, for we counted as well."""
        try:
            said = await self._line.run(RATE, [keys.calls(agent)], self._words)
        except HouseError as error:
            if not self.alone:
                log.warning("%s; calls are counted here alone", error.message)
            self.alone += 1
            return 0.0
        return int(said) / 1_000

    def _of(self, agent: str) -> deque[float]:
        calls = self._calls.get(agent)
        if calls is None:
            calls = self._calls[agent] = deque(maxlen=self._most)
            if len(self._calls) > AGENTS_LIMIT:
                self._calls.popitem(last=False)
                self.forgotten += 1
        self._calls.move_to_end(agent)
        return calls

    def _wait(self, calls: deque[float], now: float) -> float:
        """Seconds until every rate has room."""
        wait = 0.0
        for rate in self._rates:
            if len(calls) >= rate.calls:
                wait = max(wait, calls[-rate.calls] + rate.seconds - now)
        return wait


def is_live(said: Report) -> bool:
    """Whether a check-in is of now; one without a key always is."""
    return (said.received_at - said.recorded_at).total_seconds() <= LIVE_SECONDS
