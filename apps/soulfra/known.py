"""How things stand as far as one process knows: what it looked at, moved on by what it wrote.

Nobody else is told of it, so it may be old. What is decided on it says which versions it is based
on, and the log takes nothing that is based on others; what is refused on it is looked at again.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apps.soulfra.privacy.seals import Seals
from apps.soulfra.state import State, asked_for, state_of
from schemas.errors import Diverged
from schemas.soulfra.commands import (
    Asked,
    DissolveLoop,
    MeasureAgent,
    MeasureLoop,
    ShiftAgentTone,
    ShiftLoopTone,
)
from schemas.soulfra.words import Entity

LIMIT: Final = 100_000
"""Streams that are known at most; then all is learned anew."""


class Known:
    """Used by one writer, one batch at a time."""

    def __init__(self, no_keys: Seals) -> None:
        self._no_keys = no_keys
        self._state: State | None = None
        self._at = 0.0

    def forget(self) -> None:
        """Something went wrong, or somebody else wrote: all is looked at again."""
        self._state = None

    def has(self, body: Asked) -> bool:
        """Whether a command can be decided without a look: none that needs somebody's key."""
        state = self._state
        if state is None:
            return False
        match body:
            case ShiftAgentTone() | MeasureAgent():
                return body.agent_id in state.agents
            case ShiftLoopTone() | MeasureLoop() | DissolveLoop():
                loop = state.loops.get(body.loop_id)
                # A month that is over may be pruned: then its loops are not there any more.
                return loop is not None and _month(loop.created_at) == _month(state.now)
        return False

    def learn(self, said: Mapping[str, Any], seals: Seals) -> None:
        """What the query ``standing`` answered, and the keys for one batch."""
        new = state_of(said, seals)
        if self._state is None:
            self._state = new
        else:
            self._state.merge(new)
        self._at = time.monotonic()

    @property
    def state(self) -> State:
        """To decide on. It is moved on by what is decided: if that is not written, ``forget``."""
        if self._state is None:
            raise Diverged("soulfra: decides without having looked")
        now = time.monotonic()
        self._state.now += timedelta(seconds=now - self._at)
        self._at = now
        return self._state

    def based_on(self, sure: Iterable[Asked], unsure: Iterable[Asked]) -> dict[str, int]:
        """The streams that commands rest on, and the version that they are at.

        All that they name; of what was just looked at what may end meanwhile: loops, people.
        """
        names = {*_named(sure, Entity), *_named(unsure, (Entity.LOOP, Entity.USER))}
        versions = self.state.versions
        return {stream: versions[stream] for stream in names & versions.keys()}

    def settle(self) -> None:
        """What was decided is written. No key stays, and no command: the database has them."""
        if self._state is not None:
            self._state.done.clear()
            self._state.seals = self._no_keys
            if len(self._state.versions) > LIMIT:
                self.forget()


def _named(bodies: Iterable[Asked], entities: Iterable[Entity]) -> Iterator[str]:
    wanted = asked_for(bodies, ())
    return (f"{entity}:{name}" for entity in entities for name in wanted.get(entity, ()))


def _month(at: datetime) -> tuple[int, int]:
    at = at.astimezone(UTC)
    return at.year, at.month
