"""Who calls: by token at the LAN's door, by what they say at the local one, never a web page."""

from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from apps.bridge.refusals import Forbidden, Unsupported
from apps.bridge.web import JSON, Request
from schemas.bridge import AgentName
from schemas.errors import Refused

AGENT: TypeAdapter[str] = TypeAdapter(AgentName)
SESSION_ID_LIMIT = 200
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def no_web_page(asked: Request) -> None:
    """Refuse what a browser sends for a page of elsewhere.

    A page can reach the loopback: with its own Origin, or by a name of its own that leads there.
    """
    origin = asked.header(b"origin")
    if origin is not None and _host(origin) not in LOOPBACK:
        raise Forbidden(f"Origin {origin!r:.80}: not from here", "no web page may speak to us")
    if asked.is_local:
        host = asked.header(b"host")
        if host is None or _host(f"//{host}") not in LOOPBACK:
            raise Forbidden(f"Host {host!r:.80}: is not the loopback", "ask http://localhost")


def is_json(asked: Request, wanted: str = JSON) -> None:
    """Refuse a body that says it is something else: forms and text need no leave of a browser."""
    kind = (asked.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != wanted:
        said = f"Content-Type {kind!r:.80}: is not {wanted}"
        raise Unsupported(said, f"send Content-Type: {wanted}")


def session_id(asked: Request) -> str | None:
    """X-Session-ID, if it is there."""
    given = asked.header(b"x-session-id")
    if given is not None and not (0 < len(given) <= SESSION_ID_LIMIT and given.isprintable()):
        raise Refused(f"X-Session-ID: is not 1 to {SESSION_ID_LIMIT} printable characters")
    return given


def named(asked: Request, in_body: str | None, known: str | None) -> str | None:
    """Whose check-in it is, by the token (``known``), the body and X-Agent-Id.

    The body's ``agent`` is a claim: it must be the token's, and at the local door no other than
    X-Agent-Id. At the token's door X-Agent-Id is a hint, and so is the tools' agent_name: the
    real client sends its creature's uuid and "Lumen" there, whatever its token is called.
    """
    if known:
        if in_body not in (None, known):
            raise Forbidden(
                f"check-in: agent {in_body!r} is not the token's agent",
                "each agent has its own token",
            )
        return known
    given = asked.header(b"x-agent-id")
    if given is not None and in_body not in (None, given):
        raise Forbidden(
            f"check-in: agent {in_body!r} is not X-Agent-Id {given!r:.80}", "say one of the two"
        )
    return in_body or name(given)


def name(given: Any) -> str | None:
    """A name as it may be, or Refused."""
    if given is None:
        return None
    try:
        return AGENT.validate_python(given, strict=True)
    except ValidationError:
        raise Refused(f"agent {given!r:.80}: is not a name") from None


@lru_cache(maxsize=256)
def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
