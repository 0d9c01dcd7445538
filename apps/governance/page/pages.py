"""The page as a table of routes: one connection for the rows, then the template."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import psycopg

from apps.bridge import tools, web
from apps.bridge.refusals import Forbidden, status_of
from apps.bridge.tool import Tool
from apps.bridge.web import Answer
from apps.governance import VERSION
from apps.governance.desk import Desk
from apps.governance.health import PROBE_EVERY_SECONDS, Health
from apps.governance.page import agents, library
from apps.governance.page.asked import Asked
from apps.governance.page.assets import assets
from apps.governance.page.news import News, mark
from apps.governance.page.ownership import Map
from apps.governance.page.reading import one
from apps.governance.page.render import Renderer
from apps.governance.page.rows import Newest
from apps.governance.page.standing import standing
from apps.governance.page.view import Look, View
from apps.governance.routes import INDEX
from apps.governance.web import Handler, Request, Routes
from schemas.errors import HouseError, Unreachable
from schemas.governance.calls import Right
from schemas.governance.calls.health import HealthReply
from schemas.governance.thresholds import Thresholds

RECENT_SECONDS: Final = 2 * PROBE_EVERY_SECONDS
Limits = Callable[[], Thresholds]


VIEWS: Final[Mapping[str, View]] = {
    **agents.VIEWS,
    **library.VIEWS,
    "/page/health": View("health.html", live="beat", standing=True),
}
MENU: Final = (
    ("/", "Overview"),
    ("/page/agents", "Agents"),
    ("/page/verdicts", "Verdicts"),
    ("/page/audit", "Audit"),
    ("/page/knowledge", "Knowledge"),
    ("/page/disputes", "Disputes"),
    ("/page/health", "Health"),
    ("/page/where", "Where"),
)
UNDER: Final = {
    "/page/agent": "/page/agents",
    "/page/discovery": "/page/knowledge",
    "/page/dispute": "/page/disputes",
}


class Pages:
    """Every address of the page. ``close`` ends the open streams."""

    def __init__(self, desk: Desk, health: Health, limits: Limits, where: Tool) -> None:
        self._desk = desk
        self._health = health
        self._limits = limits
        self.views = {**VIEWS, **Map(where).views()}
        self._assets = assets()
        self._render = Renderer({name: path for name, (path, _) in self._assets.items()})
        self.news = News(desk)

    def routes(self) -> Routes:
        """Path and method of each, with what answers it."""
        told: dict[str, Handler] = {
            path: partial(self._show, path, view) for path, view in self.views.items()
        }
        told |= {path: partial(_asset, answer) for path, answer in self._assets.values()}
        told |= {"/": self._front, "/page/events": self._events}
        return {path: {"GET": handler} for path, handler in told.items()}

    def close(self) -> None:
        """End what is streaming."""
        self.news.close()

    async def _front(self, request: Request) -> Answer:
        """The page for whoever takes HTML, a few lines for a terminal."""
        if "text/html" in (request.header(b"accept") or ""):
            return await self._show("/", VIEWS["/"], request)
        return Answer(INDEX, kind="text/plain; charset=utf-8", headers={"vary": "accept"})

    async def _show(self, path: str, view: View, request: Request) -> Answer:
        menu = {
            "menu": MENU,
            "here": UNDER.get(path, path),
            "version": VERSION,
            "host": request.header(b"host") or "localhost",
        }
        try:
            await _may_look(request)
            shown = await self._looked(view, Asked(request.query()), _whose(request))
        except (HouseError, psycopg.Error, TimeoutError) as error:
            house = error if isinstance(error, HouseError) else _away(error)
            status = status_of(house)
            told = {"error": house, "status": status, "live": "", "marks": ""}
            answer = self._render.answer("refused.html", {**menu, **told}, status)
            return answer._replace(headers={**answer.headers, **web.refusal(house).headers})
        return self._render.answer(view.template, {**menu, "live": view.live, **shown})

    async def _looked(self, view: View, asked: Asked, whose: str) -> dict[str, Any]:
        shown: dict[str, Any] = {"marks": ""}
        if view.look:
            async with self._desk.connection() as conn:
                # Before the rows: what comes between the two is news then.
                shown["marks"] = mark(await one(conn, Newest, "news"))
                look = Look(conn, asked, datetime.now(UTC), self._limits(), whose)
                shown |= await view.look(look)
        if view.say:
            shown |= await view.say(asked)
        if view.standing:
            shown["standing"] = standing(await self._stands(anew=view.look is None))
        return shown

    async def _stands(self, *, anew: bool) -> HealthReply:
        """What a probe finds now; beside other things, what the last one found of late."""
        last = self._health.last
        if anew or last is None or self._health.age > RECENT_SECONDS:
            return await self._health.look()
        return last

    async def _events(self, request: Request) -> Answer:
        await _may_look(request)
        return Answer(
            b"",
            kind="text/event-stream",
            headers={"cache-control": "no-store", "x-content-type-options": "nosniff"},
            stream=await self.news.stream(),
        )


async def _asset(answer: Answer, _: Request) -> Answer:
    return answer


async def _may_look(request: Request) -> None:
    """Refuse a token that may not read, and what a page of elsewhere loads.

    A reader may come from wherever they were.
    """
    tools.require(await request.caller(), Right.READ, "the page")
    site, mode = (request.header(b"sec-fetch-" + name) for name in (b"site", b"mode"))
    if site in {"cross-site", "same-site"} and mode != "navigate":
        raise Forbidden("this request comes from a page of elsewhere", "open the page itself")


def _whose(request: Request) -> str:
    """An agent sees its own trail, an operator everybody's: as with query_audit_events."""
    known = request.known
    return "" if known is None or Right.OPERATE in known.rights else known.agent or ""


def _away(error: psycopg.Error | TimeoutError) -> Unreachable:
    return Unreachable(f"postgres: {type(error).__name__}", "abode status says what is up")
