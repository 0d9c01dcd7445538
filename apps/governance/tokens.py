"""Who knocks, and what it may do: the deploy's tokens from their file, ours from core.tokens."""

from base64 import b64decode
from binascii import Error as NotBase64
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from apps.bridge.hashes import Hex, read, whose
from apps.bridge.refusals import Unauthorized
from apps.governance.keyring import Keyring
from schemas.bridge import AgentName
from schemas.governance.calls import Right
from schemas.governance.tables import Purpose

FILE = TypeAdapter(dict[AgentName, Hex])
HOLDS: Final = '{"agent": "sha256 hex of its token"}'
FILE_RIGHTS: Final = frozenset({Right.CHECK_IN, Right.READ, Right.WRITE})
"""Of a Pi: it lives far from here, and who takes it must not become the operator."""


class Tokens:
    """Agent and rights by token."""

    def __init__(self, hashes: dict[str, str], keyring: Keyring | None = None) -> None:
        self._hashes = hashes
        self.keyring = keyring
        """None until the database is open."""

    @classmethod
    def load(cls, path: Path) -> "Tokens":
        """The file ``{agent_id: sha256 hex of its token}``."""
        return cls(read(path, "AGENT_TOKENS_FILE", FILE, HOLDS))

    @property
    def agents(self) -> frozenset[str]:
        """Those that the deploy gave a token, heard of already or not."""
        return frozenset(self._hashes)

    async def who(self, authorization: str | None) -> tuple[str, frozenset[Right]]:
        """Of an Authorization header: Bearer, or Basic with the token as password."""
        token = _token(authorization or "")
        if not token:
            raise Unauthorized("no token", "send Authorization: Bearer <the agent's token>")
        found = whose(token, self._hashes)
        if found is not None:
            return found, FILE_RIGHTS
        held = await self.keyring.opened(token, Purpose.ACCESS) if self.keyring else None
        if held is None:
            raise Unauthorized(
                "unknown token", "deploy again if the agent is new, or ask an operator for one"
            )
        return held.agent, held.rights


def _token(authorization: str) -> bytes:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip().encode()
    if scheme.lower() == "basic":
        try:
            return b64decode(credentials.strip(), validate=True).partition(b":")[2]
        except (NotBase64, ValueError):
            return b""
    return b""
