"""A change and the telling of it: both, or neither."""

import asyncio
import json
import re
from pathlib import Path

import psycopg
import pytest

from apps.governance import change as room
from apps.governance.audit import AuditLog, event
from apps.governance.change import change, change_on
from apps.governance.desk import Desk
from apps.postgres import PostgresSettings, pool
from schemas.errors import Unreachable

MADE = "INSERT INTO core.identities (agent_id) VALUES (%s)"
HERE = Path(room.__file__).parent


def rows(database, query: str) -> list[str]:
    """The first column of what the database holds."""
    with psycopg.connect(database.admin) as conn:
        return [row[0] for row in conn.execute(query)]


def told(path: Path) -> list[str]:
    """Whom the lines of a trail are about."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [each["agent_id"] for each in map(json.loads, lines)]


async def made(database, audit, agent, *, own=False, error=None):
    """An agent that is made and told of, unless an error comes between."""
    settings = PostgresSettings(url=database.app, min_conn=2, max_conn=4)
    async with pool(settings) as store:
        writer = asyncio.create_task(audit.run())
        try:
            if own:
                async with store.connection() as conn, change_on(conn, audit) as events:
                    await _make(conn, events, agent, error)
            else:
                async with change(Desk(store), audit) as (conn, events):
                    await _make(conn, events, agent, error)
            return rows(database, "SELECT agent_id FROM audit.untold"), told(audit.path)
        finally:
            audit.close()
            await writer


async def _make(conn, events, agent, error):
    await conn.execute(MADE, [agent])
    events.append(event(agent, "identity_created", {}))
    if error:
        raise error


@pytest.mark.parametrize("own", [False, True])
def test_what_changed_is_told_before_it_is_acknowledged(governance_database, tmp_path, own):
    """With the row of it in the same transaction, should we be killed before the line."""
    audit = AuditLog(tmp_path / "audit_log.jsonl")
    found = asyncio.run(made(governance_database, audit, "lumen", own=own))

    assert found == (["lumen"], ["lumen"])
    assert rows(governance_database, "SELECT agent_id FROM core.identities") == ["lumen"]


@pytest.mark.parametrize("own", [False, True])
def test_who_fails_changed_nothing_and_tells_of_nothing(governance_database, tmp_path, own):
    """Neither row, nor line, nor what waits for one."""
    audit = AuditLog(tmp_path / "audit_log.jsonl")
    with pytest.raises(KeyError):
        asyncio.run(made(governance_database, audit, "lumen", own=own, error=KeyError()))

    assert rows(governance_database, "SELECT agent_id FROM core.identities") == []
    assert rows(governance_database, "SELECT agent_id FROM audit.untold") == []
    assert told(audit.path) == []


@pytest.mark.parametrize("own", [False, True])
def test_what_cannot_be_told_is_not_begun(governance_database, tmp_path, own):
    """While the disk takes no lines."""
    audit = AuditLog(tmp_path / "audit_log.jsonl")
    audit.trouble = "the disk is full"
    with pytest.raises(Unreachable, match="the disk is full"):
        asyncio.run(made(governance_database, audit, "lumen", own=own))

    assert rows(governance_database, "SELECT agent_id FROM core.identities") == []


def test_every_room_changes_things_this_way():
    """Nobody keeps what is to be told by itself: one forgets a step."""
    own = re.compile(r"audit\.keep\(")
    found = [file.name for file in HERE.rglob("*.py") if own.search(file.read_text())]

    assert found == ["change.py"]
