"""Whose word holds while the Mac comes and goes, at the creature's real process."""

import json

PAUSED = "UPDATE core.identities SET status = 'archived' WHERE agent_id = 'lumen'"
SAID = "SELECT json_extract(metadata, '$.governance_action') AS said FROM identity"
MARKS = "SELECT count(*) AS steps, max(id) AS newest FROM drawing_history"


def test_alone_it_decides_itself_and_a_pause_outlives_a_kill(mac, creature, until):
    """Marked local with its cause; then governance's word; then held, over a power cut, alone."""

    def condition():
        try:
            return json.loads((creature.folder / "condition.json").read_text())
        except FileNotFoundError:
            return {}

    quick = {
        "RUNTIME_DIRECTORY": str(creature.folder),
        "ANIMA_DRAW_EVERY_SECONDS": "0.02",
        "ANIMA_CHECK_IN_EVERY_SECONDS": "1",
    }
    creature.wakes(**quick)
    alone = until(lambda: (told := condition()).get("decided_by") and told)
    assert alone["decided_by"] == "itself"
    assert "[governance unavailable: ConnectionRefusedError" in alone["reason"]

    governance = mac.comes()
    until(lambda: condition()["decided_by"] == "governance")
    assert condition()["may_draw"] is True
    governance.rows(f"{PAUSED} RETURNING 1")
    until(lambda: creature.rows(SAID)[0]["said"] == "pause")
    creature.is_killed()
    mac.goes()
    before = creature.rows(MARKS)
    (creature.folder / "condition.json").unlink()

    creature.wakes(**quick)
    held = until(condition)
    until(lambda: "check-in not delivered" in creature.log().rpartition("awake")[2])
    assert held["may_draw"] is False
    assert "may_draw=False" in creature.log().rpartition("awake")[2]
    assert creature.sleeps() == 0
    assert creature.rows(MARKS) == before
