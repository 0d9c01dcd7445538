"""python -m apps.soulfra.shards NAME [PLACE]: have home, at DB_POSTGRES_URL, take in a shard.

Without a place home is to know nothing more of it; refused while it has slots.
"""

import os
import sys

import psycopg

from apps.soulfra.shards.copy import Connection
from apps.soulfra.shards.move import Mover
from apps.soulfra.shards.place import url
from schemas.errors import HouseError, Unreachable


def main(argv: list[str]) -> int:
    """Exit 0 when home knows it, or no more."""
    name, *place = argv
    home = os.environ["DB_POSTGRES_URL"]

    def connected(at: str) -> Connection:
        return psycopg.connect(at, autocommit=True, options="-c timezone=UTC")

    try:
        with connected(home) as conn:
            mover = Mover(conn, lambda _, at: connected(url(home, at)))
            if place:
                mover.join(name, *place)
            else:
                mover.forget(name)
    except psycopg.Error as error:
        said = str(error).strip().partition("\n")[0]
        sys.stderr.write(f"{Unreachable(f'shard {name}: {said}')}\n")
        return Unreachable.exit_code
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
