"""What the service manager wants to hear: ready, alive, stopping."""

import os
import socket


def notify(message: str) -> None:
    """Send one message over NOTIFY_SOCKET; without one nobody is listening."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.sendto(message.encode(), address)
