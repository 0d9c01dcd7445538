"""A mover in a process of its own, to be killed: HOME_URL FIRST LAST TARGET GROUP."""

import sys

import psycopg

from apps.soulfra.shards.move import Mover


def main() -> None:
    """Move, as owner everywhere."""
    url, first, last, target, group = sys.argv[1:]
    who = url.partition("@")[0]

    def connected(at: str) -> psycopg.Connection:
        return psycopg.connect(at, autocommit=True, options="-c timezone=UTC")

    with connected(url) as home:
        mover = Mover(home, lambda _, place: connected(f"{who}@{place}"))
        mover.move(int(first), int(last), target, int(group))


if __name__ == "__main__":
    main()
