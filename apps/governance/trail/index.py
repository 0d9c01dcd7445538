"""The task that keeps Postgres up with the trails: a thread and a connection of its own."""

import asyncio
import logging
import os
import socket
import time
from contextlib import suppress

import psycopg

from apps.governance.trail.follow import SQL, Connection, Follower
from apps.postgres import PostgresSettings, alone
from schemas.errors import HouseError

log = logging.getLogger("governance")
STATEMENT_TIMEOUT_MS = 30_000
GATHER_SECONDS = 0.25
"""Between two looks: lines gather meanwhile, and many cost little more than one."""
AGAIN_SECONDS = 1.0
ROUND_SECONDS = 0.5
"""Of work without a look at whether we are to end."""
CLOSE_SECONDS = 5.0
"""For what is left at the end; the next process goes on where we stop."""


class Index:
    """Followers, woken when lines reached the disk. Callers never wait for it."""

    def __init__(self, postgres: PostgresSettings, *followers: Follower) -> None:
        self._postgres = postgres
        self._followers = followers
        self._conn: Connection | None = None
        self._wake = asyncio.Event()
        self._turned = asyncio.Event()
        self._hurried = asyncio.Event()
        self._closed = False

    @property
    def lag(self) -> dict[str, dict[str, float]]:
        """For each trail: lines that are not rows yet, for how many seconds, and bad lines."""
        return {
            str(each.trail): {
                "lines": each.behind,
                "seconds": round(each.behind_seconds, 3),
                "refused": each.refused,
            }
            for each in self._followers
        }

    def wake(self) -> None:
        """Lines reached the disk."""
        self._wake.set()

    async def run(self) -> None:
        """Follow until closed, and then once more to the end."""
        until: float | None = None
        while until is None or (any(each.behind for each in self._followers)
                                and time.monotonic() < until):  # fmt: skip
            if self._closed and until is None:
                until = time.monotonic() + CLOSE_SECONDS
            elif not self._closed:
                await self._wake.wait()
                self._wake.clear()
            try:
                more = await asyncio.to_thread(self._round)
            except (psycopg.Error, HouseError, OSError) as error:
                self._failed(error)
                if until is not None:
                    return  # the next process goes on where we stop
                await self._pause(AGAIN_SECONDS)
                self._wake.set()
            else:
                self._turned.set()
                self._turned = asyncio.Event()
                if more:
                    self._wake.set()
                await self._pause(GATHER_SECONDS)
        self._drop()

    def close(self) -> None:
        """Index what is left, then end."""
        self._closed = True
        self._hurried.set()
        self._wake.set()

    def break_off(self) -> None:
        """End what waits for a server that does not answer."""
        conn = self._conn
        if conn is not None:
            with (
                suppress(psycopg.Error, OSError),
                socket.socket(fileno=os.dup(conn.fileno())) as way,
            ):
                way.shutdown(socket.SHUT_RDWR)

    async def caught_up(self, seconds: float = 2.0) -> None:
        """Wait until what is on the disk now has its rows; not for ever."""
        upto = [(each, each.journal.tip.seq) for each in self._followers]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while any(each.position is None or each.position.seq < seq for each, seq in upto):
                    self._wake.set()
                    self._hurried.set()
                    await self._turned.wait()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurried.wait(), seconds)
        if not self._closed:
            self._hurried.clear()

    def _round(self) -> bool:
        """Work for a while; whether there may be more."""
        conn = self._conn or self._connect()
        until = time.monotonic() + ROUND_SECONDS
        for each in self._followers:
            each.trouble = None
            while each.step(conn):
                if time.monotonic() > until:
                    return True
        return False

    def _connect(self) -> Connection:
        conn = connect(self._postgres)
        self._conn = conn
        for each in self._followers:
            each.look(conn)
        return conn

    def _failed(self, error: Exception) -> None:
        why = error.message if isinstance(error, HouseError) else type(error).__name__
        if not any(each.trouble for each in self._followers):
            log.warning("audit index: %s; tried again every second", why)
        for each in self._followers:
            each.trouble = why
        self._drop()

    def _drop(self) -> None:
        for each in self._followers:
            each.close()
        if self._conn is not None:
            with suppress(psycopg.Error):
                self._conn.close()
            self._conn = None


def connect(postgres: PostgresSettings) -> Connection:
    """A connection to index through: what it commits is the disk's a little later."""
    conn = alone(postgres, STATEMENT_TIMEOUT_MS)
    conn.execute(SQL["quick_commits"])
    return conn
