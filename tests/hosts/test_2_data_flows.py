"""What the Pi draws becomes rows on both sides, with the same numbers."""

import json
import shlex
import urllib.error
import urllib.request
from datetime import datetime, timedelta

import pytest

from apps.anima.clock import STEP
from schemas import ports
from schemas.eisv import DrawingEisv

LATEST = """
SELECT json_build_object('recorded_at', recorded_at, 'drawing', state_json->'drawing_eisv')
  FROM core.agent_state ORDER BY state_id DESC LIMIT 1
"""
COLUMNS = "E, I, S, V, C, marks, phase, era, energy, curiosity, engagement, fatigue, arc_phase"


def test_the_drawing_history_grows(standing, eventually):
    """anima.db on the Pi gains rows while one looks."""
    before = int(standing.anima("SELECT count(*) FROM drawing_history"))

    assert eventually(lambda: int(standing.anima("SELECT count(*) FROM drawing_history")) > before)


def test_check_ins_become_rows(standing, eventually):
    """A check-in later than now arrives within 70 s: one is due each minute."""
    before = int(standing.sql("SELECT count(*) FROM core.agent_state"))

    assert eventually(
        lambda: int(standing.sql("SELECT count(*) FROM core.agent_state")) > before, seconds=70
    )


def test_the_mac_holds_the_step_that_the_pi_recorded(standing, eventually):
    """The drawing EISV in governance is a row of drawing_history, to the last digit.

    It may be dated a little later than the check-in: governance dates none after its arrival, and
    the Pi's clock may be ahead of the Mac's by what it does not correct.
    """
    latest = json.loads(eventually(lambda: standing.sql(LATEST), seconds=70))
    drawing = latest["drawing"]
    by = datetime.fromisoformat(latest["recorded_at"]) + timedelta(microseconds=STEP)
    found = _every_digit(
        standing,
        f"SELECT {COLUMNS} FROM drawing_history WHERE marks = {drawing['marks']} "
        f"AND timestamp <= '{by.isoformat()}' ORDER BY id DESC LIMIT 1",
    )

    columns = COLUMNS.split(", ")
    assert dict(zip(columns, found, strict=True)) == {k: drawing[k] for k in columns}
    assert DrawingEisv.model_validate(drawing)


def _every_digit(standing, query):
    """One row of anima.db; the sqlite3 command would round to 15 digits."""
    script = (
        "import json, os, sqlite3; "
        "path = os.path.expanduser('~/.anima/anima.db'); "
        "base = sqlite3.connect(f'file:{path}?mode=ro', uri=True); "
        f"print(json.dumps(base.execute({query!r}).fetchone()))"
    )
    user = standing.hosts.pi[0].user
    return json.loads(standing.ssh(f"python3 -c {shlex.quote(script)}", user=user))


def test_every_check_in_leaves_its_audit_line(standing, eventually):
    """The raw trail and the queryable one hold the same events."""
    governance = standing.called("governance")
    log = ("exec", governance, "cat", ports.AUDIT_LOG)
    proof = ("exec", governance, "python", "-m", "apps.governance.trail", "verify")

    def same():
        lines = [json.loads(line) for line in standing.docker(*log).splitlines()]
        ids = set(standing.sql("SELECT event_id FROM audit.events").split())
        return lines and {line["event_id"] for line in lines} <= ids

    assert eventually(same, seconds=10)
    assert [trail["findings"] for trail in json.loads(standing.docker(*proof))] == [[], []]


def test_health_tells_the_truth(standing, loopback):
    """The seed's health command answers, and every check behind it ran."""
    port = standing.hosts.mac.governance_port
    with urllib.request.urlopen(f"http://localhost:{port}/health", timeout=5) as answer:
        said = json.load(answer)

    assert said["status"] == "healthy", said["first_action"]
    assert {"postgres", "graph", "redis", "audit_log", "partitions"} <= set(said["checks"])


def test_the_seeds_questions_are_answered(standing):
    """The operator's commands of the seeds work as written there."""
    assert int(standing.sql("SELECT COUNT(*) FROM core.agents;")) >= 1
    assert standing.sql("SELECT version, name, applied_at FROM core.schema_migrations;")
    assert int(standing.sql("SELECT MAX(version) FROM core.schema_migrations;")) >= 2


def test_soulfra_answers_who_has_its_token(standing):
    """Healthy without one, closed without one; what is asked for with one is not there."""
    if standing.hosts.mac.ssh is not None:
        pytest.skip("published on the Mac's loopback; log in there and run make check")
    url = f"http://127.0.0.1:{standing.hosts.mac.soulfra_port}"
    token = (standing.state / "secrets" / "soulfra_operator").read_text().strip()

    def status(path, **headers):
        try:
            asked = urllib.request.Request(url + path, headers=headers)
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert status("/health") == 200
    assert status("/soulfra/v1/loops/nothing") == 401
    assert status("/soulfra/v1/loops/nothing", Authorization=f"Bearer {token}") == 404
