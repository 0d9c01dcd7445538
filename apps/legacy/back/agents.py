"""Agents, their sessions and their states, back in the old tables."""

import secrets
from datetime import UTC, datetime
from typing import Final

from apps.legacy import marks
from apps.legacy.back.inverse import Row, told_back
from apps.legacy.back.old import Old, Values

VERDICT: Final = ("risk", "action", "health")
"""What the house says of a state that no old column says."""


def identity(old: Old, row: Row) -> None:
    """An agent; one that is made there has an API key that nobody knows."""
    table = "agent_metadata"
    there = old.row(table, '"agent_id" = ?', row["agent_id"])
    born: Values = {}
    if old.mapping(table).variant == "B":
        born["api_key"] = secrets.token_hex(32)
    old.put(table, row["agent_id"], there, told_back(old.mapping(table), row, old.local), born)


def session(old: Old, row: Row) -> None:
    """A session by the hash of its key; of one that the house opened nobody has the key there."""
    table = "session_identities"
    (key,) = old.mapping(table).key
    there = old.row(table, f'abode_sha256("{key}") = ?', row["session_id"])
    values = told_back(old.mapping(table), row, old.local)
    if values.get("expires_at") == values.get("last_active"):
        values.pop("expires_at", None)  # It was over there, and is.
    if there is None:
        values["is_active"] = int(row["expires_at"] > datetime.now(UTC))
    digest = row["session_id"]
    old.put(table, digest, there, values, {key: marks.secret(digest)})


def sessions_gone(old: Old, known: set[str]) -> None:
    """Those that the house has ended and forgotten."""
    table = "session_identities"
    (key,) = old.mapping(table).key
    for rowid, digest in old.all(table, f'rowid, abode_sha256("{key}")'):
        if digest is not None and digest not in known and not old.is_rejected(table, digest):
            old.delete(table, rowid)


def newest_state(old: Old, row: Row) -> None:
    """The one state that the first writer keeps of an agent, unless it has a newer one."""
    table = "agent_state"
    there = old.row(table, '"agent_id" = ?', row["identity_id"])
    before = old.local.instant(there["updated_at"]) if there else None
    if before is not None and before >= row["recorded_at"]:
        return
    told = {**row, "state_json": _verdict(row)}
    born = {"created_at": old.local.text(row["recorded_at"])}
    values = told_back(old.mapping(table), told, old.local)
    for name in ("created_at", "void_active", *(["state_json"] if there else [])):
        values.pop(name, None)
    old.put(table, row["identity_id"], there, values, born)


def state(old: Old, row: Row) -> None:
    """One of all states that the second writer keeps, with E in its object."""
    table = "agent_state"
    at = old.local.text(row["recorded_at"])
    if old.row(table, '"agent_id" = ? AND "recorded_at" = ?', row["identity_id"], at):
        return
    told = {**row, "state_json": {"E": row["energy"], **_verdict(row)}}
    told.pop("seq", None)
    values = told_back(old.mapping(table), told, old.local)
    values["stability_index"] = 1 - row["entropy"]
    old.insert(table, values)


def _verdict(row: Row) -> Values:
    return {name: row[name] for name in VERDICT}
