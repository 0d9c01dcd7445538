"""The keys that a batch of commands needs: fetched with it, gone with it, never kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from apps.postgres import Connection
from apps.queries import load
from apps.soulfra.message import Statement
from apps.soulfra.privacy.keys import House, Subject
from schemas.soulfra.commands import (
    Asked,
    ForgetUser,
    Fork,
    Prophesy,
    RegisterAgent,
    RegisterUser,
    Whisper,
)

SQL: Final = load(Path(__file__).with_name("queries.sql"))
NEED: Final = (RegisterUser, RegisterAgent, Whisper, Fork, Prophesy, ForgetUser)
"""Commands that seal something, or that nobody who was forgotten may give."""


@dataclass(slots=True)
class Seals:
    """Keys of those that a batch is about; those that it makes; names that are somebody's."""

    house: House
    subjects: dict[UUID, Subject] = field(default_factory=dict)
    forgotten: set[UUID] = field(default_factory=set)
    names: set[tuple[str, bytes]] = field(default_factory=set)
    made: list[dict[str, Any]] = field(default_factory=list)
    """Rows to be added."""

    def new(self, user_id: UUID, username: str, email: str) -> Subject:
        """A key for somebody who comes, and the names are theirs."""
        subject, wrapped = self.house.new(user_id)
        tokens = {"username": username, "email": email}
        hashed = {what: self.house.named(what, said) for what, said in tokens.items()}
        self.names |= set(hashed.items())
        self.subjects[user_id] = subject
        row = {f"{what}_token": token.hex() for what, token in hashed.items()}
        self.made.append({"user_id": user_id, "wrapped": wrapped.hex(), **row})
        return subject

    def taken(self, what: str, said: str) -> bool:
        """Whether a name or an address is somebody's."""
        return (what, self.house.named(what, said)) in self.names

    def forget(self, user_id: UUID) -> None:
        """Nobody of this batch may seal anything for them any more."""
        self.subjects.pop(user_id, None)
        self.forgotten.add(user_id)


async def seals(
    conn: Connection, house: House, bodies: Sequence[Asked], wanted: dict[str, list[Any]]
) -> Seals:
    """Of a batch; asked after how things stand, so that whoever was forgotten by then is known."""
    made = Seals(house)
    if not any(isinstance(body, NEED) for body in bodies):
        return made
    cursor = await conn.execute(SQL["subjects"], wanted)
    for user_id, wrapped in await cursor.fetchall():
        if wrapped is None:
            made.forgotten.add(user_id)
        else:
            made.subjects[user_id] = house.subject(user_id, wrapped)
    asked = {
        what: [
            house.named(what, getattr(body, what))
            for body in bodies
            if isinstance(body, RegisterUser)
        ]
        for what in ("username", "email")
    }
    if asked["username"]:
        cursor = await conn.execute(SQL["taken"], asked)
        made.names = {(what, bytes(token)) for what, token in await cursor.fetchall()}
    return made


def kept(made: Seals) -> list[Statement]:
    """What writes the new keys, in the transaction of their events and after them."""
    return [(SQL["make"], (made.made,))] if made.made else []
