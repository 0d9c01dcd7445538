"""What is sealed in an answer, opened; what tokens stand for, for whom it is meant."""

from typing import Any, Final
from uuid import UUID

from pydantic_core import from_json, to_json

from apps.postgres import Connection, Pool
from apps.soulfra.privacy.keys import House, Subject, is_sealed
from apps.soulfra.privacy.pii import TOKEN, detokenised
from apps.soulfra.privacy.seals import SQL
from schemas.soulfra.log import UNSHOWN
from schemas.soulfra.words import Entity

FIELDS: Final = {
    Entity.USER: {"username": "username"},
    Entity.AGENT: {"archetype": "archetype"},
    Entity.LOOP: {"whisper_origin": "whisper"},
    Entity.PROPHECY: {"prophecy_text": "text"},
}
"""Column of an answer to the field of the event that it follows from, for which it was sealed."""
FORGOTTEN: Final = "forgotten"


class Opening:
    """With the keys of one process."""

    def __init__(self, pool: Pool, house: House) -> None:
        self._pool, self._house = pool, house

    async def entity(
        self, entity: Entity, name: str, said: dict[str, Any], user: UUID | None, *, may: bool
    ) -> dict[str, Any]:
        """An entity's answer: whole for its own person and for who may, else with tokens."""
        known = FIELDS.get(entity, {})
        places = {column: f"{entity}:{name}/{field}" for column, field in known.items()}
        return await self._opened(entity, name, said, places, user, may=may)

    async def event(self, stream: str, said: dict[str, Any], *, may: bool) -> dict[str, Any]:
        """What an event says; never what its tokens stand for beside the text."""
        of, _, name = stream.partition(":")
        plain = {key: value for key, value in said.items() if key != "pii"}
        places = {key: f"{stream}/{key}" for key in plain}
        return await self._opened(Entity(of), name, plain, places, None, may=may)

    async def kept(self, entity: Entity, name: str, part: str, body: bytes, *, may: bool) -> bytes:
        """What the cache keeps of an entity, or of a part of it."""
        said = from_json(body)
        if part == "events":
            shown = [each for each in said if may or each["type"] not in UNSHOWN]
            for each in shown:
                each["data"] = await self.event(f"{entity}:{name}", each["data"], may=may)
            return to_json(shown)
        if part == "whispers":
            for each in said:
                loop_id, place = each["loop_id"], {"text": f"loop:{each['loop_id']}/whisper"}
                opened = await self._opened(Entity.LOOP, loop_id, each, place, None, may=may)
                each["text"] = opened["text"]
            return to_json(said)
        if part:
            return body
        return to_json(await self.entity(entity, name, said, None, may=may))

    async def _opened(
        self,
        entity: Entity,
        name: str,
        said: dict[str, Any],
        places: dict[str, str],
        user: UUID | None,
        *,
        may: bool,
    ) -> dict[str, Any]:
        shut = {
            key: place
            for key, place in places.items()
            if isinstance(said.get(key), str) and is_sealed(said[key])
        }
        if not shut:
            return said
        async with self._pool.connection() as conn:
            row = await (await conn.execute(SQL[f"whose_{entity}"], {"id": name})).fetchone()
            if row is None or row[1] is None:
                return said | dict.fromkeys(shut, FORGOTTEN)
            subject = self._house.subject(row[0], row[1])
            texts = {key: subject.open(place, said[key]) for key, place in shut.items()}
            if may or user == subject.user_id:
                texts = {key: await meant(conn, text, subject) for key, text in texts.items()}
        return said | texts


async def meant(conn: Connection, text: str, subject: Subject) -> str:
    """The text with what its tokens stand for."""
    tokens = TOKEN.findall(text)
    if not tokens:
        return text
    asked = {"user_id": subject.user_id, "tokens": tokens}
    told = await (await conn.execute(SQL["told"], asked)).fetchall()
    return detokenised(text, dict(told), subject)
