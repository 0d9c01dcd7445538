"""Two groups of hosts, mac and pi: the lab's stand-ins, or the machines that hosts.toml names."""

from services.connection import data as _data
from services.house import house as _house

_hosts = _house().hosts

mac = [_data(_hosts.mac)]
pi = [_data(board) for board in _hosts.pi]
