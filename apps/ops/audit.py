"""The trails of governance, asked in its own container: there are the files, and the index."""

import json
from pathlib import Path
from typing import Any

from apps.hosts import container, in_force
from apps.ops.reach import on_mac
from schemas.errors import Unreachable

SECONDS = 3_600.0
"""A trail of years is long."""


def run(root: Path, *words: str) -> Any:
    """What ``python -m apps.governance.trail`` says there, whether or not the trail is whole."""
    hosts, state = in_force(root)
    name = container(hosts, "governance")
    command = ["docker", "exec", name, "python", "-m", "apps.governance.trail", *words]
    answer = on_mac(hosts, command, state=state, seconds=SECONDS)
    try:
        return json.loads(answer.said)
    except ValueError:
        raise Unreachable(f"{name}: {answer.reason or 'said nothing'}", "abode status") from None
