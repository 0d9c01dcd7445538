"""Two groups of hosts, mac and pi: the lab's stand-ins, or the machines that hosts.toml names."""

from apps.ops.lock import hold as _hold
from services.connection import data as _data
from services.house import house as _house

_hosts = _house().hosts
_hold(_house().state, "pyinfra inventory.py deploy.py")

mac = [_data(_hosts.mac)]
pi = [_data(board) for board in _hosts.pi]
