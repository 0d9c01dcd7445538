"""A relay as a process of its own, to be killed: ``python -m tests.soulfra.relaying``."""

import asyncio
import os
from pathlib import Path

from apps.postgres import PostgresSettings, pool
from apps.redis_line import RedisSettings, connect
from apps.soulfra.relay import Relay


async def main():
    """Pass on until killed."""
    settings = PostgresSettings(url=os.environ["DB_POSTGRES_URL"], min_conn=1, max_conn=3)
    redis = RedisSettings(
        socket=Path(os.environ["REDIS_SOCKET"]),
        user=os.environ["REDIS_USER"],
        password_file=Path(os.environ["REDIS_PASSWORD_FILE"]),
    )
    async with pool(settings, "soulfra") as store:
        print("relaying", flush=True)  # noqa: T201  # whoever started it waits for it
        await Relay(store, connect(redis), int(os.environ["AT_ONCE"])).run()


if __name__ == "__main__":
    asyncio.run(main())
