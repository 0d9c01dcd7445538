"""A deploy with one more Postgres server: made, proven, known; agents live there, and come back."""

import json
import uuid

import pytest

from tests.stand import free_port


@pytest.fixture
def second(standing, hosts_toml):
    """The shard ``two``, declared; what is left of it afterwards is removed."""
    said = hosts_toml.read_text()
    line = next(row for row in said.splitlines() if row.startswith("soulfra_port"))
    hosts_toml.write_text(said.replace(line, f"{line}\nsoulfra_shards = {{ two = {free_port()} }}"))
    yield standing.called("postgres-age-two")
    abode(standing, "move", "0-4095", "--to", "home")
    abode(standing, "shards", "--forget", "two")
    called = standing.called("postgres-age-two")
    standing.docker("rm", "-fv", called)
    standing.docker("rm", "-fv", standing.called("soulfra"))  # it holds the shard's socket
    standing.docker("volume", "rm", f"{called}-data", f"{called}-socket")


def abode(standing, *words):
    """What ``abode soulfra`` says, as JSON."""
    return json.loads(standing.run(str(standing.bin / "abode"), "soulfra", *words, "--json").stdout)


def test_a_second_server(standing, second):
    """The deploy makes it, the next one changes nothing; agents are moved and answer there."""
    standing.deploy("-y")
    before = standing.started()
    again = standing.deploy("-y")
    assert "Success" not in again.stdout.partition("Results")[2].replace("Success   Error", "")
    assert standing.started() == before

    user, agent = str(uuid.uuid4()), f"agent-{uuid.uuid4().hex[:8]}"
    name = f"u{user[:8]}"
    abode(standing, "do", "register-user", f"user_id={user}", f"username={name}",
          f"email={name}@x.org")  # fmt: skip
    abode(standing, "do", "register-agent", f"agent_id={agent}", f"user_id={user}", "archetype=x")
    [*moved] = abode(standing, "move", "0-4095", "--to", "two")
    assert sum(each["agents"] for each in moved) >= 1
    abode(standing, "do", "shift-agent-tone", f"agent_id={agent}", "tone=joy")
    assert [each["type"] for each in abode(standing, "life", f"agent:{agent}")] == [
        "agent_registered", "tone_shifted"]  # fmt: skip
    assert abode(standing, "verify") == []
    stands = {each["name"]: each["slots"] for each in abode(standing, "shards")["shards"]}
    assert stands == {"home": 0, "two": 4096}
    counts = standing.docker(
        "exec", "-e", f"PGPASSWORD={password(standing)}", standing.called("postgres-age"),
        "psql", "-qAtX", "-U", "soulfra_ro", "-h", "127.0.0.1", "-d", "soulfra_reports",
        "-c", "SELECT shard FROM report.shards WHERE agents > 0",
    )  # fmt: skip
    assert counts == "two"


def password(standing):
    """The reader's."""
    return (standing.state / "secrets" / "postgres_soulfra_ro").read_text().strip()
