"""What was found out, and what is argued about."""

from collections.abc import Sequence
from typing import Any, Final

from apps.governance.page import neighbourhood as near
from apps.governance.page.reading import one, rows
from apps.governance.page.rows import (
    Discovery,
    Dispute,
    Find,
    Near,
    Said,
    Tag,
    WholeDispute,
)
from apps.governance.page.view import DEPTH, FEW, MANY, Look, View
from schemas.governance.dialectic import Standing

TAGS = 24
MESSAGES = 200


async def knowledge(look: Look) -> dict[str, Any]:
    """Search results, or what is newest: of a tag, of an agent, of all."""
    sought, tag, agent = (look.asked.text(name) for name in ("q", "tag", "id"))
    before = look.asked.before()
    if sought:
        finds = await rows(look.conn, Find, "found", sought=sought, depth=DEPTH, limit=MANY)
    else:
        finds = await rows(
            look.conn, Find, "newest", agent=agent, tag=tag, before=before, limit=MANY
        )
    return {
        "finds": finds,
        "sought": sought,
        "tag": tag,
        "agent": agent,
        "tags": await rows(look.conn, Tag, "tags", limit=TAGS),
        "older": finds[-1].created_at if len(finds) == MANY and not sought else None,
    }


async def discovery(look: Look) -> dict[str, Any]:
    """One discovery and what lies one step away from it."""
    name = look.asked.text("id")
    found = await one(look.conn, Discovery, "discovery", discovery=name)
    steps = await rows(look.conn, Near, "neighbours", discovery=name, limit=FEW)
    around = [
        near.agent("was found by", found.agent_id),
        *(near.discovery(_manner(step), step.discovery_id, step.type, step.summary)
          for step in _once(steps)),
        *(near.tag(word) for word in found.tags),
    ]  # fmt: skip
    return {"found": found, "around": near.neighbourhood(found.summary, "discovery", around)}


async def disputes(look: Look) -> dict[str, Any]:
    """The newest disputes, of any standing or of one."""
    standing = look.asked.word("standing", list(Standing))
    found = await rows(
        look.conn, Dispute, "disputes",
        standings=[standing] if standing else list(Standing),
        before=look.asked.before(), limit=MANY,
    )  # fmt: skip
    return {
        "disputes": found,
        "standing": standing,
        "standings": list(Standing),
        "older": found[-1].created_at if len(found) == MANY else None,
    }


async def dispute(look: Look) -> dict[str, Any]:
    """One dispute with all that was said."""
    name = look.asked.text("id")
    return {
        "dispute": await one(look.conn, WholeDispute, "dispute", dispute=name),
        "messages": await rows(look.conn, Said, "transcript", dispute=name, limit=MESSAGES),
    }


def _once(steps: Sequence[Near]) -> list[Near]:
    """Each discovery in its first manner: a shared tag says little about what is linked anyway."""
    return list({step.discovery_id: step for step in reversed(steps)}.values())[::-1]


def _manner(step: Near) -> str:
    """How it is connected, in words.

    >>> _manner(Near("is answered by", "extend", "", "insight", ""))
    'is answered by (extend)'
    """
    return f"{step.manner} ({step.how})" if step.how else step.manner


VIEWS: Final = {
    "/page/knowledge": View("knowledge.html", knowledge, live="knowledge"),
    "/page/discovery": View("discovery.html", discovery, live="knowledge"),
    "/page/disputes": View("disputes.html", disputes, live="disputes"),
    "/page/dispute": View("dispute.html", dispute, live="disputes"),
}
