"""Two groups of hosts, mac and pi: the lab's stand-ins, or the machines that hosts.toml names."""

import sys as _sys

from apps.ops.lock import hold as _hold
from schemas.errors import HouseError as _HouseError
from services.connection import data as _data
from services.house import house as _house
from services.told import told as _told

try:
    _hosts = _house().hosts
    for _board in _hosts.pi:
        _told(_board)
    _hold(_house().state, "pyinfra inventory.py deploy.py")
except _HouseError as _error:
    print(_error, file=_sys.stderr)  # noqa: T201  # pyinfra would print a traceback
    _sys.exit(_error.exit_code)

mac = [_data(_hosts.mac)]
pi = [_data(board) for board in _hosts.pi]
