"""Every Redis key of governance. Nothing else builds one."""

from typing import Final

SESSION_LIFETIME_SECONDS: Final = 86_400
SESSION_PATTERN: Final = "session:*"
"""What the ACL of the user may touch."""


def session(session_id: str) -> str:
    """The agent that a session belongs to; lives ``SESSION_LIFETIME_SECONDS``."""
    return f"session:{session_id}"
