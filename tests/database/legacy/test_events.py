"""Events and calls of tools: rows of old tables, and lines as their writer wrote them."""

import json
import re
from datetime import UTC, datetime

from apps.legacy.verify.verify import verify
from tests.legacy.nasty import TEXTS

AT = "2025-11-28T04:10:24.346843"
IN_DENVER = datetime(2025, 11, 28, 11, 10, 24, 346843, tzinfo=UTC)
LINE = {"timestamp": AT, "agent_id": "lumen", "event_type": "auto_attest", "confidence": 0.0,
        "details": {"risk_score": 0.0, "reason": ""}, "metadata": None}  # fmt: skip
ROW = {"timestamp": AT, "agent_id": "lumen", "event_type": "auto_attest", "confidence": 0.0,
       "details_json": '{"risk_score": 0.0, "reason": ""}'}  # fmt: skip
CALL = {"timestamp": AT, "tool_name": "health_check", "agent_id": None, "success": True,
        "error_type": None}  # fmt: skip
UUID = "3d81d853-0000-4000-8000-000000000001"


def after(seconds):
    """An instant so much later, as it was written."""
    return f"2025-11-28T05:{seconds // 60:02}:{seconds % 60:02}.000001"


def test_a_line_is_kept_as_it_is_said(house, lines):
    """Whether it is cut or parsed; nothing is lost of what has no column."""
    told = [
        LINE | {"timestamp": after(number), "details": {"text": text, "none": None},
                "metadata": {"n": number}, "session_id": text}
        for number, text in enumerate(TEXTS)
    ]  # fmt: skip
    said = house.bring(lines("audit_log.jsonl", *told))
    found = house.ask("SELECT payload FROM audit.events ORDER BY recorded_at")

    assert said.is_whole
    assert [row for (row,) in found] == [
        each["details"] | {"beside": {"confidence": 0.0, "metadata": {"n": number},
                                      "session_id": TEXTS[number]}}
        for number, each in enumerate(told)
    ]  # fmt: skip


def test_a_line_that_another_writer_wrote_is_the_same_row(house, lines):
    """Compact, in another order, with keys of its own, or with a key like ours."""
    odd = {"beside": 1, "metadata": {"x": {}, "metadata": 2}}
    told = [
        json.dumps(LINE, separators=(",", ":")),
        json.dumps(dict(reversed((LINE | {"timestamp": after(1)}).items()))),
        LINE | {"timestamp": after(2), "extra": [1], "details": {"a": {}, "metadata": {}}},
        LINE | {"timestamp": after(3), "details": {"in": odd}, "metadata": odd["metadata"]},
        LINE | {"timestamp": after(4), "details": odd},
    ]
    house.bring(lines("audit_log.jsonl", *told))
    plain = LINE["details"] | {"beside": {"confidence": 0.0}}

    assert house.ask("SELECT payload FROM audit.events ORDER BY recorded_at") == [
        (plain,), (plain,),
        ({"a": {}, "metadata": {}, "beside": {"confidence": 0.0, "extra": [1]}},),
        ({"in": odd, "beside": {"confidence": 0.0, "metadata": odd["metadata"]}},),
    ]  # fmt: skip
    assert house.reasons("lines") == {"5": "details: has a key beside of its own"}


def test_what_is_no_line_is_named_by_its_number(house, lines):
    """The others of its block come; a torn end is named until its writer ends it."""
    torn = json.dumps(LINE | {"timestamp": after(1)})
    bad = [
        "{", "[]", "", '{"timestamp": 1}', LINE | {"timestamp": "yesterday"},
        LINE | {"details": {"nul": "\0"}}, LINE | {"details": {"nan": float("nan")}}, torn[:-9],
    ]  # fmt: skip
    folder = lines("audit_log.jsonl", LINE, *bad)
    path = folder / "audit_log.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    said = house.bring(folder)

    assert not said.is_whole
    assert house.one("SELECT count(*) FROM audit.events") == 1
    assert house.reasons("lines") == {
        "2": "is no JSON object",
        "3": "is no JSON object",
        "5": "lacks agent_id, confidence, details, event_type",
        "6": "Invalid isoformat string: 'yesterday'",
        "7": "what it says is no JSON that Postgres can hold",
        "8": "what it says is no JSON that Postgres can hold",
        "9": "is no JSON object",
    }
    with path.open("ab") as file:
        file.write(torn[-9:].encode() + b"\n")
    house.bring(folder)
    assert house.one("SELECT count(*) FROM audit.events") == 2
    assert "9" not in house.reasons("lines")


def test_lines_that_come_later_are_read_from_there(house, lines):
    """And another file of that name from its beginning; what is there is not taken again."""
    folder = lines("audit_log.jsonl", LINE)
    house.bring(folder)
    with (folder / "audit_log.jsonl").open("a") as file:
        file.write(json.dumps(LINE | {"timestamp": after(1)}) + "\n")
    later = house.bring(folder).parts[0]
    lines("audit_log.jsonl", LINE | {"timestamp": after(2)}, LINE)
    other = house.bring(folder).parts[0]

    assert (later.read, later.taken) == (2, 2)
    assert (other.read, other.taken) == (2, 1)
    assert house.one("SELECT count(*) FROM audit.events") == 3


def test_a_line_and_a_row_that_tell_of_one_event_are_one(house, lines, old):
    """As are a line that is there twice, and a row that comes when its month is in its place."""
    folder = old("A", audit_events=[ROW | {"raw_hash": "ab" * 32}])
    lines("audit_log.jsonl", LINE, LINE, LINE | {"confidence": 0.5})
    said = house.bring(folder)
    old("A", "again.db", audit_events=[ROW, ROW | {"event_type": "other"}])
    house.bring(folder)
    found = house.ask("SELECT event_type, payload->'beside' FROM audit.events ORDER BY 1, 2")

    assert said.repeated == 2
    assert [row for row in found if "raw_hash" in row[1]] == [
        ("auto_attest", {"id": 1, "confidence": 0.0, "raw_hash": "ab" * 32})
    ]
    assert [row[1]["confidence"] for row in found] == [0.5, 0.0, 0.0]


def test_an_event_with_metadata_is_one_in_a_table_and_in_the_log(house, lines, old):
    """The table has it as a text, the log as an object; a text that is no JSON stays one."""
    more = {"n": 0.0, "text": 'it\'s \\ "so"', "none": None, "in": {"a": []}}
    odd = {"metadata_json": "{not json", "timestamp": after(1)}
    folder = old("A", audit_events=[ROW | {"metadata_json": json.dumps(more), "raw_hash": "ab"},
                                    ROW | odd, ROW | odd | {"metadata_json": "null"}])  # fmt: skip
    lines("audit_log.jsonl", LINE | {"metadata": more}, LINE | {"metadata": {}})
    said = house.bring(folder)
    old("A", "again.db", audit_events=[ROW | {"metadata_json": "{}"}])
    house.bring(folder)
    found = house.ask(
        "SELECT payload->'beside' FROM audit.events"
        " ORDER BY recorded_at, payload->'beside'->>'raw_hash', payload->'beside'->>'id'"
    )

    assert said.repeated == 1
    assert [row for (row,) in found] == [
        {"confidence": 0.0, "id": 1, "metadata": more, "raw_hash": "ab"},
        {"confidence": 0.0, "metadata": {}},
        {"confidence": 0.0, "id": 2, "metadata_json": "{not json"},
        {"confidence": 0.0, "id": 3, "metadata_json": "null"},
    ]
    assert verify(house.database.owner, folder).differences == []


def test_an_id_stays_when_it_is_one(house, old):
    """Any other is made from what the row says, always the same, and the old one is kept beside."""
    usage = {"timestamp": AT, "tool_name": "t", "latency_ms": 0, "success": 1}
    folder = old("B", tool_usage=[usage | {"usage_id": UUID},
                                  usage | {"usage_id": "usage_7", "payload_json": '{"a": 0.0}'},
                                  usage | {"tool_name": "none"}])  # fmt: skip
    house.bring(folder)
    found = house.ask(
        "SELECT usage_id::text, latency_ms, payload FROM audit.tool_usage"
        " ORDER BY tool_name DESC, length(payload::text)"
    )

    assert found[0][0] == UUID
    assert found[0][1:] == (0.0, {})
    assert found[1][2] == {"a": 0.0, "beside": {"usage_id": "usage_7"}}
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", row[0]) for row in found)
    assert found[1][0][14] == "5"


def test_a_call_in_a_table_and_in_a_file_is_one(house, old, lines):
    """As the table has it, which knows its old id."""
    row = {"timestamp": AT, "usage_id": "usage_7", "tool_name": "health_check", "success": 1}
    old("B", tool_usage=[row])
    said = house.bring(lines("tool_usage.jsonl", CALL))

    assert said.repeated == 1
    assert house.ask("SELECT payload FROM audit.tool_usage") == [
        ({"beside": {"usage_id": "usage_7"}},)
    ]


def test_two_rows_under_one_id_are_not_one(house, old):
    """The second gets an id of its own; when the month is in its place already it is named."""
    call = {"timestamp": AT, "usage_id": UUID, "tool_name": "one"}
    folder = old("B", tool_usage=[call, call | {"tool_name": "two"}])
    house.bring(folder)
    old("B", "again.db", tool_usage=[call, call | {"tool_name": "two"}, call | {"tool_name": "so"}])
    house.bring(folder)
    found = house.ask("SELECT tool_name, usage_id::text, payload FROM audit.tool_usage ORDER BY 1")

    assert [row[0] for row in found] == ["one", "two"]
    assert sorted(row[1] == UUID for row in found) == [False, True]
    assert sorted(row[2] == {"beside": {"usage_id": UUID}} for row in found) == [False, True]
    assert house.reasons("tool_usage") == {"3": "usage_id: another call has it at that time"}


def test_a_call_that_contradicts_itself_is_not_bent(house, lines):
    """It fails if and only if it names its error."""
    folder = lines("tool_usage.jsonl", CALL, CALL | {"success": False},
                   CALL | {"success": False, "error_type": "TimeoutError"},
                   CALL | {"error_type": ""})  # fmt: skip
    house.bring(folder)

    assert house.ask("SELECT success, error_type FROM audit.tool_usage ORDER BY 1") == [
        (False, "TimeoutError"), (True, None)
    ]  # fmt: skip
    assert set(house.reasons("lines")) == {"2", "4"}


def test_months_of_the_past_are_made(house, lines):
    """And stand as the house's own do, with its indexes; nothing lies in the default partition."""
    folder = lines("audit_log.jsonl", LINE, LINE | {"timestamp": "1999-01-01T00:00:00"},
                   LINE | {"timestamp": "2025-11-30T20:00:00"})  # fmt: skip
    house.bring(folder)

    assert house.ask("SELECT tableoid::regclass::text FROM audit.events ORDER BY recorded_at") == [
        ("audit.events_1999_01",), ("audit.events_2025_11",), ("audit.events_2025_12",)
    ]  # fmt: skip
    assert (
        house.one(
            "SELECT count(*) FROM pg_inherits AS i JOIN pg_index AS x ON x.indexrelid = i.inhrelid"
            " WHERE x.indrelid = 'audit.events_1999_01'::regclass"
        )
        == 3
    )
    assert house.ask("SELECT strays FROM audit.partition_state()") == [(0,)] * 3
    assert house.one("SELECT count(*) FROM pg_class WHERE relnamespace = 'legacy'::regnamespace"
                     " AND relkind = 'r' AND relname ~ '[0-9]$'") == 0  # fmt: skip
