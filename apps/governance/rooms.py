"""The rooms of the process, put together: who needs whom, what they serve and do meanwhile."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, NamedTuple

from apps.governance.auditing import Auditing
from apps.governance.calibration.calibration import Calibration
from apps.governance.calls import check_in_tools, identity_tools, toolbox
from apps.governance.checkins import Checkins
from apps.governance.continuity import Continuity
from apps.governance.descriptions import Descriptions
from apps.governance.desk import Desk, Share
from apps.governance.dialectic.archive import Archive
from apps.governance.dialectic.disputes import Disputes
from apps.governance.dialectic.tools import dialectic_tools
from apps.governance.figures import Figures
from apps.governance.health import Health
from apps.governance.health_routes import health_routes
from apps.governance.identities import Identities
from apps.governance.keyring import Keyring
from apps.governance.knowledge.tools import Knowledge
from apps.governance.limits import Limits
from apps.governance.lives import Lives
from apps.governance.locks import Locks
from apps.governance.maintenance import Maintenance
from apps.governance.numbers import Numbers
from apps.governance.outcomes import Outcomes
from apps.governance.page.pages import Pages
from apps.governance.registry import Registry
from apps.governance.roster import Roster
from apps.governance.routes import Parts, routes
from apps.governance.sessions import Sessions
from apps.governance.settings import Settings
from apps.governance.tokens import Tokens
from apps.governance.trails import Trails
from apps.governance.web import Routes
from apps.governance.where import Whereabouts
from apps.postgres import Pool
from apps.redis_line import Line
from schemas.governance.thresholds import Thresholds

READERS: Final = 3
"""One seat of so many is for the page and for where: people look, agents work."""
READERS_WAIT: Final = 32
"""As many as may have a page open."""


class Stores(NamedTuple):
    """What is open when the rooms are made."""

    told: Settings
    pool: Pool
    desk: Desk
    """The one way of callers to the pool: two would let in twice as many."""
    trails: Trails
    line: Line
    sessions: Sessions
    lives: Lives


class Rooms(NamedTuple):
    """What the process runs and, when told to stop, ends in this order."""

    routes: Routes
    checkins: Checkins
    maintenance: Maintenance
    pages: Pages
    works: Callable[[], Iterator[tuple[str, Coroutine[Any, Any, None]]]]
    """Name and work: the writer of check-ins first, then those of the trails."""


def furnished(
    stores: Stores, thresholds: Thresholds, tokens: Tokens, on_lost: Callable[[str], None]
) -> Rooms:
    """Every room with what it needs; nothing runs yet."""
    told, pool, desk, trails, line, sessions, lives = stores
    audit = trails.audit
    numbers, limits = Numbers(), Limits(line)
    checkins = Checkins(pool, thresholds, audit, sessions, on_lost, numbers=numbers, limits=limits)
    maintenance = Maintenance(told.postgres, told.audit_log.parent / "archive", Locks(line))
    disputes = Disputes(desk, audit)
    calibration = Calibration(desk, audit, checkins)
    health = Health(
        pool, audit, sessions, checkins,
        maintenance=maintenance, on_lost=on_lost, numbers=numbers, usage=trails.usage,
        also={
            "dialectic": lambda: disputes.trouble,
            "thresholds": lambda: calibration.trouble,
            "trails": lambda: trails.trouble,
        },
    )  # fmt: skip
    readers = Share(desk, max(1, desk.seats // READERS), READERS_WAIT)
    places = Whereabouts(readers, told.audit_log.parent, told.reach())
    descriptions = Descriptions(desk, line)
    keyring = tokens.keyring = Keyring(desk)
    identities = Identities(desk, audit, descriptions)
    continuity = Continuity(desk, audit, identities, keyring, sessions)
    tools = toolbox(
        (
            check_in_tools(checkins),
            identity_tools(identities, continuity),
            Registry(desk, audit, keyring, sessions, lives, deployed=tokens.agents).tools(),
            Roster(desk, descriptions).tools(),
            health.tools(),
            Figures(desk).tools(),
            Knowledge(desk, audit).tools(),
            dialectic_tools(disputes, Archive(desk, audit)),
            places.tools(),
            Outcomes(desk, audit).tools(),
            calibration.tools(),
            Auditing(desk, trails.index).tools(),
        ),
        lambda tool: numbers.timed(trails.usage.noted(limits.limited(tool))),
    )
    pages = Pages(readers, health, lambda: checkins.thresholds, *places.tools())

    def works() -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        yield "check-ins", checkins.run()
        yield from trails.works()
        yield "sessions", sessions.run()
        yield "health", health.watch()
        yield "maintenance", maintenance.watch()
        yield "dialectic", disputes.watch()
        yield "trail keeper", trails.keeper.watch()
        yield "late lines", trails.go_on()
        yield "page", pages.news.watch()
        yield "calibration", calibration.watch()

    served = routes(
        Parts(checkins, numbers, tools),
        health_routes(health, numbers),
        places.routes(tools["where"]),
        pages.routes(),
    )
    return Rooms(served, checkins, maintenance, pages, works)
