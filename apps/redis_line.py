"""Redis over its socket: one connection, and whatever gathered meanwhile goes out as one write.

redis-py waits for each answer before it sends the next question. Here questions that come while
others are under way are written together, and the answers are given out in the order that Redis
keeps. ``python -m tests.bench.sessions`` shows what that is worth.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha1
from pathlib import Path
from typing import Any, Final, cast

import hiredis

from apps.bridge.refusals import Busy
from schemas.errors import Refused, Unreachable
from schemas.quantity import Closed

SILENT_SECONDS: Final = 1.0
"""Redis owes an answer and gives none for so long: it is taken for gone, before twice the time."""
QUEUE_LIMIT: Final = 10_000
"""Questions under way at once."""
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.1, 5.0
"""Between two tries to connect; whoever asks meanwhile is refused at once."""
Word = str | bytes | int


class RedisSettings(Closed):
    """The socket of Redis and who we are there."""

    socket: Path
    user: str | None = None
    password_file: Path | None = None


def connect(settings: RedisSettings) -> "Line":
    """A client that gives up soon: nothing waits for a cache."""
    password = settings.password_file.read_text().strip() if settings.password_file else None
    return Line(settings.socket, settings.user, password)


class Script:
    """Lua that Redis runs as one step. It is sent once; afterwards its SHA-1 names it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha1 = sha1(text.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def load(cls, path: Path) -> "Script":
        """From a .lua file."""
        return cls(path.read_text(encoding="utf-8"))


class Line:
    """A client of Redis for one event loop: connects when asked, and again after a break."""

    def __init__(self, socket: Path, user: str | None = None, password: str | None = None) -> None:
        self._socket = socket
        self._who = (user or "default", password) if password else None
        self._wire: _Wire | None = None
        self._opening: asyncio.Task[_Wire] | None = None
        self._pause = 0.0
        self._not_before = 0.0
        self._closed = False
        self.trouble: str | None = None
        """Why the last try to connect failed, until one succeeds."""
        self.connected = 0
        """How often it connected since the start."""

    async def ask(self, *words: Word) -> Any:
        """The answer to one command; Unreachable without Redis, Refused if it does not like it."""
        wire = self._wire
        if wire is None or wire.is_gone:
            wire = await self._open()
        return await wire.ask(*words)

    def sent(self, *words: Word) -> "asyncio.Future[Any] | None":
        """The answer to come, if it is connected; who has had enough may end it."""
        wire = self._wire
        return None if wire is None or wire.is_gone else wire.ask(*words)

    async def run(self, script: Script, keys: Sequence[str], words: Sequence[Word]) -> Any:
        """What a script gives; Redis learns it first if it forgot it."""
        asked = ("EVALSHA", script.sha1, len(keys), *keys, *words)
        try:
            return await self.ask(*asked)
        except Refused as error:
            if "NOSCRIPT" not in error.message:
                raise
        await self.ask("SCRIPT", "LOAD", script.text)
        return await self.ask(*asked)

    async def close(self) -> None:
        """Hang up; whoever still waits is told so."""
        self._closed = True
        if self._opening:
            self._opening.cancel()
            with suppress(asyncio.CancelledError, Unreachable):
                await self._opening
        if self._wire:
            self._wire.hang_up("is not asked any more")
        await asyncio.sleep(0)  # the loop closes the socket in its next turn

    async def _open(self) -> "_Wire":
        """The connection; all who need it wait for the same try."""
        if self._closed:
            raise Unreachable("redis: is not asked any more")
        if self._opening is None:
            loop = asyncio.get_running_loop()
            if loop.time() < self._not_before:
                raise Unreachable(f"redis: {self.trouble}", "it is tried again soon")
            self._opening = loop.create_task(self._connect(loop))
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    def _opened(self, task: "asyncio.Task[_Wire]") -> None:
        self._opening = None
        if not task.cancelled():
            task.exception()  # seen here, whoever else waits for it

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> "_Wire":
        wire = _Wire(loop)
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                await loop.create_unix_connection(lambda: wire, str(self._socket))
                if self._who:
                    hello = ("HELLO", 2, "AUTH", *self._who, "SETNAME", self._who[0])
                    await wire.ask(*hello)
        except (OSError, TimeoutError, Refused, Unreachable) as error:
            self.trouble = _why(error)
            wire.hang_up(self.trouble)
            # A wrong password is wrong for longer than a restart takes.
            worst = LAST_PAUSE_SECONDS if isinstance(error, Refused) else self._pause * 2
            self._pause = min(max(worst, FIRST_PAUSE_SECONDS), LAST_PAUSE_SECONDS)
            self._not_before = loop.time() + self._pause
            raise Unreachable(
                f"redis: {self.trouble}", "is the container up?  abode status"
            ) from None
        self.trouble, self._pause = None, 0.0
        self.connected += 1
        self._wire = wire
        return wire


class _Wire(asyncio.Protocol):
    """One connection: questions out, answers in, in the same order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reader = hiredis.Reader(encoding="utf-8", errors="replace")
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._gathered: list[bytes] = []
        self._transport: asyncio.WriteTransport | None = None
        self._is_full = False
        self._answered = 0
        self._watch: asyncio.TimerHandle | None = None
        self._why = "hung up"
        self.is_gone = False

    def ask(self, *words: Word) -> asyncio.Future[Any]:
        """Send at once when nothing is under way; else with what else comes in this turn."""
        if self.is_gone or self._transport is None:
            raise Unreachable(f"redis: {self._why}")
        if len(self._waiting) >= QUEUE_LIMIT:
            raise Busy(f"redis: {len(self._waiting)} questions are under way", "ask again later")
        packed = hiredis.pack_command(words)  # type: ignore[arg-type]
        answer: asyncio.Future[Any] = self._loop.create_future()
        if not self._waiting:
            self._transport.write(packed)
            if self._watch is None:
                self._look()
        else:
            if not self._gathered:
                self._loop.call_soon(self._flush)
            self._gathered.append(packed)
        self._waiting.append(answer)
        return answer

    def hang_up(self, why: str) -> None:
        """End the connection and everything that waits on it."""
        self._why = why
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Give each answer to whoever has waited longest."""
        waiting, reader = self._waiting, self._reader
        reader.feed(data)
        try:
            while (said := reader.gets()) is not False:
                answer = waiting.popleft()
                self._answered += 1
                if answer.done():
                    continue  # its caller went away
                if isinstance(said, hiredis.ReplyError):
                    answer.set_exception(Refused(f"redis: {said}"))
                else:
                    answer.set_result(said)
        except (hiredis.ProtocolError, IndexError):
            self.hang_up("says what nobody asked for")

    def pause_writing(self) -> None:
        """Redis does not read: gather, and send it when it does."""
        self._is_full = True

    def resume_writing(self) -> None:
        """It reads again."""
        self._is_full = False
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell all who wait; what they asked may or may not have been done."""
        if error is not None:
            self._why = type(error).__name__
        self.is_gone = True
        if self._watch is not None:
            self._watch.cancel()
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(Unreachable(f"redis: {self._why}"))

    def _flush(self) -> None:
        if self._gathered and not self._is_full and not self.is_gone and self._transport:
            self._transport.write(b"".join(self._gathered))
            self._gathered.clear()

    def _look(self, answered: int = -1) -> None:
        """Hang up on a Redis that owed answers all the while and gave none."""
        self._watch = None
        if self._waiting and self._answered == answered:
            self.hang_up(f"silent for {SILENT_SECONDS:g} s")
        elif self._waiting or answered < 0:
            self._watch = self._loop.call_later(SILENT_SECONDS, self._look, self._answered)


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, Refused | Unreachable):
        return error.message.removeprefix("redis: ")
    return f"silent for {SILENT_SECONDS:g} s"
