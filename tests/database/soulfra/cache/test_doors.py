"""Reads over HTTP: what answers says where it had it from, with Redis and without."""

import http.client
import json
import signal
import time

import pytest

from tests.database.soulfra.test_doors import TOKEN, Process
from tests.redis_server import PASSWORD


@pytest.fixture
def soulfra(soulfra_database, redis, tmp_path):
    """A running one with a Redis."""
    (tmp_path / "password").write_text(PASSWORD + "\n")
    told = {
        "REDIS_SOCKET": str(redis.socket),
        "REDIS_USER": "soulfra",
        "REDIS_PASSWORD_FILE": str(tmp_path / "password"),
    }
    made = Process(tmp_path, soulfra_database, **told).ready()
    yield made
    made.end(signal.SIGKILL)


@pytest.fixture
def rain(soulfra):
    """A loop, an agent, a guild; Redis is believed."""
    user = soulfra.give("register-user", username="ada", email="ada@x.org")["id"]
    soulfra.give("register-agent", agent_id="oracle", user_id=user, archetype="oracle")
    soulfra.give("whisper", loop_id="rain", agent_id="oracle", text="it rains")
    soulfra.give("found-guild", guild_id="seers", guild_name="Seers", agent_id="oracle")
    until = time.monotonic() + 10
    while soulfra.ask("GET", "/health", token=None)[1]["redis"] != "believed":
        assert time.monotonic() < until
        time.sleep(0.05)


def got(soulfra, path, **headers):
    """Status, JSON and headers."""
    conn = http.client.HTTPConnection("127.0.0.1", soulfra.port, timeout=20)
    try:
        conn.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}", **headers})
        answer = conn.getresponse()
        said = answer.read()
        return answer.status, json.loads(said), dict(answer.getheaders())
    finally:
        conn.close()


@pytest.mark.parametrize(
    "path",
    ["loops/rain", "loops/rain/consciousness", "loops/rain/forecast", "agents/oracle",
     "agents/oracle/whispers", "guilds/seers"],
)  # fmt: skip
def test_the_second_time_redis_has_it(soulfra, rain, path):
    """The same answer, with its age; asked for fresh it is Postgres' own."""
    first = got(soulfra, f"/soulfra/v1/{path}")
    second = got(soulfra, f"/soulfra/v1/{path}")
    fresh = [
        got(soulfra, f"/soulfra/v1/{path}?fresh=1"),
        got(soulfra, f"/soulfra/v1/{path}", **{"Cache-Control": "no-cache"}),
    ]

    assert [each[0] for each in (first, second, *fresh)] == [200] * 4
    assert second[2]["cache-status"] == "soulfra; hit"
    assert int(second[2]["age"]) < 60
    assert first[1] == second[1]
    assert {each[2]["cache-status"] for each in fresh} == {"soulfra; fwd=request"}
    assert all("age" not in each[2] for each in fresh)


def test_a_command_is_seen_by_the_next_read(soulfra, rain):
    """What Redis had is known to be old."""
    for tone in ("grief", "hope") * 5:
        got(soulfra, "/soulfra/v1/loops/rain")
        soulfra.give("shift-loop-tone", loop_id="rain", tone=tone)
        _, said, headers = got(soulfra, "/soulfra/v1/loops/rain")
        assert (said["emotional_tone"], headers["cache-status"]) == (tone, "soulfra; fwd=stale")


def test_recent_events_are_there_soon(soulfra, rain, eventually):
    """Within the follower's lag, the newest last."""
    soulfra.give("shift-loop-tone", loop_id="rain", tone="grief")

    def seen():
        _, said, headers = got(soulfra, "/soulfra/v1/loops/rain/events")
        return [each["type"] for each in said], headers["cache-status"]

    assert eventually(
        lambda: seen() == (["loop_created", "tone_shifted"], "soulfra; hit"), seconds=3
    )
    whispers = got(soulfra, "/soulfra/v1/agents/oracle/whispers")[1]
    assert [each["text"] for each in whispers] == ["it rains"]


def test_what_is_not_there_is_404_with_redis_too(soulfra, rain):
    """Also when Redis remembers that; and what nobody keeps is told apart."""
    for path in ("loops/snow", "loops/snow", "loops/snow/events", "loops/snow/forecast",
                 "loops/rain/dreams", "users/00000000-0000-4000-8000-000000000009"):  # fmt: skip
        assert got(soulfra, f"/soulfra/v1/{path}")[0] == 404, path


def test_without_redis_it_begins_answers_and_takes_it_up(
    soulfra_database, redis, tmp_path, eventually
):
    """The same process: without it, with it, and when it is killed."""
    redis.stop()
    (tmp_path / "password").write_text(PASSWORD)
    made = Process(
        tmp_path, soulfra_database, REDIS_SOCKET=str(redis.socket), REDIS_USER="soulfra",
        REDIS_PASSWORD_FILE=str(tmp_path / "password"),
    ).ready()  # fmt: skip

    def status():
        return got(made, "/soulfra/v1/agents/oracle")[2].get("cache-status")

    try:
        user = made.give("register-user", username="ada", email="ada@x.org")["id"]
        made.give("register-agent", agent_id="oracle", user_id=user, archetype="oracle")
        assert status() == "soulfra; fwd=bypass"
        redis.begin()
        assert eventually(lambda: status() == "soulfra; hit", seconds=15, every=0.1)
        redis.stop()
        assert {status() for _ in range(5)} == {"soulfra; fwd=bypass"}
        code, health = made.ask("GET", "/health", token=None)
        assert (code, health["status"]) == (200, "healthy")
        assert health["redis"] != "believed"
        assert health["cache"]["bypassed"] >= 6
        redis.begin()
        assert eventually(lambda: status() == "soulfra; hit", seconds=15, every=0.1)
        _, _, headers = got(made, "/soulfra/v1/agents/oracle")
        assert headers["cache-status"] == "soulfra; hit"
    finally:
        code, said = made.end()
    assert code == 0, said


def test_metrics_are_what_is_declared(soulfra, rain):
    """Each with its help and its kind."""
    conn = http.client.HTTPConnection("127.0.0.1", soulfra.port, timeout=20)
    conn.request("GET", "/metrics")
    said = conn.getresponse().read().decode()
    conn.close()

    assert "# TYPE soulfra_cache_lost counter" in said
    assert "soulfra_cache_lost_total 0" in said
