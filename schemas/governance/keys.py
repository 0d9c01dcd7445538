"""Every Redis key of governance. Nothing else builds one."""

from typing import Final

from schemas.key import Key

SESSION_LIFETIME_SECONDS: Final = 86_400

SESSION: Final = Key(
    pattern="session:{session_id}",
    says="The agent_id that a session belongs to; core.sessions has the truth.",
    kind="string",
    lifetime_seconds=SESSION_LIFETIME_SECONDS,
    owner="mac",
    sensitivity="secret",
)

PROBE: Final = Key(
    pattern="probe:{process}",
    says="What /health of one process wrote last, to read it back.",
    kind="string",
    lifetime_seconds=60,
    owner="mac",
)

KEYS: Final = (SESSION, PROBE)
"""What the ACL of the user may touch, and nothing else."""


def session(session_id: str) -> str:
    """The agent that a session belongs to; lives ``SESSION_LIFETIME_SECONDS``."""
    return SESSION.of(session_id=session_id)


def probe(process: str) -> str:
    """What /health of one process writes; lives ``PROBE.lifetime_seconds``."""
    return PROBE.of(process=process)
