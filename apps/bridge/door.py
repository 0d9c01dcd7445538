"""The sockets that listen. The local one hears only the network that carries its address."""

import fcntl
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from schemas.errors import Refused

SIOCGIFADDR = 0x8915
RECEIVE_BYTES = 131_072
"""What the kernel may hold of one connection that we do not read; it doubles this."""


@contextmanager
def door(host: str, port: int, *, is_local: bool = False) -> Iterator[socket.socket]:
    """A socket bound to host and port, and to that host's device if it is the local door."""
    try:
        found = socket.getaddrinfo(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
        family, address = found[0][0], found[0][4]
        with socket.socket(family) as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            if is_local:
                _only_from(made, str(address[0]))
            made.bind(address)
            yield made
    except OSError as error:
        raise Refused(f"{host}:{port}: {error.strerror}", "is another one up?") from None


def device_of(address: str) -> str:
    """The network device that carries an IPv4 address; ``lo`` for every loopback address."""
    if ip_address(address).is_loopback:
        return "lo"
    for _, name in socket.if_nameindex():
        if _address_of(name) == address:
            return name
    raise Refused(f"GOVERNANCE_LOCAL_HOST: no device has the address {address}")


def _only_from(made: socket.socket, address: str) -> None:
    """Linux answers for each of its addresses on every device; this door has no token to ask for.

    Elsewhere only the loopback will do, which nothing reaches from outside.
    """
    device = device_of(address)
    if sys.platform == "linux":
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
        except OSError as error:
            raise Refused(
                f"GOVERNANCE_LOCAL_HOST: {address}: cannot listen on {device} alone:"
                f" {error.strerror}",
                "it needs Linux 5.7 or later",
            ) from None
    elif device != "lo":
        raise Refused(f"GOVERNANCE_LOCAL_HOST: {address}: only Linux can keep this door local")


def _address_of(device: str) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            said = fcntl.ioctl(asking, SIOCGIFADDR, struct.pack("256s", device.encode()[:15]))
        except OSError:  # it has none
            return None
    return socket.inet_ntoa(said[20:24])
