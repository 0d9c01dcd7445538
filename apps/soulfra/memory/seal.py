"""AES-256-GCM over single values, with a key of the agent's own that follows from its owner's.

Why not SQLCipher: docs/decisions/0005-sealed-columns.md.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import Diverged, Refused

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class Seal:
    """Shuts and opens the values of one agent; one of another place or agent does not open."""

    def __init__(self, user_key: bytes, agent_id: str) -> None:
        if len(user_key) != KEY_BYTES:
            raise Refused(f"agent {agent_id!r}: its owner's key is not of {KEY_BYTES} bytes")
        info = b"abode/soulfra/memory/" + agent_id.encode()
        derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info)
        self._key = AESGCM(derived.derive(user_key))
        self._agent_id = agent_id

    def shut(self, place: str, value: bytes) -> bytes:
        """A nonce, then the sealed value; ``place`` is where it will lie."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._key.encrypt(nonce, value, self._bound(place))

    def open(self, place: str, sealed: bytes) -> bytes:
        """The value, if it was shut for this place with this key."""
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._key.decrypt(nonce, rest, self._bound(place))
        except InvalidTag:
            raise Diverged(
                f"agent {self._agent_id!r}: {place}: does not open",
                "the key is another, or the file was changed",
            ) from None

    def _bound(self, place: str) -> bytes:
        return f"{self._agent_id}|{place}".encode()
