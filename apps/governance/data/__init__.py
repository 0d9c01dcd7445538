"""The data API of governance: ``get_db()``, and on what it gives the calls of ``Database``.

``DB_POSTGRES_URL`` says where Postgres is and must be set; ``DB_POSTGRES_MIN_CONN`` (2),
``DB_POSTGRES_MAX_CONN`` (10) and ``DB_AGE_GRAPH`` need not.
"""

import atexit
import os
from threading import Lock

from apps.governance.data.database import Database
from apps.governance.settings import data_settings

_lock = Lock()
_here: list[Database] = []
"""The one of this process, if there is one."""
_of_parents: list[Database] = []
"""Of the process that forked this one. Let go of, they would speak on the parent's connections."""


def get_db() -> Database:
    """The database of this process, for any thread and any loop; nothing is connected yet."""
    with _lock:
        if not _here:
            _here.append(Database(data_settings(os.environ)))
        return _here[0]


async def init_db() -> None:
    """Connect now rather than at the first call; a database that is not as declared is refused."""
    await get_db().open()


async def close_db() -> None:
    """End what began and let go of the connections; ``get_db`` gives a new one afterwards."""
    with _lock:
        gone = _here[:]
        _here.clear()
    for one in gone:
        await one.close()


def _forked() -> None:
    global _lock  # noqa: PLW0603  another thread of the parent may hold the old one for ever
    _lock = Lock()
    _of_parents.extend(_here)
    _here.clear()


def _at_exit() -> None:
    for one in _here:
        one.end()


os.register_at_fork(after_in_child=_forked)
atexit.register(_at_exit)

__all__ = ["Database", "close_db", "get_db", "init_db"]
