"""A command as it was given, and what became of it."""

import hmac
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from apps.bridge.web import Request
from schemas.errors import Refused
from schemas.soulfra.commands import Answer, Asked


def id_of(asked: Request) -> UUID | None:
    """What makes a request one and the same, however often it comes: its Idempotency-Key."""
    key = asked.header(b"idempotency-key")
    try:
        return None if key is None else UUID(key)
    except ValueError:
        raise Refused("Idempotency-Key: is not a UUID") from None


@dataclass(frozen=True)
class Given:
    """Who asks for what, by the id that makes it one and the same however often it comes."""

    command_id: UUID
    body: Asked
    by: str
    pepper: bytes = b""
    """Without it, what was asked cannot be guessed from its hash."""

    @cached_property
    def sha256(self) -> str:
        """The keyed hash of all that was asked, in hex."""
        said = to_json([self.body.name, self.body])
        return hmac.digest(self.pepper, said, "sha256").hex()

    def row(self, answer: Answer) -> dict[str, Any]:
        """What is kept of it once it is done, as values that become JSON."""
        return {
            "command_id": str(self.command_id),
            "name": self.body.name,
            "body_sha256": self.sha256,
            "answer": answer,
        }


@dataclass(frozen=True)
class Done:
    """The answer, and whether it was given before."""

    answer: Answer
    repeated: bool = False
