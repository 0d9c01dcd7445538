"""What a crash kept from the raw trail is there after the next start, each event once."""

import json
import signal

SAID = {"anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}}
ROWS = "SELECT event_id::text, event_type, payload FROM audit.events"


def send(governance, *seqs: int) -> None:
    """Check-ins that are acknowledged."""
    for seq in seqs:
        body = json.dumps({**SAID, "agent": "lumen", "boot_id": "boot-0001", "seq": seq})
        assert governance.ask("POST", "/v1/checkins", body)[0] == 200


def trail(governance) -> list[dict]:
    """The raw lines."""
    text = (governance.folder / "audit_log.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def seqs(lines: list[dict]) -> list[int]:
    """The check-ins that lines tell of."""
    return [line["payload"]["seq"] for line in lines if line["event_type"] == "check_in"]


def is_same(governance) -> bool:
    """Whether each line is a row, and each row a line."""
    lines = {x["event_id"]: (x["event_type"], x["payload"]) for x in trail(governance)}
    return lines == {event_id: (kind, said) for event_id, kind, said in governance.rows(ROWS)}


def test_what_was_committed_and_not_written_is_told_at_the_next_start(start):
    """A row of core.agent_state and a new identity without a line, as a kill leaves them."""
    first = start().ready()
    send(first, 1)
    first.end(signal.SIGKILL)
    first.rows("INSERT INTO core.identities (agent_id) VALUES ('ember') RETURNING 1")
    copy = first.rows(
        "INSERT INTO core.agent_state (identity_id, boot_id, seq, body_sha256, recorded_at,"
        " received_at, late, energy, integrity, entropy, void, coherence, regime, health, risk,"
        " action, margin, nearest_edge, reason, warmth, clarity, stability, presence, state_json)"
        " SELECT identity_id, boot_id, seq + n, body_sha256, recorded_at, received_at"
        " + n * interval '1 ms', late, energy, integrity, entropy, void, coherence, regime, health,"
        " risk, action, margin, nearest_edge, reason, warmth, clarity, stability, presence,"
        " state_json FROM core.agent_state, generate_series(1, 2500) AS n RETURNING state_id"
    )

    second = start().ready()
    told = trail(second)
    send(second, 9_000)
    _, log = second.end()

    assert seqs(told) == list(range(1, 2502))
    assert [x["agent_id"] for x in told if x["event_type"] == "identity_created"] == [
        "lumen", "ember",
    ]  # fmt: skip
    late = [x for x in told if x["payload"].get("told_late") is True]
    assert len(late) == 2501
    assert {x["payload"].get("state_id") for x in late} == {None, *(state for (state,) in copy)}
    assert "2501 lines that a crash kept from it" in log
    assert is_same(second)

    third = start().ready()
    assert seqs(trail(third)) == [*range(1, 2502), 9_000]


def test_a_torn_last_line_is_kept_aside_and_told_again(start):
    """Its bytes are beside the file; its event, which nobody saw acknowledged, is a line again."""
    first = start().ready()
    send(first, 1, 2)
    first.end()
    path = first.folder / "audit_log.jsonl"
    *whole, last = path.read_bytes().splitlines(keepends=True)
    gone, before = json.loads(last)["event_id"], json.loads(whole[-1])
    first.rows(
        "UPDATE audit.positions SET seq = seq - 1, state_id = state_id - 1,"
        f" hash = decode('{before['hash']}', 'hex'), read_bytes = {sum(map(len, whole))}"
        " WHERE trail = 'audit_log' RETURNING 1"
    )
    first.rows(f"DELETE FROM audit.events WHERE event_id = '{gone}' RETURNING 1")
    path.write_bytes(b"".join(whole) + last[:40])

    second = start().ready()

    assert (second.folder / "audit_log.torn").read_bytes() == last[:40] + b"\n"
    assert seqs(trail(second)) == [1, 2]
    assert path.read_bytes().startswith(b"".join(whole))
    second.end()
    assert is_same(second)


def test_lines_of_before_the_chain_stay_as_they_are(start):
    """In a file of their own; the chain begins with a new one, and check-ins are not told again."""
    first = start().ready()
    send(first, 1)
    first.end()
    path = first.folder / "audit_log.jsonl"
    old = [{k: v for k, v in x.items() if k not in {"seq", "prev", "hash"}} for x in trail(first)]
    path.write_text("".join(json.dumps(line) + "\n" for line in old))
    before = path.read_bytes()
    first.rows("DELETE FROM audit.positions RETURNING 1")

    second = start().ready()
    send(second, 2)
    second.end()

    assert (second.folder / "audit_log-before-chain.jsonl").read_bytes() == before
    assert [x["seq"] for x in trail(second)] == [1, 2]
    assert [x["event_type"] for x in trail(second)] == ["trail_opened", "check_in"]
    assert sorted(seqs([*old, *trail(second)])) == [1, 2]


def test_one_trail_has_one_writer(start):
    """A second process on the same volume is refused before it opens its doors."""
    start().ready()
    second = start()
    second.process.wait(15)

    code, log = second.end()
    assert code == 4
    assert "another process writes it" in log
