"""How a program on this machine reaches governance's database: ``abode env`` shows it."""

import os
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from schemas.errors import Refused
from schemas.governance.server import APP, GOVERNANCE
from schemas.hosts import Hosts
from schemas.server import LOGINS

SECRETS: Final = {login.role: login.secret for login in LOGINS}


def lines(hosts: Hosts, state: Path) -> list[str]:
    """``export`` lines for a shell."""
    port = hosts.mac.postgres_port
    if hosts.mac.ssh is not None:
        raise Refused(
            f"{hosts.mac.name}: is not this machine", f"log in there, or tunnel its port {port}"
        )
    return [
        f"export DB_POSTGRES_URL='{url(state, APP, port)}'",
        f"export UNITARES_URL='http://localhost:{hosts.mac.governance_port}'",
    ]


def url(state: Path, role: str, port: int, database: str = GOVERNANCE.database) -> str:
    """Where a role finds a database behind a port of our loopback, over TLS.

    The password is in a file of mode 0600, never in the URL.
    """
    secrets = state / "secrets"
    try:
        password = (secrets / SECRETS[role]).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise Refused(f"{secrets}: no password yet", "make up, or abode deploy") from None
    passfile = state / f"pgpass-{role}"
    descriptor = os.open(passfile, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        # Also for the scratch database beside it, and for the shards.
        file.write(f"localhost:*:*:{role}:{password}\n")
    told = {"sslmode": "verify-full", "sslrootcert": secrets / "ca.crt", "passfile": passfile}
    return f"postgresql://{role}@localhost:{port}/{database}?{urlencode(told)}"
