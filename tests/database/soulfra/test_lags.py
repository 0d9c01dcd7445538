"""How far each follower is behind is told, and goes to nothing."""

import http.client
import time
from contextlib import closing

import psycopg
import pytest

from apps.postgres import PostgresSettings, pool
from apps.soulfra import lags
from schemas.soulfra.metrics import LAG_EVENTS, LAG_SECONDS
from tests.database.soulfra.conftest import caught_up
from tests.database.soulfra.test_doors import Process


def test_who_never_began_is_behind_all_and_who_follows_behind_nothing(run, lived, ask, monkeypatch):
    """Counted no further than a limit; the seconds are of the oldest that is not taken."""

    async def told():
        async with pool(
            PostgresSettings(url=lived.app, min_conn=1, max_conn=3), "soulfra"
        ) as there:
            return await lags.lags(there)

    [(events, seconds)] = ask(
        "SELECT count(*), extract(epoch FROM clock_timestamp() - min(recorded_at))::float8"
        " FROM log.events"
    )
    run(caught_up(lived))
    found = run(told())
    assert set(found) == set(lags.FOLLOWERS)
    assert found["transformations"] == lags.Lag(0, 0.0)
    for name in ("cache", "drift", "streams"):
        assert found[name].events == events
        assert seconds <= found[name].seconds < seconds + 60

    monkeypatch.setattr(lags, "MOST", 10)
    assert run(told())["drift"].events == 10


@pytest.fixture
def soulfra(soulfra_database, tmp_path):
    """A running process."""
    made = Process(tmp_path, soulfra_database).ready()
    yield made
    made.end()


def metrics(process):
    """As Prometheus has it."""
    with closing(http.client.HTTPConnection("127.0.0.1", process.port, timeout=20)) as conn:
        conn.request("GET", "/metrics")
        return conn.getresponse().read().decode()


def test_health_and_metrics_tell_the_lag_of_each(soulfra, soulfra_database):
    """Of those that this process has; who writes for long holds them all."""
    user = soulfra.give("register-user", username="ada", email="ada@x.org")["id"]
    until = time.monotonic() + 15
    while soulfra.ask("GET", "/health")[1]["followers"]["drift"]["events"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    with psycopg.connect(soulfra_database.owner) as held:
        held.execute("SELECT pg_current_xact_id()")
        soulfra.give("register-agent", agent_id="oracle", user_id=user, archetype="oracle")
        time.sleep(0.5)
        told = soulfra.ask("GET", "/health")[1]["followers"]
        text = metrics(soulfra)
        held.rollback()

    assert set(told) == set(lags.FOLLOWERS)
    for name in lags.FOLLOWERS:
        assert told[name]["events"] >= 1
        assert told[name]["seconds"] > 0.3
        for metric in (LAG_EVENTS, LAG_SECONDS):
            assert f'{metric.name}{{follower="{name}"}} ' in text
