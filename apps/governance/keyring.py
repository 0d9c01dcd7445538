"""Tokens that governance gives: shown once, kept as a hash, ended within seconds.

``abode-17-<secret>``: the number finds the row and the secret is compared with its one hash, in
constant time. So neither an index nor a cache ever looks for a secret. A token that another process
ended, or a hand, still opens for as long as what was found is believed.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final, NamedTuple

from apps.bridge.refusals import Conflict
from apps.governance.believed import CACHE_LIMIT, Believed
from apps.governance.desk import Desk
from apps.postgres import Connection
from apps.queries import load
from schemas.errors import Refused
from schemas.governance.calls import Right
from schemas.governance.tables import Purpose

SQL = load(Path(__file__).with_name("tokens.sql"))
SHAPE: Final = re.compile(rb"abode-([1-9][0-9]{0,17})-([A-Za-z0-9_-]{43})")
SECRET_BYTES: Final = 32
KEPT: Final[Mapping[Purpose, int]] = {Purpose.ACCESS: 32, Purpose.CONTINUITY: 8}
"""Living tokens of one agent."""
NOBODY: Final = sha256(token_urlsafe().encode()).digest()
"""What a secret is compared with that has no row."""


class Held(NamedTuple):
    """A token that opens something, without its secret."""

    token_id: int
    agent: str
    purpose: Purpose
    secret_sha256: bytes
    rights: frozenset[Right]
    seconds: float
    """How long it lives from when it was read."""


class Wish(NamedTuple):
    """A token that somebody asks for."""

    agent: str
    purpose: Purpose
    rights: frozenset[Right]
    days: int
    issued_by: str | None


class Shown(NamedTuple):
    """A token just made. Whoever asked for it sees it this once."""

    token_id: int
    token: str
    expires_at: datetime


class Keyring:
    """core.tokens."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._believed = Believed(self._load, lambda held: held.seconds)
        self._shown: set[int] = set()

    async def opened(self, token: bytes, purpose: Purpose) -> Held | None:
        """Whose token it is, if it is one of ours, lives and serves this purpose."""
        parts = SHAPE.fullmatch(token)
        if parts is None:
            return None
        held = await self._believed.get(int(parts[1]))
        expected = held.secret_sha256 if held is not None else NOBODY
        same = compare_digest(expected, sha256(parts[2]).digest())
        if held is None or not same or held.purpose is not purpose:
            return None
        if len(self._shown) < CACHE_LIMIT:
            self._shown.add(held.token_id)
        return held

    async def issue(self, conn: Connection, wish: Wish) -> Shown:
        """Make a token in the transaction of ``conn``; nobody can show it again."""
        secret = token_urlsafe(SECRET_BYTES)
        asked = {
            **wish._asdict(),
            "rights": sorted(wish.rights),
            "secret_sha256": sha256(secret.encode()).digest(),
        }
        row = await (await conn.execute(SQL["issue_token"], asked)).fetchone()
        if row is None:
            raise Refused(f"agent {wish.agent!r}: is not there, or has ended")
        await self._make_room(conn, wish.agent, wish.purpose)
        token_id, expires_at = row
        return Shown(token_id, f"abode-{token_id}-{secret}", expires_at)

    def forget(self, token_ids: Iterable[int]) -> None:
        """They were ended: look again before they open anything."""
        self._believed.forget(token_ids)

    async def _make_room(self, conn: Connection, agent: str, purpose: Purpose) -> None:
        """Continuity is renewed daily, the oldest goes; who wants another way in gives one up."""
        keep = {"agent": agent, "purpose": purpose, "keep": KEPT[purpose]}
        rows = await conn.execute(SQL["crowded_tokens"], keep)
        crowded = [token_id for (token_id,) in await rows.fetchall()]
        if crowded and purpose is Purpose.ACCESS:
            raise Conflict(
                f"agent {agent!r}: has {KEPT[purpose]} tokens", "end one first: revoke_token"
            )
        if crowded:
            await conn.execute(SQL["forget_tokens"], {"token_ids": crowded})
            self.forget(crowded)

    async def _load(self, token_ids: list[int]) -> dict[int, Held]:
        shown, self._shown = self._shown, set()
        async with self._desk.look_up() as conn:
            if shown:
                await conn.execute(SQL["mark_tokens"], {"token_ids": list(shown)})
            rows = await conn.execute(SQL["living_tokens"], {"token_ids": token_ids})
            return {row[0]: _held(row) for row in await rows.fetchall()}


def _held(row: tuple[Any, ...]) -> Held:
    token_id, agent, purpose, digest, rights, seconds = row
    given = frozenset(Right(right) for right in rights)
    return Held(token_id, agent, Purpose(purpose), bytes(digest), given, seconds)
