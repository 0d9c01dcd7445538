"""A volume without room: nothing is acknowledged, nothing is lost, and it goes on by itself."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

CALM = {"anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}}


def may_mount() -> bool:
    """Whether a namespace of our own may have a file system of its own."""
    tried = ["unshare", "-Urm", "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"]
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run(tried, capture_output=True, check=False).returncode
    )


def check_in(governance, seq: int) -> tuple[int, str]:
    """What a check-in is answered."""
    agent = f"agent-{seq // 20}"  # each may ask 60 times a minute
    body = json.dumps({**CALM, "agent": agent, "boot_id": "boot-0001", "seq": seq})
    status, _, text = governance.ask("POST", "/v1/checkins", body)
    return status, text


@pytest.mark.skipif(not may_mount(), reason="no file system of a size may be mounted here")
def test_a_full_volume_refuses_check_ins_until_there_is_room(start, tmp_path, monkeypatch):
    """503 with the reason; /health says it; with room again every committed row has its line."""
    volume = tmp_path / "volume"
    volume.mkdir()
    script = (
        f"mount -t tmpfs -o size=128k none {volume} && head -c 64k /dev/zero >{volume}/ballast"
        f" && exec {sys.executable} -m apps.governance"
    )
    run = ["unshare", "-Urm", "sh", "-c", script]
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda _, **kw: popen(run, **kw))
    made = start(GOVERNANCE_AUDIT_LOG=str(volume / "audit_log.jsonl")).ready()
    inside = f"/proc/{made.process.pid}/root{volume}"

    answers = []
    while len(answers) < 400 and (not answers or answers[-1][0] == 200):
        answers.append(check_in(made, len(answers)))
    last = len(answers) - 1
    answers.append(check_in(made, last + 1))
    health = json.loads(made.ask("GET", "/health")[2])
    Path(f"{inside}/ballast").unlink()
    until = time.monotonic() + 10
    while check_in(made, last)[0] != 200 and time.monotonic() < until:
        time.sleep(0.5)
    after = check_in(made, last + 1)[0]
    lines = [json.loads(x) for x in Path(f"{inside}/audit_log.jsonl").read_text().splitlines()]
    made.end()

    assert last > 20
    assert [status for status, _ in answers] == [200] * last + [503, 503]
    assert "No space left on device" in answers[last][1]
    assert "No space left on device" in answers[last + 1][1]
    assert health["status"] == "critical"
    assert "No space left" in health["checks"]["audit_log"]["detail"]
    assert after == 200
    assert [x["payload"]["seq"] for x in lines if x["event_type"] == "check_in"] == [
        *range(last + 2)
    ]
    assert [x["seq"] for x in lines] == list(range(1, len(lines) + 1))
    assert made.rows("SELECT count(*) FROM core.agent_state") == [(last + 2,)]
