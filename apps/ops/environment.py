"""``abode env``: what a program on this machine needs to reach governance's database."""

import os
from pathlib import Path
from urllib.parse import urlencode

from schemas.errors import Refused
from schemas.hosts import Hosts

ROLE = "governance"


def lines(hosts: Hosts, state: Path) -> list[str]:
    """``export`` lines for a shell. The password is in a file of mode 0600, never in a line."""
    if hosts.mac.ssh is not None:
        hint = f"log in there, or tunnel its port {_port(hosts)}"
        raise Refused(f"{hosts.mac.name}: is not this machine", hint)
    secrets = state / "secrets"
    try:
        password = (secrets / f"postgres_{ROLE}").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise Refused(f"{secrets}: no password yet", "make up, or abode deploy") from None
    passfile = state / "pgpass"
    descriptor = os.open(passfile, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"localhost:{_port(hosts)}:{ROLE}:{ROLE}:{password}\n")
    told = {"sslmode": "verify-full", "sslrootcert": secrets / "ca.crt", "passfile": passfile}
    url = f"postgresql://{ROLE}@localhost:{_port(hosts)}/{ROLE}?{urlencode(told)}"
    return [
        f"export DB_POSTGRES_URL='{url}'",
        f"export UNITARES_URL='http://localhost:{hosts.mac.governance_port}'",
    ]


def _port(hosts: Hosts) -> int:
    return hosts.mac.postgres_port
