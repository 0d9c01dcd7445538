"""A container's own process: its log, its signals, and how it ends."""

import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from schemas.errors import HouseError


def run(name: str, serve: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Exit 0 after a drain, else the error's own code and one clear line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    # As a container's first process we would be deaf to SIGTERM until the doors are open.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        uvloop.run(serve())
    except HouseError as error:
        logging.getLogger(name).critical("%s", error)
        return error.exit_code
    return 0
