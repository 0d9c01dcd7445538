"""Who knocks: a token per agent, known here by its SHA-256 only."""

import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError

from apps.bridge.refusals import Unauthorized
from schemas.bridge import AgentName
from schemas.errors import Refused

Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FILE = TypeAdapter(dict[AgentName, Hex])


class Tokens:
    """Agent by token."""

    def __init__(self, hashes: dict[str, str]) -> None:
        self._hashes = {agent: bytes.fromhex(digest) for agent, digest in hashes.items()}

    @classmethod
    def load(cls, path: Path) -> "Tokens":
        """The file ``{agent_id: sha256 hex of its token}``."""
        try:
            return cls(FILE.validate_json(path.read_bytes()))
        except OSError as error:
            raise Refused(f"AGENT_TOKENS_FILE: {path}: {error.strerror}") from None
        except ValidationError as error:
            where = "/".join(str(part) for part in error.errors()[0]["loc"])
            raise Refused(
                f"AGENT_TOKENS_FILE: {path}: {where or 'the file'} is not as declared",
                'it holds {"agent": "sha256 hex of its token"}',
            ) from None

    def agent(self, authorization: str | None) -> str:
        """The agent of an Authorization header: Bearer, or Basic with the token as password."""
        token = _token(authorization or "")
        if not token:
            raise Unauthorized("no token", "send Authorization: Bearer <the agent's token>")
        digest = sha256(token).digest()
        found = None
        for agent, known in self._hashes.items():  # all of them, so that time tells nothing
            if hmac.compare_digest(known, digest):
                found = agent
        if found is None:
            raise Unauthorized("unknown token", "deploy again if the agent is new")
        return found


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
