"""The Pi's end of the bridge: send one check-in, understand one answer. It never guesses.

A fresh connection each time: a kept one goes stale in the minute between two check-ins.
"""

import http.client
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from schemas.bridge import Verdict

PATH = "/v1/checkins"
TIMEOUT_SECONDS = 10.0
ANSWER_LIMIT_BYTES = 65_536
RETRY_LATER = frozenset({401, 403, 408, 425, 429})
"""Refusals that are about the moment or the token, not about the check-in."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """It is on governance's disk, and this is the verdict."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RefusedByServer:
    """It will never be taken; sending it again is pointless."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """It may arrive later: send it again. ``retry_after`` is the server's wish in seconds."""

    reason: str
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Unintelligible:
    """An answer came but no verdict could be read from it: send it again, and do not proceed."""

    reason: str


Outcome = Accepted | RefusedByServer | Unavailable | Unintelligible


class Client:
    """Knows the address and the token of governance."""

    def __init__(self, url: str, token: SecretStr, timeout: float = TIMEOUT_SECONDS) -> None:
        parts = urlsplit(url)
        if parts.hostname is None:
            raise ValueError(f"{url!r} names no host")
        self._host, self._port = parts.hostname, parts.port
        self._is_tls = parts.scheme == "https"
        self._token = token
        self._timeout = timeout

    def send(self, body: bytes) -> Outcome:
        """POST one check-in; answers within ``timeout`` seconds in all."""
        try:
            status, retry_after, answer = self._post(body)
        except (OSError, http.client.HTTPException) as error:
            return Unavailable(f"{type(error).__name__}: {error}")
        if status == 200:
            return _verdict(answer)
        said = f"HTTP {status}: {answer[:200].decode('utf-8', 'replace')}"
        if 400 <= status < 500 and status not in RETRY_LATER:
            return RefusedByServer(status, said)
        return Unavailable(said, retry_after)

    def _post(self, body: bytes) -> tuple[int, float, bytes]:
        until = time.monotonic() + self._timeout
        kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout)
        connection.connect()
        # A socket's timeout is per call; a server that drips bytes would never exceed it.
        guillotine = threading.Timer(max(until - time.monotonic(), 0), _cut, (connection.sock,))
        guillotine.daemon = True
        guillotine.start()
        try:
            headers = {
                "Authorization": f"Bearer {self._token.get_secret_value()}",
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Connection": "close",
            }
            connection.request("POST", PATH, body, headers)
            response = connection.getresponse()
            answer = response.read(ANSWER_LIMIT_BYTES)
            if not response.isclosed() and response.read(1):
                raise http.client.HTTPException(f"answer exceeds {ANSWER_LIMIT_BYTES} bytes")
            return response.status, _seconds(response.getheader("Retry-After")), answer
        finally:
            guillotine.cancel()
            connection.close()


def _cut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # already closed: the answer was in time


def _seconds(header: str | None) -> float:
    return float(header) if header and header.isdecimal() else 0.0


def _verdict(answer: bytes) -> Outcome:
    try:
        return Accepted(Verdict.model_validate_json(answer))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "answer"
        return Unintelligible(f"{where}: {first['msg'].lower()}")
