"""The key of the house wraps a key for each person; theirs seals all that is personal of theirs.

AES-256-GCM seals, and AES-SIV where the same must always look the same; each with a key of its own
that follows from the person's (RFC 5869's expansion, one block).
"""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

from schemas.errors import Diverged, Refused

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TOKEN_BYTES: Final = 16
SHUT: Final = "s1."
"""How every sealed text begins; another way to seal would begin otherwise."""


class Subject:
    """One person's key."""

    def __init__(self, user_id: UUID, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise Refused(f"user {user_id}: a key is of {KEY_BYTES} bytes, this one of {len(key)}")
        self.user_id = user_id
        self._key = key
        self._gcm = AESGCM(_follows(key, b"seal"))

    def shut(self, place: str, text: str) -> str:
        """A text sealed for its place, as ``loop:ID/whisper``; each time otherwise."""
        nonce = os.urandom(NONCE_BYTES)
        return _written(nonce + self._gcm.encrypt(nonce, text.encode(), place.encode()))

    def open(self, place: str, sealed: str) -> str:
        """The text, if it was shut for this place with this key."""
        said = _read(sealed)
        try:
            text = self._gcm.decrypt(said[:NONCE_BYTES], said[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            raise Diverged(
                f"{place}: does not open", "the key is another's, or the text was changed"
            ) from None
        return text.decode()

    def shut_alike(self, place: str, text: str) -> str:
        """Sealed so that the same text for the same place is always sealed alike."""
        return _written(self._siv().encrypt(text.encode(), [place.encode()]))

    def open_alike(self, place: str, sealed: str) -> str:
        """What ``shut_alike`` shut."""
        try:
            return self._siv().decrypt(_read(sealed), [place.encode()]).decode()
        except InvalidTag:
            raise Diverged(
                f"{place}: does not open", "the key is another's, or the text was changed"
            ) from None

    def token(self, what: str, value: str, within: str = "") -> str:
        """A keyed hash of a value: the same for the same, of this person and ``within``."""
        said = f"{what}\0{within}\0{value}".encode()
        made = hmac.digest(_follows(self._key, b"token"), said, "sha256")
        return urlsafe_b64encode(made[:TOKEN_BYTES]).decode().rstrip("=")

    @property
    def memory(self) -> bytes:
        """What the keys of this person's agents' memories follow from."""
        return _follows(self._key, b"memory")

    def _siv(self) -> AESSIV:
        return AESSIV(_follows(self._key, b"alike, 1") + _follows(self._key, b"alike, 2"))


class House:
    """The master key of a process."""

    def __init__(self, master: bytes) -> None:
        if len(master) != KEY_BYTES:
            raise Refused(f"the master key is of {KEY_BYTES} bytes, this one of {len(master)}")
        self._gcm = AESGCM(_follows(master, b"wrap"))
        self._named = _follows(master, b"named")
        self.pepper = _follows(master, b"asked")
        """For hashes of what was asked: without it nobody can try what it may have been."""

    @classmethod
    def load(cls, path: Path) -> "House":
        """From a file that the deploy wrote: 32 bytes in URL-safe base64."""
        try:
            text = path.read_text(encoding="ascii").strip()
            return cls(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except OSError as error:
            raise Refused(f"SOULFRA_MASTER_KEY_FILE: {path}: {error.strerror}") from None
        except (NotBase64, ValueError):
            raise Refused(f"SOULFRA_MASTER_KEY_FILE: {path}: is not base64") from None

    def new(self, user_id: UUID) -> tuple[Subject, bytes]:
        """A key for who has none, and the same wrapped for its row."""
        key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
        return Subject(user_id, key), nonce + self._gcm.encrypt(nonce, key, user_id.bytes)

    def subject(self, user_id: UUID, wrapped: bytes) -> Subject:
        """The key out of its row."""
        try:
            key = self._gcm.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], user_id.bytes)
        except InvalidTag:
            raise Diverged(
                f"privacy.subjects: user {user_id}: the key does not open",
                "is SOULFRA_MASTER_KEY_FILE the one of this database?",
            ) from None
        return Subject(user_id, key)

    def named(self, what: str, value: str) -> bytes:
        """A keyed hash of a name or an address, the same for everybody."""
        return hmac.digest(self._named, f"{what}\0{value}".encode(), "sha256")


def is_sealed(text: str) -> bool:
    """Whether it needs a key."""
    return text.startswith(SHUT)


def _follows(key: bytes, what: bytes) -> bytes:
    return hmac.digest(key, b"abode/soulfra/" + what + b"\x01", "sha256")


def _written(said: bytes) -> str:
    return SHUT + urlsafe_b64encode(said).decode().rstrip("=")


def _read(sealed: str) -> bytes:
    if not is_sealed(sealed):
        raise Diverged(f"{sealed!r:.20}: is not sealed")
    text = sealed.removeprefix(SHUT)
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
