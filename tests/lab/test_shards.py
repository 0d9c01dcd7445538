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
    called = standing.called("postgres-age-two")
    with_two = hosts_toml.read_text()
    yield called
    hosts_toml.write_text(with_two)
    standing.deploy("-y")
    abode(standing, "move", "0-4095", "--to", "home")
    hosts_toml.write_text(said)
    standing.deploy("-y")
    standing.docker("volume", "rm", f"{called}-data")


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

    status = json.loads(standing.run(str(standing.bin / "abode"), "status", "--json").stdout)
    assert {each["name"]: (each["answers"], each["slots"]) for each in status["shards"]} == {
        "home": (True, 0), "two": (True, 4096)}  # fmt: skip
    where = [str(standing.bin / "abode"), "where", "soulfra.transformations", "--json"]
    found = json.loads(standing.run(*where).stdout)["found"][0]
    assert found["live"] == "there"
    assert found["store"].endswith("two")
    drift = abode(standing, "drift", f"agent:{agent}")
    assert drift["shifts"] == 1


def test_a_server_that_is_not_declared_any_more(standing, second, hosts_toml):
    """Refused while it has agents, and nothing is changed; then it goes, and its data stays."""
    declared = hosts_toml.read_text()
    undeclared = "\n".join(row for row in declared.splitlines() if "soulfra_shards" not in row)
    standing.deploy("-y")
    abode(standing, "move", "0-2047", "--to", "two")
    before = standing.started()

    hosts_toml.write_text(undeclared)
    refused = standing.deploy("-y", check=False)
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert "shard two: has 2048 slots" in said
    assert "abode soulfra move 0-2047 --to home" in said
    assert standing.started() == before

    hosts_toml.write_text(declared)
    abode(standing, "move", "0-2047", "--to", "home")
    hosts_toml.write_text(undeclared)
    done = standing.deploy("-y")
    assert f"docker volume rm {second}-data" in done.stdout + done.stderr
    assert second not in standing.docker("ps", "-a", "--format", "{{.Names}}").split()
    volumes = standing.docker("volume", "ls", "--format", "{{.Name}}").split()
    assert (f"{second}-data" in volumes, f"{second}-socket" in volumes) == (True, False)
    assert abode(standing, "shards")["shards"] == [
        {"name": "home", "place": "", "slots": 4096, **counts(standing)}]  # fmt: skip
    again = standing.deploy("-y")
    assert "Success" not in again.stdout.partition("Results")[2].replace("Success   Error", "")


def counts(standing):
    """What home has."""
    [home] = abode(standing, "shards")["shards"]
    return {key: home[key] for key in ("agents", "events")}


def password(standing):
    """The reader's."""
    return (standing.state / "secrets" / "postgres_soulfra_ro").read_text().strip()
