"""Which slot an agent is in: for ever the same, whatever database it is asked of."""

from hashlib import sha256

from schemas.soulfra.words import SLOTS


def slot_of(agent_id: str) -> int:
    """The first 8 bytes of the SHA-256 of the id, modulo the number of slots.

    >>> slot_of("oracle")
    618
    """
    return int.from_bytes(sha256(agent_id.encode()).digest()[:8], "big") % SLOTS
