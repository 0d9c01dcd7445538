"""Disputes, out of old tables or one file each, by the house's own reading of such files.

What no column says is kept in ``imported_json``, so that the file can be given back as it was.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from apps.governance.dialectic import transcript
from apps.legacy import keyset
from apps.legacy.bring import table_of
from apps.legacy.discoveries import SQL as KNOWN
from apps.legacy.ledger import Rejects
from apps.legacy.source import opened
from apps.legacy.stage import named, text
from apps.legacy.work import Work
from apps.queries import load
from schemas.errors import Refused

SQL: Final = load(Path(__file__).with_name("disputes.sql"))
OBJECTS: Final = {
    "paused_agent_state_json": "paused_agent_state", "resolution_json": "resolution",
    "proposed_conditions_json": "proposed_conditions",
    "observed_metrics_json": "observed_metrics", "concerns_json": "concerns",
}  # fmt: skip
"""Columns of JSON, as a file calls them."""
ALONE: Final = {"session_id": "-", "paused_agent_id": "-", "created_at": "2025-01-01T00:00:00"}
"""A file around one message, to have it read."""
IN_TURN: Final = (
    "(SELECT *, row_number() OVER (PARTITION BY session_id ORDER BY timestamp, id) - 1 AS seq"
    " FROM dialectic_messages)"
)
"""The place of a message is that by its time, then by its id."""
ROUNDS_LIMIT: Final = 2**31
Row = dict[str, Any]


def bring_file(work: Work) -> None:
    """One dispute with all that was said in it, or nothing of it."""
    if work.at.after is not None:
        return
    document = json.loads(work.path.read_bytes())
    key = named((document.get("session_id"),))
    with work.db.transaction():
        work.at.forget(work.db)
        try:
            session, messages = _apart(work, document)
            fit = work.fit([(key, session)], [_json([session, *messages])])
            agents = _agents(session).union(*map(_agents, messages))
            refused = _know(work, dict.fromkeys(agents, session["created_at"])) if fit else []
        except (Refused, ValueError) as error:
            reason = error.message if isinstance(error, Refused) else str(error)
            work.at.reject(work.db, [(key, reason.removeprefix("document: "))])
        else:
            if refused:
                work.at.reject(work.db, [(key, f"agent {refused[0]!r} was not taken")])
            elif fit and _kept(work, "take_sessions", [session]):
                work.at.taken += 1
                _kept(work, "take_messages", messages)
        work.at.after = [1]
        work.moved(1)
    work.say(1)


def bring_rows(work: Work, table: str) -> None:
    """Sessions, or messages of sessions that are there."""
    old = table_of(work.path, table)
    is_session = table == "dialectic_sessions"
    at = work.at
    with opened(work.path) as file:
        there = keyset.columns(file, old.name)
        wanted = [take.old for take in old.takes if take.old in there]
        source = work.source("dialectic_sessions")
        if not is_session:
            wanted.append("seq")
            source = work.only or IN_TURN
        for piece in keyset.pieces(file, source, wanted, old.key, at.after):
            with work.db.transaction():
                rows = [
                    (named(row[len(wanted) :]), dict(zip(wanted, row, strict=False)))
                    for row in piece.rows
                ]
                _take(work, rows, is_session=is_session)
                at.after = piece.after or at.after
                work.moved(len(rows))
            work.say(len(piece.rows))


def _take(work: Work, rows: Sequence[tuple[str, Row]], *, is_session: bool) -> None:
    made: list[tuple[str, Row]] = []
    rejects: Rejects = []
    for key, row in rows:
        try:
            made.append((key, _session(work, row) if is_session else _message(work, row)))
        except (Refused, ValueError) as error:
            reason = error.message if isinstance(error, Refused) else str(error)
            rejects.append((key, reason.removeprefix("document: ").replace("transcript/0/", "")))
    made = work.fit(made, [_json(row) for _, row in made])
    if not is_session:
        asked = {"sessions": [row["session_id"] for _, row in made]}
        there = {each for (each,) in work.db.execute(SQL["sessions_there"], asked).fetchall()}
        rejects += [
            (key, f"session_id: {row['session_id']!r:.60} is not there")
            for key, row in made
            if row["session_id"] not in there
        ]
        made = [(key, row) for key, row in made if row["session_id"] in there]
    born: dict[str, Any] = {}
    for _, row in made:
        when = row["created_at"] if is_session else row["recorded_at"]
        for agent in _agents(row):
            born[agent] = min(born.get(agent, when), when)
    refused = set(_know(work, born))
    rejects += [
        (key, f"agent {min(of)!r} was not taken")
        for key, row in made
        if (of := _agents(row) & refused)
    ]
    good = [(key, row) for key, row in made if not _agents(row) & refused]
    if work.at.resumed:
        for key, _ in good:
            work.at.forget(work.db, key)
    work.at.reject(work.db, rejects)
    query = "take_sessions" if is_session else "take_messages"
    work.at.taken += _kept(work, query, [row for _, row in good])


def _agents(row: Row) -> set[str]:
    """Everybody whom a session or a message names."""
    names = ("paused_agent_id", "reviewer_agent_id", "agent_id")
    return {row[name] for name in names if row.get(name) is not None}


def _session(work: Work, row: Row) -> Row:
    """A row of the old table, read as the file that it would be."""
    document: Row = {"transcript": []}
    for name, value in row.items():
        if value is not None:
            document[OBJECTS.get(name, name)] = _plain(name, value)
    rounds = document.pop("max_synthesis_rounds", None)
    updated = document.pop("updated_at", None)
    session, _ = _apart(work, document)
    is_count = isinstance(rounds, int) and 1 <= rounds < ROUNDS_LIMIT
    session["max_synthesis_rounds"] = rounds if is_count else None
    if rounds is not None and not is_count:
        session["imported_json"]["said"]["max_synthesis_rounds"] = rounds
    if updated is not None:
        session["updated_at"] = work.clock.instant(text(updated, "updated_at"))
    return session


def _message(work: Work, row: Row) -> Row:
    said = {OBJECTS.get(n, n): _plain(n, v) for n, v in row.items() if v is not None}
    session_id, seq = said.pop("session_id", None), said.pop("seq")
    said["phase"] = said.pop("message_type", None)
    if not isinstance(session_id, str):
        raise Refused("session_id: is no text")
    _, (message,) = _apart(work, {**ALONE, "transcript": [said]}, is_counted=False)
    return {**message, "session_id": session_id, "seq": seq}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    told = text(value, name)
    if name not in OBJECTS:
        return told
    try:
        return json.loads(told)
    except ValueError:
        raise ValueError(f"{name}: is no JSON") from None


def _apart(work: Work, document: Row, *, is_counted: bool = True) -> tuple[Row, list[Row]]:
    """Columns of a file; its times are of the stated zone, and kept as they were said."""
    told = {**document}
    if is_counted:
        told["created_at"] = _instant(work, document.get("created_at"), "created_at")
    spoken = document.get("transcript")
    if isinstance(spoken, list) and all(isinstance(each, dict) for each in spoken):
        told["transcript"] = [
            {**each, "timestamp": _instant(work, each.get("timestamp"), "timestamp")}
            for each in spoken
        ]
    parts = transcript.take_apart(told)
    session = parts.session
    session["imported_json"]["said"]["created_at"] = document.get("created_at")
    ended = (session["resolution_json"] or {}).get("timestamp")
    session["resolved_at"] = work.clock.instant(ended) if isinstance(ended, str) else None
    for message, said in zip(parts.messages, spoken or (), strict=True):
        message["imported_json"]["said"]["timestamp"] = said["timestamp"]
        message["session_id"] = session["session_id"]
    return session, parts.messages


def _instant(work: Work, told: Any, name: str) -> str:
    if not isinstance(told, str):
        raise Refused(f"{name}: is no text")
    try:
        return work.clock.instant(told)
    except ValueError as error:
        raise Refused(f"{name}: {error}") from None


def _know(work: Work, born: dict[str, Any]) -> list[str]:
    """Who is only spoken of becomes known; gives those that were refused themselves."""
    names = sorted(born)
    refused = [who for (who,) in work.db.execute(SQL["not_here"], {"agents": names}).fetchall()]
    known = [name for name in names if name not in refused]
    at = [born[name] for name in known]
    work.db.execute(KNOWN["make_known"], {"agents": known, "at": at})
    return refused


def _kept(work: Work, query: str, rows: Sequence[Row]) -> int:
    return work.db.execute(SQL[query], {"rows": _json(rows)}).rowcount


def _json(told: Any) -> str:
    """Times as text; what is no JSON stays so, and is found by Postgres."""
    return json.dumps(told, default=datetime.isoformat)
