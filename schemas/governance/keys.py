"""Every Redis key of governance. Nothing else builds one."""

from typing import Final

from schemas.governance.limits import PER_AGENT
from schemas.key import Key

SESSION_LIFETIME_SECONDS: Final = 86_400
DESCRIPTION_LIFETIME_SECONDS: Final = 300
LOCK_LIFETIME_SECONDS: Final = 3_600
"""At most; each lock is taken for as long as its work may last."""
FENCE_LIFETIME_SECONDS: Final = 30 * 86_400

SESSION: Final = Key(
    pattern="session:{session_id}",
    says="The agent_id that a session belongs to; core.sessions has the truth.",
    kind="string",
    lifetime_seconds=SESSION_LIFETIME_SECONDS,
    owner="mac",
    sensitivity="secret",
)
DESCRIPTION: Final = Key(
    pattern="agent_meta:{agent_id}",
    says="What an agent says of itself, as JSON; empty while it is being changed.",
    kind="string",
    lifetime_seconds=DESCRIPTION_LIFETIME_SECONDS,
    owner="mac",
    sensitivity="personal",
)
CALLS: Final = Key(
    pattern="rate_limit:{agent_id}",
    says="When an agent called, in ms since 1970, the newest last: as many as its rates count.",
    kind="list",
    lifetime_seconds=max(rate.seconds for rate in PER_AGENT),
    owner="mac",
)
LOCK: Final = Key(
    pattern="lock:{name}",
    says="Who does what only one process should do at a time. Postgres does not rely on it.",
    kind="string",
    lifetime_seconds=LOCK_LIFETIME_SECONDS,
    owner="mac",
    begins_whole=False,
)
FENCE: Final = Key(
    pattern="fence:{name}",
    says="The number of the last who had the lock; the next has a higher one.",
    kind="string",
    lifetime_seconds=FENCE_LIFETIME_SECONDS,
    owner="mac",
)

PROBE: Final = Key(
    pattern="probe:{process}",
    says="What /health of one process wrote last, to read it back.",
    kind="string",
    lifetime_seconds=60,
    owner="mac",
)

_SESSION: Final = SESSION.of(session_id="")
"""Each look-up of a session makes one key: format() would be a tenth of our own work for it."""

KEYS: Final = (SESSION, PROBE, DESCRIPTION, CALLS, LOCK, FENCE)
"""What the ACL of the user may touch, and nothing else."""


def session(session_id: str) -> str:
    """The agent that a session belongs to; lives ``SESSION_LIFETIME_SECONDS``."""
    return _SESSION + session_id


def probe(process: str) -> str:
    """What /health of one process writes; lives ``PROBE.lifetime_seconds``."""
    return PROBE.of(process=process)


def description(agent_id: str) -> str:
    """What an agent says of itself; lives ``DESCRIPTION_LIFETIME_SECONDS``."""
    return DESCRIPTION.of(agent_id=agent_id)


def calls(agent_id: str) -> str:
    """When an agent called; lives as long as the longest of its rates."""
    return CALLS.of(agent_id=agent_id)


def lock(name: str) -> str:
    """Who has a lock; lives ``LOCK_LIFETIME_SECONDS`` at most."""
    return LOCK.of(name=name)


def fence(name: str) -> str:
    """The number of a lock's last holder; lives ``FENCE_LIFETIME_SECONDS``."""
    return FENCE.of(name=name)
