"""How the house is: hosts, services, ages of the last rows. ``abode status --json`` is this."""

from datetime import datetime
from typing import Annotated, Literal

from schemas.anima.files import Condition
from schemas.quantity import Closed, Instant, Quantity

Seconds = Annotated[float, Quantity("s", "a span", low=0)]


Waiting = Annotated[int, Quantity("1", "anima.db outbox", low=0)]


class Host(Closed):
    """One machine, and whether it answered just now."""

    name: str
    group: Literal["mac", "pi"]
    address: str
    answers: bool
    reason: str | None = None


class Service(Closed):
    """One container, or the anima unit of one Pi."""

    name: str
    host: str
    state: str
    """docker's or systemd's word; 'absent' when there is none, 'unreachable' when unknown."""
    health: str | None = None
    image: str | None = None
    up_seconds: Seconds | None = None

    @property
    def is_well(self) -> bool:
        """Whether it runs, and calls itself healthy if it has a way to."""
        return self.state in {"running", "active"} and self.health in {None, "healthy"}


class LastRow(Closed):
    """The newest row of a table that must never stop growing."""

    table: str
    host: str
    answers: bool
    at: Instant | None = None
    age_seconds: Seconds | None = None


class Outbox(Closed):
    """Check-ins that wait on a Pi for governance."""

    host: str
    depth: Waiting | None = None
    rejected: Waiting | None = None
    """Governance will never take them; they are kept."""
    missing: Waiting | None = None
    """The outbox had no room for them, and governance was not told yet."""
    stripped: Waiting | None = None
    """Likewise, and they lost their detail only."""


class Creature(Closed):
    """What the creature on a Pi last said of itself."""

    host: str
    condition: Condition | None = None


Count = Annotated[int, Quantity("1", "counted there just now", low=0)]


class Shard(Closed):
    """One database with agents of soulfra's; home is the first of them."""

    name: str
    answers: bool
    reason: str | None = None
    version: str | None = None
    """The newest migration of its line."""
    slots: Count | None = None
    """That it takes."""
    agents: Count | None = None
    """Whose slot it takes."""
    behind: dict[str, Count] | None = None
    """Events that each follower of its log has not taken yet."""


class Address(Closed):
    """Where a person finds something."""

    what: str
    where: str


class Status(Closed):
    """Everything that was asked at one moment."""

    asked_at: Instant
    lab: str | None
    hosts: tuple[Host, ...]
    services: tuple[Service, ...]
    last_rows: tuple[LastRow, ...]
    shards: tuple[Shard, ...]
    """Empty where home has all agents."""
    outboxes: tuple[Outbox, ...]
    creatures: tuple[Creature, ...]
    addresses: tuple[Address, ...]

    @property
    def is_whole(self) -> bool:
        """Whether everything answered and every service is well."""
        return (
            all(host.answers for host in self.hosts)
            and all(service.is_well for service in self.services)
            and all(row.answers for row in self.last_rows)
            and all(shard.answers for shard in self.shards)
        )


def age(at: datetime | None, now: datetime) -> float | None:
    """Seconds since an instant; a clock that runs ahead gives 0."""
    return None if at is None else max(0.0, (now - at).total_seconds())
