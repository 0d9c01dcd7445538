"""What agents remember, from the operator's machine: over HTTP, as the client ``operator``.

The process alone has the files open, and the keys that open them.
"""

import json
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from apps.hosts import in_force
from apps.ops.migrate import tunnel
from schemas.errors import Diverged, Refused, Unreachable

AT: Final = "/soulfra/v1"
TOKEN: Final = "soulfra_operator"  # noqa: S105  # the name of the file in the vault
SECONDS: Final = 120.0
"""A full file is compressed in less."""


def asked(root: Path, what: str, agent_id: str, told: dict[str, Any] | None = None) -> Any:
    """What is there, or what became of what is told."""
    hosts, state = in_force(root)
    token = (state / "secrets" / TOKEN).read_text().strip()
    with ExitStack() as stack:
        port = hosts.mac.soulfra_port
        if hosts.mac.ssh is not None:
            port = stack.enter_context(tunnel(hosts.mac.ssh, port))
        conn = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        stack.callback(conn.close)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        method, body = ("GET", None) if told is None else ("POST", json.dumps(told))
        try:
            conn.request(method, f"{AT}/{what}/{quote(agent_id, safe='')}", body, headers)
            answer = conn.getresponse()
            said = json.loads(answer.read())
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(f"soulfra: {type(error).__name__}", "abode status") from None
    if answer.status == 200:
        return said
    kind = {500: Diverged, 503: Unreachable}.get(answer.status, Refused)
    raise kind(said["error"], said.get("hint"))
