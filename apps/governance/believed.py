"""What Postgres said, believed for some seconds: so long what another hand changed is not seen."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import Final, Generic, TypeVar

from apps.governance.gather import Gather

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
BELIEVED_SECONDS: Final = 5.0
CACHE_LIMIT: Final = 4_096


class Believed(Generic[K, V]):
    """Asks as ``Gather`` does, and again only after ``BELIEVED_SECONDS``; None is an answer too."""

    def __init__(
        self,
        load: Callable[[list[K]], Awaitable[Mapping[K, V]]],
        life: Callable[[V], float] = lambda _: BELIEVED_SECONDS,
    ) -> None:
        self._gather = Gather(load)
        self._life = life
        """For how many seconds from when it was asked an answer is true at most."""
        self._known: OrderedDict[K, tuple[V | None, float]] = OrderedDict()
        self._forgotten = 0

    def __len__(self) -> int:
        return len(self._known)

    async def get(self, key: K) -> V | None:
        """The value, as old as is believed."""
        known = self._known.get(key)
        asked_at = time.monotonic()
        if known is not None and known[1] > asked_at:
            self._known.move_to_end(key)
            return known[0]
        forgotten = self._forgotten
        value = await self._gather.get(key)
        if forgotten == self._forgotten:  # else it may be from before the change
            life = BELIEVED_SECONDS if value is None else self._life(value)
            self._known[key] = (value, asked_at + min(life, BELIEVED_SECONDS))
            self._known.move_to_end(key)
            while len(self._known) > CACHE_LIMIT:
                self._known.popitem(last=False)
        return value

    def forget(self, keys: Iterable[K]) -> None:
        """They were changed: ask again."""
        self._forgotten += 1
        for key in keys:
            self._known.pop(key, None)
