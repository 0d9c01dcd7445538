"""From a mark on the Pi's canvas to a row of core.agent_state on the Mac, number by number."""

import json

from apps.anima.checkin import SHARED
from apps.migrate.lines import line

STORED = """
SELECT s.boot_id, s.seq, s.state_json -> 'drawing_eisv', s.state_json -> 'pi',
       (s.state_json -> 'monotonic_seconds')::float8,
       s.warmth, s.clarity, s.stability, s.presence
  FROM core.agent_state s ORDER BY s.state_id
"""
HISTORY = "SELECT * FROM drawing_history ORDER BY id"
WANTED = 4
NUMBERS = {
    "E", "I", "S", "V", "C", "marks", "energy", "curiosity", "engagement", "fatigue",
    "gesture_entropy", "switching_rate", "intentionality",
}  # fmt: skip


def test_every_number_of_a_step_is_on_the_mac_as_it_is_in_the_pis_history(mac, creature, until):
    """To the last bit, of every check-in; steps go forward, and the canvas is where they led."""
    governance = mac.comes()
    creature.wakes(ANIMA_DRAW_EVERY_SECONDS="0.02", ANIMA_CHECK_IN_EVERY_SECONDS="1")
    until(lambda: sum(bool(row[2]) for row in governance.rows(STORED)) >= WANTED)
    assert creature.sleeps() == 0
    told = governance.rows(STORED)
    steps = {(row["marks"], row["E"]): row for row in creature.rows(HISTORY)}

    found = []
    for _, _, drawing, pi, uptime, *anima in told:
        assert pi["schema_version"] == len(line("anima").migrations())
        assert uptime > 0
        assert all(0 <= feeling <= 1 for feeling in anima)
        if drawing is not None:
            row = steps[drawing["marks"], drawing["E"]]
            assert drawing == {name: row[name] for name in SHARED if row[name] is not None}
            assert drawing.keys() >= NUMBERS
            found.append(row["id"])
    assert found == sorted(found)
    assert len(set(found)) > 1
    assert [seq for _, seq, *_ in told] == sorted({seq for _, seq, *_ in told})

    canvas = json.loads((creature.folder / "canvas.json").read_text())
    newest = max(steps.values(), key=lambda row: row["id"])
    on_it = canvas["piece"]["marks"]
    assert on_it < 10 or 0 <= on_it - newest["marks"] < 10
