"""Who knocks: a client, by its token; and in whose name, and what more it may."""

from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from apps.bridge.hashes import Hex, read, whose
from apps.bridge.refusals import Unauthorized
from schemas.errors import Refused
from schemas.soulfra.clients import Granted
from schemas.soulfra.words import EntityId

BEARER: Final = "bearer "


class Client(Granted):
    """One of the file: a token's hash, and what it is good for."""

    sha256: Hex


FILE: Final[TypeAdapter[dict[EntityId, Hex | Client]]] = TypeAdapter(dict[EntityId, Hex | Client])
HOLDS: Final = '{"client": "sha256 hex of its token"}, or {"client": {"sha256": ..., "user": ...}}'


class Tokens:
    """Clients by their name; no token is kept."""

    def __init__(self, clients: dict[str, Client]) -> None:
        self._clients = clients
        self._hashes = {name: client.sha256 for name, client in clients.items()}

    @classmethod
    def load(cls, path: Path) -> "Tokens":
        """From a file that the deploy wrote."""
        found = read(path, "SOULFRA_TOKENS_FILE", FILE, HOLDS)
        both = {
            name: each if isinstance(each, Client) else Client(sha256=each)
            for name, each in found.items()
        }
        for name, each in both.items():
            if each.contradicts_itself:
                raise Refused(
                    f"SOULFRA_TOKENS_FILE: {path}: {name}: is one person's and may detokenise",
                    "a person's own texts are read as they were meant anyway",
                )
        return cls(both)

    @property
    def of_persons(self) -> bool:
        """Whether one of them is somebody's."""
        return any(client.user is not None for client in self._clients.values())

    def who(self, authorization: str | None) -> str:
        """The name of the client whose token it is."""
        said = authorization or ""
        if said[: len(BEARER)].lower() != BEARER:
            raise Unauthorized("no token", "send Authorization: Bearer <token>")
        found = whose(said[len(BEARER) :].strip().encode(), self._hashes)
        if found is None:
            raise Unauthorized("the token is not one of ours")
        return found

    def client(self, name: str) -> Client:
        """What it is good for."""
        return self._clients[name]
