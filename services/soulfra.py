"""The second tenant: its database on the same server, made by its own line."""

from services.house import House
from services.migrations import postgres_line
from services.proof import postgres_proof


def soulfra(house: House, tag: str) -> None:
    """The database ``soulfra``, migrated and proven; ``tag`` is an image that has the line."""
    postgres_line(house, tag, "soulfra")
    postgres_proof(house, tag, "soulfra")
