"""Who knocks: a client, by its token."""

import hmac
import json
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from apps.bridge.refusals import Unauthorized
from schemas.errors import Refused
from schemas.soulfra.words import EntityId

FILE: TypeAdapter[dict[EntityId, str]] = TypeAdapter(dict[EntityId, str])
BEARER = "bearer "


class Tokens:
    """Hashes by the name of their client; no token is kept."""

    def __init__(self, hashes: dict[str, str]) -> None:
        self._hashes = hashes

    @classmethod
    def load(cls, path: Path) -> "Tokens":
        """From a file that the deploy wrote."""
        try:
            return cls(FILE.validate_python(json.loads(path.read_bytes())))
        except OSError as error:
            raise Refused(f"SOULFRA_TOKENS_FILE: {path}: {error.strerror}") from None
        except (ValueError, ValidationError):
            raise Refused(f"SOULFRA_TOKENS_FILE: {path}: is not names and hashes") from None

    def who(self, authorization: str | None) -> str:
        """The client whose token it is."""
        said = authorization or ""
        if said[: len(BEARER)].lower() != BEARER:
            raise Unauthorized("no token", "send Authorization: Bearer <token>")
        given = sha256(said[len(BEARER) :].strip().encode()).hexdigest()
        found = [name for name, kept in self._hashes.items() if hmac.compare_digest(kept, given)]
        if not found:
            raise Unauthorized("the token is not one of ours")
        return found[0]
