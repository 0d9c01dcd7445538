"""How to get from a place of the map, which names no user and no secret, to a database."""

from urllib.parse import urlsplit

from apps.postgres import PostgresSettings


def shard(home: PostgresSettings, place: str) -> PostgresSettings:
    """As the same role with the same password as at home."""
    return home.model_copy(update={"url": url(home.url, place)})


def url(home: str, place: str) -> str:
    """``place`` for whoever is at ``home``."""
    who = urlsplit(home).netloc.rpartition("@")[0]
    return f"postgresql://{who}@{place}"
