"""Thousands of agents, a few open files: the least used one is closed for the next."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from apps.soulfra.memory.file import MemoryFile
from schemas.errors import Refused, Unreachable
from schemas.soulfra.memory import LIMIT_BYTES
from schemas.soulfra.words import EntityId

OPEN: Final = 64
WAIT_SECONDS: Final = 10.0
ID: Final[TypeAdapter[str]] = TypeAdapter(EntityId)


@dataclass(slots=True)
class Seen:
    """How often a file was open already, was opened, and was closed for another."""

    hits: int = 0
    opened: int = 0
    closed: int = 0


class Handles:
    """Files below ``agents/``, at most ``most`` open at once; ``key_of`` gives the owner's key."""

    def __init__(
        self,
        agents: Path,
        key_of: Callable[[str], bytes],
        most: int = OPEN,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._agents, self._key_of = agents, key_of
        self._most, self._limit = most, limit_bytes
        self._idle: OrderedDict[str, MemoryFile] = OrderedDict()
        self._used: set[str] = set()
        self._changed = threading.Condition()
        self.seen = Seen()

    @contextmanager
    def using(self, agent_id: str) -> Iterator[MemoryFile]:
        """An agent's file for one caller at a time; others of the same agent wait."""
        try:
            ID.validate_python(agent_id)
        except ValidationError:
            raise Refused(f"agent {agent_id!r:.80}: is no id") from None
        file = self._taken(agent_id)
        try:
            yield file
        finally:
            with self._changed:
                self._used.discard(agent_id)
                self._idle[agent_id] = file
                self._changed.notify_all()

    def close(self) -> None:
        """Close what nobody uses."""
        with self._changed:
            while self._idle:
                _, file = self._idle.popitem()
                file.close()

    def forget(self, agent_id: str) -> None:
        """Close an agent's file, so that it may be removed; who uses it is waited for."""
        with self._changed:
            if not self._changed.wait_for(lambda: agent_id not in self._used, WAIT_SECONDS):
                raise Unreachable(f"agent {agent_id!r}: its memory is in use", "ask again later")
            if file := self._idle.pop(agent_id, None):
                file.close()

    def _taken(self, agent_id: str) -> MemoryFile:
        with self._changed:
            if not self._changed.wait_for(lambda: self._may(agent_id), WAIT_SECONDS):
                raise Unreachable(f"agent {agent_id!r}: its memory is in use", "ask again later")
            self._used.add(agent_id)
            file = self._idle.pop(agent_id, None)
            if file is not None:
                self.seen.hits += 1
                return file
            if len(self._idle) + len(self._used) > self._most:
                _, oldest = self._idle.popitem(last=False)
                oldest.close()
                self.seen.closed += 1
            self.seen.opened += 1
        try:
            # Not while others wait: an old file may have to be migrated.
            key = self._key_of(agent_id)
            return MemoryFile(self._agents / agent_id, agent_id, key, self._limit)
        except BaseException:
            with self._changed:
                self._used.discard(agent_id)
                self._changed.notify_all()
            raise

    def _may(self, agent_id: str) -> bool:
        """Whether nobody uses the file, and there is room for it."""
        return agent_id not in self._used and (
            agent_id in self._idle or len(self._used) < self._most
        )
