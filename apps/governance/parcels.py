"""Several check-ins in one request: a Pi's backlog, oldest first, a line of JSON each.

Each is taken or refused as if it had come alone, and they are committed together. After one that
is to come later none is taken: no check-in is overtaken by what was said after it.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import NamedTuple

from apps.bridge.body import read_check_in
from apps.bridge.refusals import Malformed, TooLarge, TooMany
from apps.bridge.web import Answer
from apps.governance import caller
from apps.governance.checkins import Checkins
from apps.governance.gather import outcomes
from apps.governance.intake import reported
from apps.governance.numbers import Numbers
from apps.governance.report import Report
from apps.governance.web import Request, refused
from schemas.bridge import BATCH_KIND, BATCH_LIMIT, CHECK_IN_LIMIT_BYTES, Contract, Verdict
from schemas.errors import HouseError, Unreachable

TURN = 16
"""Check-ins that are read before somebody else has the event loop."""


class Told(NamedTuple):
    """A check-in of a parcel that was read."""

    place: int
    contract: Contract
    report: Report


class Parcels:
    """The way of a parcel from the door to the writer, and of its answers back."""

    def __init__(self, checkins: Checkins, numbers: Numbers) -> None:
        self._checkins = checkins
        self._numbers = numbers

    async def take(self, request: Request) -> Answer:
        """An answer to each, in order, once all that is taken is on disk."""
        begun = time.monotonic()
        lines = _lines(request)
        found: list[Answer | None] = [None] * len(lines)

        def refuse(place: int, error: Exception) -> None:
            if isinstance(error, HouseError):
                self._numbers.refused(error)
            found[place] = refused(request.asked, error)

        told, refusals = await _read(request, lines)
        reports = [each.report for each in told]
        too_many = await self._checkins.admitted(reports)
        refusals |= {
            each.place: why for each, why in zip(told, too_many, strict=True) if why is not None
        }
        later = [place for place, why in refusals.items() if _is_for_later(why)]
        if later:
            first = min(later)
            refusals |= dict.fromkeys(range(first, len(lines)), refusals[first])
        for place, why in refusals.items():
            refuse(place, why)
        taken = [each for each in told if each.place not in refusals]
        try:
            verdicts = self._checkins.put_all([each.report for each in taken])
        except HouseError as error:
            for each in taken:
                refuse(each.place, error)
        else:
            for each, said in zip(taken, await outcomes(verdicts), strict=True):
                if isinstance(said, Exception):
                    refuse(each.place, said)
                    continue
                self._numbers.answered(said, time.monotonic() - begun)
                found[each.place] = Answer(_in_words(said, each.contract))
        return Answer(b"".join(_line(each) for each in found if each), kind=BATCH_KIND)


def _lines(request: Request) -> list[bytes]:
    """The lines of the body, which says that they are such."""
    caller.is_json(request.asked, BATCH_KIND)
    lines = request.asked.body.removesuffix(b"\n").split(b"\n")
    if lines == [b""]:
        raise Malformed("batch: is empty", "a check-in on each line")
    if len(lines) > BATCH_LIMIT:
        raise TooLarge(f"batch: {len(lines)} lines are above {BATCH_LIMIT}")
    return lines


async def _read(request: Request, lines: list[bytes]) -> tuple[list[Told], dict[int, Exception]]:
    """What each line says, or by its place why it says nothing."""
    told: list[Told] = []
    refusals: dict[int, Exception] = {}
    now = datetime.now(UTC)
    for place, line in enumerate(lines):
        if place % TURN == TURN - 1:
            await asyncio.sleep(0)
        try:
            said, body = read_check_in(_bounded(line))
            told.append(Told(place, said.contract, await reported(request, said, body, now)))
        except Exception as error:  # noqa: BLE001  told to its caller, in its place
            refusals[place] = error
    return told, refusals


def _bounded(line: bytes) -> bytes:
    if len(line) > CHECK_IN_LIMIT_BYTES:
        raise TooLarge(f"check-in: above {CHECK_IN_LIMIT_BYTES} bytes")
    return line


def _is_for_later(error: Exception) -> bool:
    """Whether the same check-in may be taken in a while, so that its followers must wait."""
    return isinstance(error, Unreachable | TooMany) or not isinstance(error, HouseError)


def _in_words(said: Verdict, contract: Contract) -> bytes:
    return said.spoken_in(contract).model_dump_json().encode()


def _line(answer: Answer) -> bytes:
    after = answer.headers.get("retry-after")
    later = b"" if after is None else b',"retry_after":%d' % int(after)
    return b'{"status":%d%s,"answer":%s}\n' % (answer.status, later, answer.body)
