"""The Pi's end of the bridge: send one check-in, understand one answer. It never guesses.

Plain HTTP/1.0 over a fresh connection each time: a kept one goes stale in the minute between
two check-ins, the end of the answer is the end of the stream, and http.client with what it
imports would be a tenth of the Pi process's memory.
"""

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError
from pydantic_core import from_json, to_json

from schemas.bridge import BATCH_KIND, BATCH_PATH, CHECK_IN_SINCE, CONTRACT, RELEASED, Verdict

PATH = "/v1/checkins"
TIMEOUT_SECONDS = 10.0
ANSWER_LIMIT_BYTES = 65_536
FINAL = frozenset({400, 409, 413, 422})
NO_BATCHES = FINAL | {404, 405, 415}
"""Whatever is wrong with the whole of a batch: one by one it shows what it is."""
"""Refusals that are about the check-in. Only governance itself can say so: see ``_ours``."""
NO_LIST = "check-in: contract: Input should be 1"
"""How servers of contract 1 refuse every other; later ones list the contracts that they speak."""
PROMPT_SECONDS = 1.0
"""An answer that took longer does not tell what time it is."""
LOWERED_SECONDS = 600.0
"""How long an older contract is kept to, or one by one, before the newest is tried again."""


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


@dataclass(frozen=True, slots=True)
class _NotSpoken:
    """Nothing was taken: governance speaks these contracts, and not the one it was sent."""

    contracts: tuple[int, ...]


Outcome = Accepted | RefusedByServer | Unavailable | Unintelligible


class _Broken(Exception):
    """No whole answer came."""


class NoBatches(Exception):
    """Governance takes check-ins one by one; nothing was taken."""


class Client:
    """Knows the address and the token of governance."""

    def __init__(
        self,
        url: str,
        token: SecretStr,
        timeout: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        dated: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``dated`` is told the date of each prompt verdict: governance's clock is an authority."""
        parts = urlsplit(url)
        if parts.hostname is None:
            raise ValueError(f"{url!r} names no host")
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._is_tls else 80)
        self._head = f"Host: {parts.netloc}\r\nAuthorization: Bearer {token.get_secret_value()}\r\n"
        self._timeout = timeout
        self._clock = clock
        self._dated = dated
        self._lowered_at = 0.0
        self._one_by_one_at: float | None = None
        self.contract: int = CONTRACT
        """The newest contract that governance is known, or hoped, to speak."""

    def send(self, body: bytes) -> Outcome:
        """POST one check-in; answers within ``timeout`` seconds in all, name look-up aside.

        If its contract is not spoken there it goes at once in the newest that is: a check-in so
        refused was not stored, and its key keeps it from being stored twice.
        """
        until = time.monotonic() + self._timeout
        if self._clock() - self._lowered_at >= LOWERED_SECONDS:
            self.contract = CONTRACT
        first = _in_contract(body, self.contract)
        outcome = self._ask(first, until)
        if isinstance(outcome, _NotSpoken):
            spoken = self._lower(outcome.contracts)
            second = _in_contract(body, self.contract)
            if spoken and second != first:
                outcome = self._ask(second, until)
        if isinstance(outcome, _NotSpoken):
            listed = ", ".join(map(str, outcome.contracts))
            return Unavailable(f"governance speaks the contracts {listed}; the check-in does not")
        return outcome

    @property
    def takes_batches(self) -> bool:
        """Whether governance is hoped to: it was not heard to say no for a while."""
        since = self._one_by_one_at
        return since is None or self._clock() - since >= LOWERED_SECONDS

    def send_batch(self, bodies: Sequence[bytes]) -> list[Outcome]:
        """POST several check-ins, oldest first; for each what became of it, in the same order.

        NoBatches if they must be sent one by one. Nothing but a whole answer that is as it should
        be counts: whatever is wrong with it is wrong for all of them.
        """
        until = time.monotonic() + self._timeout
        if self._clock() - self._lowered_at >= LOWERED_SECONDS:
            self.contract = CONTRACT
        lines = b"".join(_in_contract(body, self.contract) + b"\n" for body in bodies)
        try:
            status, headers, answer = self._post(BATCH_PATH, BATCH_KIND, lines, until)
        except _Broken as error:
            return [Unavailable(str(error))] * len(bodies)
        if status == 200:
            return self._heard(_outcomes(answer, len(bodies)))
        if status in NO_BATCHES:
            self._one_by_one_at = self._clock()
            raise NoBatches
        return [_later(status, headers.get("retry-after", ""), answer)] * len(bodies)

    def _heard(self, outcomes: list[Outcome | _NotSpoken]) -> list[Outcome]:
        """Unless another contract is spoken there: then the next request speaks that."""
        found: list[Outcome] = []
        for outcome in outcomes:
            if isinstance(outcome, _NotSpoken):
                self._lower(outcome.contracts)
                raise NoBatches
            found.append(outcome)
        return found

    def _lower(self, contracts: tuple[int, ...]) -> set[int]:
        spoken = set(contracts) & set(RELEASED)
        self.contract, self._lowered_at = max(spoken, default=CONTRACT), self._clock()
        return spoken

    def _ask(self, body: bytes, until: float) -> Outcome | _NotSpoken:
        asked = time.monotonic()
        try:
            status, headers, answer = self._post(PATH, "application/json", body, until)
        except _Broken as error:
            return Unavailable(str(error))
        outcome = _understood(status, headers.get("retry-after", ""), answer)
        is_prompt = time.monotonic() - asked <= PROMPT_SECONDS
        if isinstance(outcome, Accepted) and is_prompt and "date" in headers:
            self._dated(headers["date"])
        return outcome

    def _post(
        self, path: str, kind: str, body: bytes, until: float
    ) -> tuple[int, dict[str, str], bytes]:
        head = (
            f"POST {path} HTTP/1.0\r\n{self._head}Content-Type: {kind}\r\nAccept: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            return _split(self._exchange(head.encode() + body, until))
        except (OSError, ValueError) as error:
            self.contract = CONTRACT  # who answers next may be another release
            self._one_by_one_at = None
            raise _Broken(f"{type(error).__name__}: {error}") from None

    def _exchange(self, request: bytes, until: float) -> bytes:
        """Everything the server sends until it closes. The clock runs over all calls together."""
        # The name as bytes: Python's idna tables for a str are a megabyte.
        address: Any = (self._host.encode("ascii"), self._port)
        with self._wrap(socket.create_connection(address, _left(until))) as sock:
            sock.settimeout(_left(until))
            sock.sendall(request)
            answer = bytearray()
            while len(answer) <= ANSWER_LIMIT_BYTES:
                sock.settimeout(_left(until))
                piece = sock.recv(16_384)
                if not piece:
                    return bytes(answer)
                answer += piece
        raise ValueError(f"answer exceeds {ANSWER_LIMIT_BYTES} bytes")

    def _wrap(self, sock: socket.socket) -> socket.socket:
        if not self._is_tls:
            return sock
        import ssl  # noqa: PLC0415  6 MB that plain http does not need

        return ssl.create_default_context().wrap_socket(sock, server_hostname=self._host)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no whole answer in time")
    return left


def _split(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, body; ValueError if the answer is not whole."""
    head, gap, body = answer.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    words = line.split(" ", 2)
    if not gap or not words[0].startswith("HTTP/1.") or len(words) < 2 or not words[1].isdecimal():
        raise ValueError("the answer is not HTTP")
    headers = {}
    for text in lines:
        name, _, value = text.partition(":")
        headers[name.strip().lower()] = value.strip()
    size = headers.get("content-length", "")
    if size.isdecimal() and int(size) != len(body):
        raise ValueError(f"the answer has {len(body)} of {size} bytes")
    return int(words[1]), headers, body


def _understood(status: int, retry_after: str, answer: bytes) -> Outcome | _NotSpoken:
    """What an answer to one check-in means."""
    if status == 200:
        return _verdict(answer)
    if status in FINAL and (told := _ours(answer)):
        spoken = _contracts(told)
        return _NotSpoken(spoken) if spoken else RefusedByServer(status, _said(status, answer))
    return _later(status, retry_after, answer)


def _later(status: int, retry_after: str, answer: bytes) -> Unavailable:
    return Unavailable(
        _said(status, answer), float(retry_after) if retry_after.isdecimal() else 0.0
    )


def _said(status: int, answer: bytes) -> str:
    return f"HTTP {status}: {answer[:200].decode('utf-8', 'replace')}"


def _outcomes(answer: bytes, count: int) -> list[Outcome | _NotSpoken]:
    """One outcome of each line; if they are not as many, or one is odd, none was understood."""
    lines = answer.splitlines()
    try:
        found = [_of_line(line) for line in lines]
    except (ValueError, OverflowError, TypeError, KeyError, AttributeError) as error:
        return [Unintelligible(f"batch: {type(error).__name__}: {error}")] * count
    if len(found) != count:
        return [Unintelligible(f"batch: {len(found)} answers to {count} check-ins")] * count
    return found


def _of_line(line: bytes) -> Outcome | _NotSpoken:
    told = from_json(line)
    return _understood(
        int(told["status"]), str(told.get("retry_after", "")), to_json(told["answer"])
    )


def _ours(answer: bytes) -> dict[str, Any] | None:
    """What governance says, and not a proxy or a stranger at its address."""
    try:
        told = from_json(answer)
    except ValueError:
        return None
    if not isinstance(told, dict) or told.get("success") is not False:
        return None
    return told if isinstance(told.get("error"), str) else None


def _contracts(told: dict[str, Any]) -> tuple[int, ...]:
    """The contracts that a refusal lists; none if it is not about the contract."""
    if told["error"] == NO_LIST:
        return (1,)
    listed = told.get("contracts")
    return tuple(n for n in listed if type(n) is int) if isinstance(listed, list) else ()


def _in_contract(body: bytes, contract: int) -> bytes:
    """The check-in without what came after ``contract``; as it stands if it speaks no newer one."""
    if contract >= CONTRACT:
        return body
    try:
        said = from_json(body)
    except ValueError:
        return body  # damaged on its way through a card: governance refuses it, and that settles it
    if said.get("contract", 1) <= contract:
        return body
    for (part, name), since in CHECK_IN_SINCE.items():
        inner = said.get(part) if part else said
        if since > contract and inner:
            inner.pop(name, None)
    return to_json({**said, "contract": contract})


def _verdict(answer: bytes) -> Outcome:
    try:
        return Accepted(Verdict.model_validate_json(answer))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "answer"
        return Unintelligible(f"{where}: {first['msg'].lower()}")
