"""What a crash kept from the raw trail is there after the next start."""

import json
import signal

SAID = {"anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}}


def send(governance, *seqs: int) -> None:
    """Check-ins that are acknowledged."""
    for seq in seqs:
        body = json.dumps({**SAID, "agent": "lumen", "boot_id": "boot-0001", "seq": seq})
        assert governance.ask("POST", "/v1/checkins", body)[0] == 200


def trail(governance) -> list[dict]:
    """The raw lines."""
    text = (governance.folder / "audit_log.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_lost_lines_come_back_once(start, eventually):
    """Lines cut off and one torn: each event is a line again, and no line is there twice."""
    first = start().ready()
    send(first, *range(1, 6))
    first.end()
    path = first.folder / "audit_log.jsonl"
    whole = trail(first)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:40])

    second = start().ready()
    assert trail(second) == whole
    assert (second.folder / "audit_log.torn").read_bytes() == lines[3][:40] + b"\n"
    send(second, 6)
    _, log = second.end(signal.SIGTERM)

    assert "3 lines appended from audit.events" in log
    assert [x["payload"].get("seq") for x in trail(second)] == [None, 1, 2, 3, 4, 5, 6]


def test_a_rotated_trail_stays_empty(start):
    """A new file is not filled with what the old one has."""
    first = start().ready()
    send(first, 1)
    first.end()
    path = first.folder / "audit_log.jsonl"
    path.rename(first.folder / "audit_log.old.jsonl")

    second = start().ready()
    send(second, 2)
    second.end()

    assert [x["payload"]["seq"] for x in trail(second)] == [2]
