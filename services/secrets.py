"""Secrets and keys of the house: made once on the deploying machine, kept in the state directory.

They live in memory while a deploy is prepared and reach the disk only when it is executed, so
that a dry run writes nothing.
"""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from pyinfra import host
from pyinfra.api import FunctionCommand, operation


class Vault:
    """Named secrets below one directory, 0700, each a file of mode 0600."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._made: dict[str, str] = {}
        self._dropped: set[str] = set()

    def get(self, what: str) -> str:
        """The secret of that name; a new 256-bit one if it was never made."""
        return self.keep(what, lambda: secrets.token_urlsafe(32))

    def keep(self, what: str, make: Callable[[], str]) -> str:
        """The secret of that name, made by ``make`` if it was never kept."""
        path = self.directory / what
        if what not in self._made and path.is_file():
            return path.read_text(encoding="utf-8").removesuffix("\n")
        return self._made.setdefault(what, make())

    def renew(self, what: str, value: str) -> str:
        """Put a new value in the place of the kept one."""
        self._made[what] = value
        return value

    def keep_only(self, kind: str, names: Collection[str]) -> None:
        """Of the secrets that begin with ``kind`` drop those of no such name."""
        there = {path.name for path in self.directory.glob(f"{kind}*")}
        self._dropped |= there - {f"{kind}{name}" for name in names}

    def unwritten(self) -> bool:
        """Whether something was made or dropped, and the disk does not know yet."""
        return bool(self._made or self._dropped)

    def write(self) -> None:
        """Put what was made on disk, each file whole or not at all."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for what, value in self._made.items():
            path = self.directory / what
            draft = path.with_name(f".{what}.{os.getpid()}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(value + "\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        self._made.clear()
        for what in self._dropped:
            (self.directory / what).unlink(missing_ok=True)
        self._dropped.clear()


@operation()
def kept(vault: Vault) -> Iterator[FunctionCommand]:
    """Write newly made secrets to the state directory, before anything uses them."""
    if not vault.unwritten():
        host.noop("every secret is kept")
        return
    yield FunctionCommand(vault.write, (), {})


def scram_verifier(password: str, salt: bytes | None = None, iterations: int = 4096) -> str:
    """What Postgres stores for a password (RFC 5802, SCRAM-SHA-256); the password stays here."""
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, client, server)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def verifies(verifier: str | None, password: str) -> bool:
    """Whether a stored verifier belongs to this password.

    >>> verifies(scram_verifier("a"), "a"), verifies(scram_verifier("a"), "b")
    (True, False)
    """
    if not verifier or not verifier.startswith("SCRAM-SHA-256$"):
        return False
    iterations, salt = verifier.split("$")[1].split(":")
    again = scram_verifier(password, base64.b64decode(salt), int(iterations))
    return hmac.compare_digest(verifier, again)
