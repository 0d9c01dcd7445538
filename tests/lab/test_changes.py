"""A change of one declared thing: the dry run names it, the deploy recreates that and no more."""

import json
import re

import pytest

ANSI = re.compile(r"\x1b\[[0-9;]*m")
THREE = ("postgres-age", "redis", "governance")


def _dry(standing, root=None):
    done = standing.deploy("--dry", "--diff", **({"root": root} if root else {}))
    return ANSI.sub("", done.stdout + done.stderr)


def _recreated(standing, before):
    after = standing.started()
    return {name for name in before if before[name] != after[name]}


def _row_count(standing):
    return int(standing.sql("SELECT count(*) FROM core.agent_state"))


def test_a_port(standing, hosts_toml):
    """Another port for governance: named in the diff, governance recreated, rows kept."""
    old = standing.hosts.mac.governance_port
    key = "governance_port = "
    hosts_toml.write_text(hosts_toml.read_text().replace(f"{key}{old}", f"{key}{old + 1}"))
    before, rows = standing.started(), _row_count(standing)

    said = _dry(standing)
    assert f'publish: ["127.0.0.1:{old}:' in said
    assert "Will recreate container" in said
    assert said.count("Will recreate") == 1
    assert standing.started() == before, "a dry run wrote"

    standing.deploy("-y")
    assert _recreated(standing, before) == {f"/{standing.called('governance')}"}
    assert _row_count(standing) >= rows


def test_a_memory_limit(standing, hosts_toml):
    """A smaller Mac: Postgres gets less, by the formula, and keeps its data."""
    hosts_toml.write_text(hosts_toml.read_text().replace("memory_mb = 16384", "memory_mb = 8192"))
    before, rows = standing.started(), _row_count(standing)

    said = _dry(standing)
    assert "memory_mb: 4096 -> 2048" in said
    assert "+ shared_buffers = 512MB" in said
    assert said.count("Will recreate") == 1

    standing.deploy("-y")
    assert _recreated(standing, before) == {f"/{standing.called('postgres-age')}"}
    assert standing.sql("SHOW shared_buffers") == "512MB"
    assert _row_count(standing) >= rows


def test_an_environment_value(standing, copy):
    """One variable of governance: named with both values."""
    source = copy / "services" / "governance.py"
    source.write_text(source.read_text().replace("POOL = (2, 10)", "POOL = (3, 10)"))
    before = standing.started()

    assert "env.DB_POSTGRES_MIN_CONN: 2 -> 3" in _dry(standing, copy)

    standing.deploy("-y", root=copy)
    assert _recreated(standing, before) == {f"/{standing.called('governance')}"}


def test_a_template(standing, copy):
    """One line of a template: shown as a diff, its container recreated."""
    source = copy / "templates" / "redis" / "redis.conf.j2"
    source.write_text(source.read_text().replace("save 3600 1", "save 1800 1"))
    before = standing.started()

    said = _dry(standing, copy)
    assert "files.redis.conf: - save 3600 1" in said
    assert "files.redis.conf: + save 1800 1" in said

    standing.deploy("-y", root=copy)
    both = ("redis", "redis-soulfra")
    assert _recreated(standing, before) == {f"/{standing.called(name)}" for name in both}


def test_a_secret(standing, request):
    """A new database password: the role and governance follow, Postgres itself stays up."""
    path = standing.state / "secrets" / "postgres_governance"
    old = path.read_text()
    request.addfinalizer(lambda: (path.write_text(old), standing.deploy("-y")))
    path.write_text("a-rotated-password-of-some-length-0123456789\n")
    before = standing.started()

    said = _dry(standing)
    assert "alter role governance: password (secret)" in said
    assert "files.postgres_password: secret" in said
    assert "a-rotated-password" not in said
    assert old.strip() not in said

    standing.deploy("-y")
    assert _recreated(standing, before) == {f"/{standing.called('governance')}"}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER ROLE governance SUPERUSER CREATEDB", "no superuser, no createdb"),
        ("GRANT TEMP ON DATABASE governance TO governance", "take governance from governance"),
        ("GRANT CONNECT ON DATABASE governance TO PUBLIC", "take PUBLIC from governance"),
        ("ALTER DATABASE governance SET work_mem = '1MB'", "reset work_mem of governance"),
    ],
)
def test_a_right_that_was_added_by_hand_is_taken_away(standing, statement, said):
    """What is not declared goes, and then nothing is left to do."""
    standing.sql(statement)

    assert said in _dry(standing)

    standing.deploy("-y")
    assert _done(standing) == []


NETWORK = "docker network disconnect {abode-lan} {governance}"
MEMORY = "docker update --memory 100m --memory-swap 100m --restart no {redis}"
DROP_IN = "sudo mkdir -p {d} && echo '[Service]' | sudo tee {d}/x.conf".replace(
    "{d}", "/etc/systemd/system/anima.service.d"
)
UNIT = "cd /etc/systemd/system && sudo sed -i s/=strict/=no/ anima.service && {again}".replace(
    "{again}", "sudo systemctl daemon-reload && sudo systemctl restart anima"
)


@pytest.mark.parametrize(
    ("where", "words", "repaired"),
    [
        ("mac", NETWORK, ["Run {governance}"]),
        ("mac", MEMORY, ["Run {redis}"]),
        ("mac", "docker pause {redis}", ["Run {redis}"]),
        ("mac", "docker stop {redis}", ["Run {redis}"]),
        ("pi", DROP_IN, ["Run anima.service"]),
        ("pi", UNIT, ["Token, environment and unit", "Run anima.service"]),
        ("pi", "sudo systemctl disable --now anima", ["Run anima.service"]),
        (
            "pi",
            "sudo systemctl stop anima && sudo rm -rf /opt/anima/releases/*",
            ["Release", "Run anima.service"],
        ),
        (
            "pi",
            "sudo chmod 644 /etc/anima/governance_token",
            ["Token, environment and unit", "Run anima.service"],
        ),
        ("pi", "sudo chmod 755 /home/anima/.anima", ["Directories"]),
    ],
)
def test_what_was_changed_by_hand_is_undone(standing, where, words, repaired):
    """The next deploy says so, repairs exactly that, and the one after has nothing to do."""
    names = {n: standing.called(n) for n in (*THREE, "abode-lan")}
    for name, called in names.items():
        words = words.replace(f"{{{name}}}", called)
    standing.run("sh", "-c", words) if where == "mac" else standing.ssh(words)

    done = _done(standing)

    wanted = [each.format(**names) for each in repaired]
    assert [name for name in done if not any(name.startswith(each) for each in wanted)] == []
    assert len(done) >= len(wanted)
    assert _done(standing) == []


def _done(standing):
    """What a deploy did."""
    said = json.loads(standing.deploy("-y", "--json").stdout)["results"]
    assert said["totals"]["error"] == 0
    return [each["name"] for each in said["operations"] if each["success"]]


def test_a_volume_of_somebody_else_is_not_used(standing):
    """A name alone does not make a volume ours."""
    volume = f"{standing.called('redis')}-data"
    standing.docker("rm", "-fv", standing.called("redis"))
    standing.docker("volume", "rm", volume)
    standing.docker("volume", "create", "--label", "abode.home=/elsewhere", volume)
    try:
        said = standing.deploy("-y", check=False)

        assert said.returncode != 0
        assert "/elsewhere" in said.stdout + said.stderr
    finally:
        standing.docker("volume", "rm", volume)
        standing.deploy("-y")


def test_a_dry_run_from_nothing_writes_nothing(standing, tmp_path, copy):
    """Planning a house that does not exist makes no secret, no container, no volume."""
    lab = "blank"
    state = copy / ".abode"
    state.unlink()
    state.mkdir(mode=0o700)
    (state / lab).mkdir(mode=0o700)
    said = (standing.state / "hosts.toml").read_text()
    name = standing.hosts.lab.name
    (state / lab / "hosts.toml").write_text(said.replace(f'name = "{name}"', f'name = "{lab}"'))

    standing.deploy("--dry", "--limit", "mac", root=copy, LAB=lab)

    left = {str(path.relative_to(state / lab)) for path in (state / lab).rglob("*")}
    assert left <= {"hosts.toml", "deploy.lock"}
    assert standing.docker("ps", "-aq", "--filter", f"label=abode.lab={lab}") == ""
    assert standing.docker("volume", "ls", "-q", "--filter", f"label=abode.lab={lab}") == ""
    assert standing.docker("network", "ls", "-q", "--filter", f"label=abode.lab={lab}") == ""
