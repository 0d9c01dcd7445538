"""One question to Postgres at a time, about everything that was asked for meanwhile.

However many callers miss a cache at once, they take one connection between them, and two that ask
for the same get the same answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
AT_ONCE = 1_000


async def outcomes(of: Iterable[Awaitable[V]]) -> list[V | Exception]:
    """What each gives or why it gives nothing, all at once; being cancelled goes through."""
    found: list[V | Exception] = []
    for each in await asyncio.gather(*of, return_exceptions=True):
        if isinstance(each, BaseException) and not isinstance(each, Exception):
            raise each
        found.append(each)
    return found


class Gather(Generic[K, V]):
    """``load`` gives what there is of the keys it is given; what it leaves out is None."""

    def __init__(self, load: Callable[[list[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._load = load
        self._asked: dict[K, asyncio.Future[V | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """The value, from a question that is asked after this call."""
        answer = self._asked.get(key)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = self._asked[key] = loop.create_future()
            if self._asking is None:
                self._asking = loop.create_task(self._ask())
        return await asyncio.shield(answer)

    async def _ask(self) -> None:
        try:
            while self._asked:
                some = dict(list(self._asked.items())[:AT_ONCE])
                for key in some:
                    del self._asked[key]
                await self._answer(some)
        finally:
            self._asking = None
            for answer in self._asked.values():
                answer.cancel()

    async def _answer(self, asked: dict[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._load(list(asked))
        except Exception as error:  # noqa: BLE001  each of its callers is told
            for answer in asked.values():
                answer.set_exception(error)
                answer.exception()  # seen, should its caller be gone
        except BaseException:
            for answer in asked.values():
                answer.cancel()
            raise
        else:
            for key, answer in asked.items():
                answer.set_result(found.get(key))
