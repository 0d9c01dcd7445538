"""Drift made by hand in the databases: repaired where that is safe, else refused by name."""

import json

import pytest

BY_HAND = {
    "index core.by_hand: unexpected": (
        "CREATE INDEX by_hand ON core.sessions (last_active)",
        "DROP INDEX core.by_hand",
    ),
    "constraint core.agent_state.agent_state_risk_check: missing": (
        "ALTER TABLE core.agent_state DROP CONSTRAINT agent_state_risk_check",
        (
            "ALTER TABLE core.agent_state"
            " ADD CONSTRAINT agent_state_risk_check CHECK (risk BETWEEN 0 AND 1)"
        ),
    ),
    "job by-hand: unexpected": (
        "SELECT cron.schedule('by-hand', '0 0 1 1 *', 'SELECT 1')",
        "SELECT cron.unschedule('by-hand')",
    ),
    "setting server synchronous_commit: 'off', expected 'on'": (
        "ALTER SYSTEM SET synchronous_commit = off",
        "ALTER SYSTEM RESET synchronous_commit",
    ),
}
"""What a deploy cannot know how to repair: what is said of it, how it is made and undone."""
ON_THE_PI = "index by_hand: unexpected"


@pytest.fixture(autouse=True)
def lab(standing):
    """Nobody tampers with hosts that are not a lab."""
    if not standing.hosts.lab:
        pytest.skip("not a lab")


@pytest.fixture
def by_hand(standing):
    """Drifts that no deploy repairs, in both databases; gone afterwards."""
    user = standing.hosts.pi[0].user
    write = "sqlite3 -cmd '.timeout 5000' ~/.anima/anima.db '{}'"
    try:
        for made, _ in BY_HAND.values():
            standing.sql(made)
        standing.sql("SELECT pg_reload_conf()")
        standing.ssh(write.format("CREATE INDEX by_hand ON events (event_type)"), user)
        yield {*BY_HAND, ON_THE_PI}
    finally:
        for _, undone in BY_HAND.values():
            standing.sql(undone)
        standing.sql("SELECT pg_reload_conf()")
        standing.ssh(write.format("DROP INDEX IF EXISTS by_hand"), user)


def changes(standing):
    """How many operations of a deploy had something to do."""
    said = json.loads(standing.deploy("-y", "--json").stdout)
    return said["results"]["totals"]["success"]


def test_grants_comments_and_jobs_are_made_right(standing):
    """A dry run names them, the deploy repairs them, and then there is nothing to do."""
    standing.sql(
        "REVOKE SELECT ON core.calibration FROM governance;"
        "COMMENT ON TABLE core.sessions IS 'tba';"
        "DELETE FROM cron.job WHERE jobname = 'partition-maintenance'"
    )
    named = standing.deploy("--dry", "--diff")
    for what in (
        "grant table core.calibration to governance: missing",
        "comment table core.sessions: 'tba'",
        "job partition-maintenance: missing",
    ):
        assert what in named.stdout + named.stderr
    standing.deploy("-y")
    assert changes(standing) == 0


def test_what_no_deploy_can_repair_is_refused_by_name(standing, by_hand):
    """The dry run names it; the deploy fails and names it, on both hosts."""
    named = standing.deploy("--dry", "--diff")
    assert {each for each in by_hand if each not in named.stdout + named.stderr} == set()
    failed = standing.deploy("-y", check=False)
    assert failed.returncode != 0
    assert {each for each in by_hand if each not in failed.stdout + failed.stderr} == set()
    assert "Traceback" not in failed.stdout + failed.stderr


def test_what_was_undone_by_hand_leaves_nothing_to_do(standing):
    """After the test above."""
    assert changes(standing) == 0
