"""The socket of the local door hears one device only."""

import socket
import sys

import pytest

from apps.bridge import door as room
from apps.bridge.door import device_of, door
from schemas.errors import Refused

linux = pytest.mark.skipif(sys.platform != "linux", reason="SO_BINDTODEVICE is Linux's")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1"])
def test_the_loopback_is_lo(address):
    """Every address of it."""
    assert device_of(address) == "lo"


@linux
def test_the_device_is_the_one_that_carries_the_address():
    """Asked of the kernel, for each device there is; the loopback device has its own address."""
    carried = {name: room._address_of(name) for _, name in socket.if_nameindex()}
    others = {name: address for name, address in carried.items() if address and name != "lo"}

    assert carried["lo"] == "127.0.0.1"
    assert {name: device_of(address) for name, address in others.items()} == {
        name: name for name in others
    }


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "2001:db8::1"])  # noqa: S104
def test_an_address_of_nobody_is_refused(address):
    """Also the one that means all of them: that door would be open to every network."""
    with pytest.raises(Refused, match=f"no device has the address {address}"):
        device_of(address)


@linux
def test_the_local_door_is_bound_to_its_device():
    """And the other is not."""
    option = socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16
    with door("127.0.0.1", 0, is_local=True) as local, door("127.0.0.1", 0) as lan:
        assert local.getsockopt(*option).rstrip(b"\0") == b"lo"
        assert lan.getsockopt(*option).rstrip(b"\0") == b""


@linux
def test_a_kernel_that_refuses_is_said(monkeypatch):
    """There is no open door instead."""
    monkeypatch.setattr(room, "device_of", lambda address: "no-such-device")

    with (
        pytest.raises(Refused, match="cannot listen on no-such-device alone"),
        door("127.0.0.1", 0, is_local=True),
    ):
        pass
