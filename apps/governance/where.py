"""Where a piece of data lives, told by the process that keeps most of it."""

import asyncio
import logging
import time
from pathlib import Path

import psycopg
from pydantic_core import to_json

from apps.bridge import tools
from apps.bridge.refusals import Busy
from apps.bridge.tool import Caller, Tool
from apps.bridge.web import Answer as Said
from apps.governance.desk import Desk
from apps.governance.web import Request, Routes
from apps.postgres import Connection
from apps.where.answer import Answer, answers
from apps.where.ask import BEST, STATEMENT_MS, files_of, in_postgres
from apps.where.match import index
from schemas.governance.calls import Right
from schemas.governance.calls.where import Live, Where, WhereReply
from schemas.governance.metrics import Metric
from schemas.reach import Reach

log = logging.getLogger("governance")
Seen = dict[str, tuple[Live, float | None]]
"""What Postgres answered to a question: how it is, and the seconds since the newest."""
ASK_SECONDS = 1.0
"""Whoever asks where something lives never waits longer for how fresh it is."""


class Whereabouts:
    """``where``: answered from the declarations, then verified in the stores that we can reach."""

    def __init__(self, desk: Desk, folder: Path, reach: Reach) -> None:
        self._desk = desk
        self._folder = folder
        self._reach = reach
        index()  # not while somebody waits

    def tools(self) -> tuple[Tool, ...]:
        """The one tool."""
        return (
            Tool(
                "where",
                "Where a piece of data lives: owner, store, unit, how long it is kept, how fresh"
                " it is now, and the command that reads it. Typing errors are forgiven.",
                Where, WhereReply, Right.READ, self._where,
            ),
        )  # fmt: skip

    @staticmethod
    def routes(tool: Tool) -> Routes:
        """GET /v1/where?term=, as often as the tool may be called."""

        async def where(asked: Request) -> Said:
            given: tools.Arguments = dict(asked.query())
            if given.get("limit", "").isdecimal():
                given["limit"] = int(given["limit"])
            said = await tools.use(tool, await asked.caller(), given)
            return Said(to_json(said))

        return {"/v1/where": {"GET": where}}

    async def _where(self, caller: Caller, asked: Where) -> WhereReply:
        found = answers(asked.term, self._reach, asked.limit)
        found = [await self._file(each) for each in found]
        found[:BEST] = await self._asked(found[:BEST])
        return WhereReply(
            term=asked.term,
            found=tuple(each.found for each in found),
            resolved_agent_id=caller.agent,
        )

    async def _asked(self, found: list[Answer]) -> list[Answer]:
        """The same, each as Postgres says that it is; in time or not at all."""
        seen: Seen = {}
        questions = dict.fromkeys(filter(None, (in_postgres(each.entry) for each in found)))
        if not questions:
            return found
        try:
            async with asyncio.timeout(ASK_SECONDS), self._desk.connection() as conn:
                await _ask(conn, list(questions), seen)
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError, Busy) as error:
            # What has no answer yet is told as silent.
            log.info("where: postgres: %s", type(error).__name__)
        return [
            each.seen(*seen.get(question, (Live.SILENT, None))) if question else each
            for each in found
            for question in (in_postgres(each.entry),)
        ]

    async def _file(self, each: Answer) -> Answer:
        """A file of ours is looked at; what only exists while we do is there."""
        if isinstance(each.entry.of, Metric):
            return each.seen(Live.THERE)
        home, pattern = files_of(each.entry) or ("pi", "")
        if home != "governance":
            return each
        newest = await asyncio.to_thread(_newest, self._folder, pattern)
        return each.seen(Live.EMPTY) if newest is None else each.seen(Live.THERE, newest)


async def _ask(conn: Connection, questions: list[str], seen: Seen) -> None:
    """Note what each is answered: all in one statement, and each for itself where that fails."""
    rows = ", ".join(f"ARRAY(SELECT of.age FROM ({one}) AS of (age))" for one in questions)  # noqa: S608
    try:
        async with conn.transaction():
            await conn.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
            found = await (await conn.execute(f"SELECT {rows}")).fetchone() or ()
    except psycopg.errors.InsufficientPrivilege:
        refused: tuple[Live, float | None] = (Live.NOT_ASKED, None)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        refused = (Live.MISSING, None)
    except psycopg.errors.QueryCanceled:
        refused = (Live.SILENT, None)
    else:
        for one, ages in zip(questions, found, strict=True):
            seen[one] = (Live.THERE, ages[0]) if ages else (Live.EMPTY, None)
        return
    if len(questions) == 1:
        seen[questions[0]] = refused
        return
    for one in questions:
        await _ask(conn, [one], seen)


def _newest(folder: Path, pattern: str) -> float | None:
    """Seconds since the newest file of a name was written to; None without one."""
    times = [file.stat().st_mtime for file in folder.glob(pattern) if file.is_file()]
    return time.time() - max(times) if times else None
