"""The trail as agents and operators may ask it, and as the operator's command shows it."""

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from apps.bridge.refusals import Forbidden
from apps.bridge.tool import ALL, Caller
from apps.governance.audit import event
from apps.governance.auditing import Auditing
from apps.governance.desk import Desk
from apps.postgres import pool
from schemas.errors import Refused
from schemas.governance.calls import Right
from schemas.governance.calls.audit import QueryAuditEvents

READER = Caller("lumen", None, frozenset({Right.READ}))
BOSS = Caller("ember", None, ALL)
NOW = datetime.now(UTC)


@pytest.fixture
def ask(ground):
    """Ask after ten events, every other lumen's."""

    def run(*asked):
        async def story():
            async with ground.trails() as trails, pool(ground.told) as store:
                room = Auditing(Desk(store), trails.index)
                said = [
                    event("lumen" if n % 2 else "ember", f"k{n % 3}", {"n": n},
                          NOW - timedelta(seconds=10 - n // 2))
                    for n in range(10)
                ]  # fmt: skip
                await trails.audit.append(said)
                return [
                    await room.query(who, QueryAuditEvents.model_validate(what))
                    for who, what in asked
                ]

        return asyncio.run(story())

    return run


def numbers(answer) -> list[int]:
    """Which events they are."""
    return [each.payload["n"] for each in answer.events if "n" in each.payload]


def test_a_reader_sees_its_own_and_an_operator_all(ask):
    """The newest first, and at once."""
    mine, all_, hers, kind = ask(
        (READER, {}),
        (BOSS, {}),
        (BOSS, {"about": "lumen", "limit": 2}),
        (READER, {"event_type": "k0"}),
    )

    assert numbers(mine) == [9, 7, 5, 3, 1]
    assert sorted(numbers(all_)) == list(range(10))
    assert numbers(hers) == [9, 7]
    assert sorted(numbers(kind)) == [3, 9]


def test_a_reader_does_not_see_another(ask):
    """Not even that there is one."""
    with pytest.raises(Forbidden, match="is not you"):
        ask((READER, {"about": "ember"}))


def test_pages_lead_from_one_to_the_next(ground, ask):
    """Nothing twice, nothing left out, though some were told in the same instant."""
    seen, after = [], None

    async def story():
        nonlocal after
        async with ground.trails() as trails, pool(ground.told) as store:
            room = Auditing(Desk(store), trails.index)
            for _ in range(20):
                page = await room.query(BOSS, QueryAuditEvents(limit=3, after=after))
                seen.extend(numbers(page))
                after = page.next
                if after is None:
                    return

    ask((BOSS, {}))
    asyncio.run(story())

    assert after is None
    assert sorted(seen) == list(range(10))


def test_a_page_that_never_was_is_refused(ask):
    """With a sentence."""
    with pytest.raises(Refused, match="is not what a page ended with"):
        ask((BOSS, {"after": f"9:9/{'0' * 36}"}))


def trail(ground, *words) -> tuple[int, list | None, str]:
    """What the command in the container says."""
    done = subprocess.run(
        [sys.executable, "-m", "apps.governance.trail", *words],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "DB_POSTGRES_URL": ground.database.app,
             "GOVERNANCE_AUDIT_LOG": str(ground.path)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def test_the_command_proves_asks_and_makes_anew(ground, ask):
    """Exit 0; 4 once a line was changed, with its place."""
    ask((BOSS, {}))
    code, found, _ = trail(ground, "query", "--agent=lumen", "--type=k0", "--limit=1")
    assert (code, [each["payload"]["n"] for each in found]) == (0, [9])

    code, found, said = trail(ground, "verify")
    assert (code, [each["found"] for each in found], said) == (0, [0, 0], "")

    ground.rows("DELETE FROM audit.events WHERE agent_id = 'lumen' RETURNING 1")
    code, found, _ = trail(ground, "reindex", "audit_log")
    assert (code, found[0]["made"]) == (0, 5)
    assert ground.is_same()

    lines = ground.path.read_text().splitlines(keepends=True)
    lines[4] = lines[4].replace('"n":', '"m":')
    ground.path.write_text("".join(lines))
    code, found, _ = trail(ground, "verify")
    assert code == 4
    assert [(each["file"], each["line"]) for each in found[0]["findings"]] == [
        ("audit_log.jsonl", 5)
    ]


def test_the_command_says_what_is_wrong_in_words(ground):
    """Without a database, and with a word it does not know."""
    code, found, said = trail(ground, "verify", "nothing")
    assert (code, found) == (2, None)
    assert "nothing" in said
