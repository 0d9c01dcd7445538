"""Two thousand hostile requests, and governance is as it was: memory, rows, files, log."""

import sys
from itertools import cycle, islice
from pathlib import Path

import psutil
import pytest

COUNT = 2_000
WARM = 400
KILOBYTES = 12_000
"""What malloc may keep after the worst of them; one leaked body of 64 KiB each would be 130 MB."""


def _rss(governance) -> int:
    status = Path(f"/proc/{governance.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def _hostile(strangers):
    valid = strangers.VALID["/v1/checkins"]
    deep = "[" * 20_000
    return (
        ("/v1/checkins", valid.replace("0.4", "NaN", 1)),
        ("/v1/checkins", valid.replace("0.4", "9" * 40_000, 1)),
        ("/v1/checkins", valid.replace('"clarity"', '"charity"', 1)),
        ("/v1/checkins", valid.replace('"clarity"', '"warmth"', 1)),
        ("/v1/checkins", '{"' + "k" * 60_000 + '": 1}'),
        ("/v1/checkins", "{" + ",".join(f'"{n}": {n}' for n in range(5_000)) + "}"),
        ("/v1/checkins", deep),
        ("/v1/checkins", b"\xff" * 60_000),
        ("/v1/checkins", "x" * 70_000),
        ("/mcp", strangers.VALID["/mcp"].replace("0.4", "1e999", 1)),
        ("/mcp", '{"jsonrpc": "2.0", "id": "' + "i" * 60_000 + '", "method": "nope"}'),
        ("/mcp", '{"jsonrpc": "2.0", "id": 1, "method": "' + "m" * 60_000 + '"}'),
        ("/v1/tools/sync_state", '{"sensor_data": "' + "[" * 30_000 + '"}'),
        ("/v1/tools/" + "n" * 8_000, "{}"),
        ("/" + "p" * 8_000, "{}"),
        ("/v1/tools/identity", '{"agent_name": "' + "a" * 60_000 + '"}'),
    )


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_it_costs_nothing(governance, door, strangers):
    """And whoever asks properly afterwards is heard."""
    process = psutil.Process(governance.process.pid)
    stored = governance.rows(strangers.STORED)
    bodies = cycle(_hostile(strangers))

    def ask(count: int) -> None:
        for path, body in islice(bodies, count):
            status, said = door.post(path, body)
            assert status < 500
            assert strangers.verdict_of(path, status, said) is None

    ask(WARM)
    before, handles, threads = _rss(governance), process.num_fds(), process.num_threads()
    ask(COUNT)

    assert _rss(governance) - before < KILOBYTES
    assert abs(process.num_fds() - handles) <= 4
    assert abs(process.num_threads() - threads) <= 4
    assert governance.rows(strangers.STORED) == stored
    told = strangers.verdict_of("/mcp", *door.post("/mcp", strangers.VALID["/mcp"]))
    assert told["action"] == "proceed"
