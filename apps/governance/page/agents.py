"""Who is alive, how each one does, the verdicts and the trail."""

from typing import Any, Final, TypeVar

from apps.governance.page import neighbourhood as near
from apps.governance.page.asked import LARGEST, LAST, Asked
from apps.governance.page.chart import SPANS, Window
from apps.governance.page.eisv import panels
from apps.governance.page.reading import one, rows
from apps.governance.page.rows import (
    Agent,
    Child,
    Counts,
    Dispute,
    Event,
    Find,
    Line,
    Place,
    Portrait,
    State,
    Turn,
    Verdict,
)
from apps.governance.page.sensors import measured
from apps.governance.page.view import DEPTH, FEW, MANY, Look, View
from schemas.bridge import Action
from schemas.governance.dialectic import Standing
from schemas.governance.tables import AgentState

FRESH: Final = AgentState.fresh_seconds or 300
PAGES_LIMIT = 200
T = TypeVar("T")


async def index(look: Look) -> dict[str, Any]:
    """Everything at a glance, and the EISV of one agent: the one asked for, or the eldest."""
    anybody = look._replace(asked=Asked({}))
    # The eldest first: a line that jumped whenever somebody is heard could not be read.
    agents = sorted(await _agents(anybody, limit=FEW, silent=False))
    chosen = look.asked.text("id") or (agents[0].agent_id if agents else "")
    shown = await _eisv(look, await _portrait(look, chosen)) if chosen else {"portrait": None}
    return {
        "counts": await one(look.conn, Counts, "counts", fresh=FRESH),
        "agents": agents,
        "verdicts": await _verdicts(anybody, limit=FEW),
        "events": await _events(anybody, limit=FEW),
        "finds": await rows(look.conn, Find, "newest", agent="", tag="", before=LAST, limit=5),
        "disputes": await rows(
            look.conn, Dispute, "disputes",
            standings=list(Standing), before=LAST, limit=5,
        ),
        **shown,
    }  # fmt: skip


async def agents(look: Look) -> dict[str, Any]:
    """All of them, those heard last first."""
    place = look.asked.number("page", 0, PAGES_LIMIT)
    everyone = look.asked.word("who", ("all",)) == "all"
    found = await _agents(look, limit=MANY + 1, skip=place * MANY, everyone=everyone)
    return {
        "counts": await one(look.conn, Counts, "counts", fresh=FRESH),
        "agents": found[:MANY],
        "sought": look.asked.text("q"),
        "everyone": everyone,
        "place": place,
        "more": len(found) > MANY and place < PAGES_LIMIT,
    }


async def agent(look: Look) -> dict[str, Any]:
    """One agent: its EISV over time, its verdicts, what it found, where it comes from."""
    portrait = await _portrait(look, look.asked.text("id"))
    name = portrait.agent_id
    children = await rows(look.conn, Child, "children", agent=name, limit=MANY)
    finds = await rows(look.conn, Find, "newest", agent=name, tag="", before=LAST, limit=FEW)
    disputes = await rows(look.conn, Dispute, "disputes_of", agent=name, limit=FEW)
    parent = portrait.parent_agent_id
    around = [
        *([near.agent("was spawned by", parent)] if parent else []),
        *(near.agent("spawned", child.agent_id) for child in children),
        *(near.discovery("found", find.discovery_id, find.type, find.summary) for find in finds),
        *(near.dispute(f"{d.status} dispute", d.session_id, d.reason or d.topic) for d in disputes),
    ]
    state = portrait.state_json or {}
    return {
        **await _eisv(look, portrait),
        "verdicts": await rows(
            look.conn, Verdict, "verdicts_of",
            agent=name, identity_id=portrait.identity_id, before=LARGEST, limit=FEW,
        ),
        "turns": await rows(
            look.conn, Turn, "lifecycle", identity_id=portrait.identity_id, limit=FEW
        ),
        "around": near.neighbourhood(name, "agent", around),
        "measured": measured(state.get("environment") or {}),
        "drawing": state.get("drawing_eisv") or {},
        "limits": look.limits,
    }  # fmt: skip


async def verdicts(look: Look) -> dict[str, Any]:
    """The newest verdicts with their reasons, of all or of one agent."""
    name, action = look.asked.text("id"), look.asked.word("action", list(Action))
    found = await _verdicts(look, limit=MANY)
    older: Place | None = Place(found[-1].state_id) if len(found) == MANY else None
    if older is None and action and not name:
        before = look.asked.number("before", LARGEST)
        older = await _end(look, Place, "verdicts_end", before=before)
    return {
        "verdicts": found,
        "agent": name,
        "action": action,
        "actions": list(Action),
        "older": older.state_id if older else None,
        "depth": DEPTH,
    }


async def audit(look: Look) -> dict[str, Any]:
    """The trail, the newest first."""
    found = await _events(look, limit=MANY)
    name, kind = look.whose or look.asked.text("id"), look.asked.text("kind")
    older: Event | Line | None = found[-1] if len(found) == MANY else None
    if older is None and kind:
        query = "audit_end_of" if name else "audit_end"
        older = await _end(look, Line, query, agent=name, **_until(look))
    return {
        "events": found,
        "agent": name,
        "kind": kind,
        "older": older,
        "depth": DEPTH,
    }


async def _agents(look: Look, **told: Any) -> list[Agent]:
    asked = {"sought": look.asked.text("q"), "everyone": False, "silent": True, "skip": 0}
    return await rows(look.conn, Agent, "agents", **{**asked, **told})


async def _portrait(look: Look, name: str) -> Portrait:
    return await one(look.conn, Portrait, "agent", agent=name)


async def _eisv(look: Look, portrait: Portrait) -> dict[str, Any]:
    span = SPANS[look.asked.word("span", SPANS, "24h")]
    window = Window.ending(look.now, span)
    states = await rows(
        look.conn, State, "series",
        identity_id=portrait.identity_id,
        since=window.since, until=window.until, step=span.step_seconds,
    )  # fmt: skip
    return {
        "portrait": portrait,
        "span": span,
        "spans": SPANS.values(),
        "window": window,
        "states": states,
        "panels": panels(states, window, look.limits),
    }


async def _verdicts(look: Look, *, limit: int) -> list[Verdict]:
    action = look.asked.word("action", list(Action))
    before = look.asked.number("before", LARGEST)
    if name := look.asked.text("id"):
        portrait = await _portrait(look, name)
        return await rows(
            look.conn, Verdict, "verdicts_of",
            agent=name, identity_id=portrait.identity_id, before=before, limit=limit,
        )  # fmt: skip
    depth = DEPTH if action else limit
    return await rows(
        look.conn, Verdict, "verdicts", before=before, depth=depth, action=action, limit=limit
    )


async def _events(look: Look, *, limit: int) -> list[Event]:
    only, name = look.asked.text("kind"), look.whose or look.asked.text("id")
    told = {
        "agent": name,
        "only": only,
        "depth": DEPTH if only else limit,
        "limit": limit,
        **_until(look),
    }
    return await rows(look.conn, Event, "audit_of" if name else "audit", **told)


def _until(look: Look) -> dict[str, Any]:
    return {"before": look.asked.before("until"), "before_id": look.asked.event("event")}


async def _end(look: Look, kind: type[T], query: str, /, **asked: Any) -> T | None:
    """Where a look back for something rare ended, if there may be more of it further back."""
    found = await rows(look.conn, kind, query, depth=DEPTH, **asked)
    return found[0] if found else None


VIEWS: Final = {
    "/": View(
        "overview.html", index, live="states audit knowledge disputes lives beat", standing=True
    ),
    "/page/agents": View("agents.html", agents, live="states lives"),
    "/page/agent": View("agent.html", agent, live="states lives knowledge disputes"),
    "/page/verdicts": View("verdicts.html", verdicts, live="states"),
    "/page/audit": View("audit.html", audit, live="audit"),
}
