"""Check-ins that came in one turn of the event loop go through each step together.

A body that is read between two others costs half of what one does that is read between a socket and
a queue: the processor still has at hand what it reads with. And one task does for all of them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple

from apps.bridge import tools, web
from apps.bridge.body import read_check_in
from apps.bridge.web import Answer
from apps.governance.checkins import Checkins
from apps.governance.gather import outcomes
from apps.governance.numbers import Numbers
from apps.governance.report import Report, report
from apps.governance.web import Request
from schemas.bridge import CheckIn, Verdict
from schemas.errors import HouseError, Refused
from schemas.governance.calls import Right


class Asking(NamedTuple):
    """A request, and who waits for its answer."""

    asked: web.Request
    answer: asyncio.Future[Answer]
    refused: Callable[[web.Request, Exception], Answer]


class Intake:
    """The way of a check-in from the door to the writer, and of its verdict back."""

    def __init__(self, checkins: Checkins, numbers: Numbers) -> None:
        self._checkins = checkins
        self._numbers = numbers
        self._came: list[Asking] = []
        self._turns: set[asyncio.Task[None]] = set()

    def take(
        self,
        asked: web.Request,
        opened: Callable[[web.Request], Awaitable[Request]],
        refused: Callable[[web.Request, Exception], Answer],
    ) -> asyncio.Future[Answer]:
        """The answer to come; ``opened`` lets its caller in, ``refused`` says why not."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        if not self._came:
            turn = loop.create_task(self._turn(opened))
            self._turns.add(turn)
            turn.add_done_callback(self._turns.discard)
        self._came.append(Asking(asked, answer, refused))
        return answer

    async def _turn(self, opened: Callable[[web.Request], Awaitable[Request]]) -> None:
        came, self._came = self._came, []
        begun = time.monotonic()
        read: list[tuple[Asking, Request, CheckIn, bytes]] = []
        for each, request in zip(came, await _let_in(came, opened), strict=True):
            if isinstance(request, Exception):
                self._refuse(each, request)
                continue
            try:
                read.append((each, request, *read_check_in(request.body())))
            except Exception as error:  # noqa: BLE001  told to its caller
                self._refuse(each, error)
        now = datetime.now(UTC)
        heard: list[tuple[Asking, CheckIn, Report]] = []
        for each, request, said, told in read:
            try:
                heard.append((each, said, await reported(request, said, told, now)))
            except Exception as error:  # noqa: BLE001  told to its caller
                self._refuse(each, error)
        too_many = await self._checkins.admitted([made for *_, made in heard])
        for (each, said, made), why_not in zip(heard, too_many, strict=True):
            if why_not is not None:
                self._refuse(each, why_not)
                continue
            try:
                self._await(each, said, self._checkins.put(made), begun)
            except Exception as error:  # noqa: BLE001  told to its caller
                self._refuse(each, error)

    def _await(
        self, each: Asking, said: CheckIn, verdict: asyncio.Future[Verdict], begun: float
    ) -> None:
        def spoken(done: asyncio.Future[Verdict]) -> None:
            try:
                answer = done.result()
                body = answer.spoken_in(said.contract).model_dump_json().encode()
            except Exception as error:  # noqa: BLE001  told to its caller
                self._refuse(each, error)
            else:
                self._numbers.answered(answer, time.monotonic() - begun)
                if not each.answer.done():
                    each.answer.set_result(Answer(body))

        verdict.add_done_callback(spoken)

    def _refuse(self, each: Asking, error: Exception) -> None:
        if isinstance(error, HouseError):
            self._numbers.refused(error)
        if not each.answer.done():
            each.answer.set_result(each.refused(each.asked, error))


async def _let_in(
    came: list[Asking], opened: Callable[[web.Request], Awaitable[Request]]
) -> list[Request | Exception]:
    """For each its caller's request, or why not; tokens are looked up at once."""
    if any(b"authorization" in each.asked.headers for each in came):
        return await outcomes(opened(each.asked) for each in came)
    found: list[Request | Exception] = []
    for each in came:
        try:
            found.append(await opened(each.asked))
        except Exception as error:  # noqa: BLE001  told to its caller
            found.append(error)
    return found


async def reported(request: Request, said: CheckIn, told: bytes, now: datetime) -> Report:
    """The check-in as its caller's, who may check in."""
    who = await request.caller(in_body=said.agent, checks_in=True)
    if who.agent is None:
        raise Refused("check-in: agent: is missing", "name it in the body or as X-Agent-Id")
    tools.require(who, Right.CHECK_IN, "check-in")
    return report(who.agent, said, now, session_id=who.session_id, told=told)
