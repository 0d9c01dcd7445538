"""A change of one declared thing: the dry run names it, the deploy recreates that and no more."""

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
    assert _recreated(standing, before) == {f"/{standing.called('redis')}"}


def test_a_secret(standing, request):
    """A new database password: the role and governance follow, Postgres itself stays up."""
    path = standing.state / "secrets" / "postgres_governance"
    old = path.read_text()
    request.addfinalizer(lambda: (path.write_text(old), standing.deploy("-y")))
    path.write_text("a-rotated-password-of-some-length-0123456789\n")
    before = standing.started()

    said = _dry(standing)
    assert "alter role governance: password (secret)" in said
    assert "files.pgpass: secret" in said
    assert "a-rotated-password" not in said
    assert old.strip() not in said

    standing.deploy("-y")
    assert _recreated(standing, before) == {f"/{standing.called('governance')}"}


@pytest.mark.parametrize("statement", ["ALTER ROLE governance SUPERUSER CREATEDB"])
def test_a_right_that_was_added_by_hand_is_taken_away(standing, statement):
    """What is not declared goes: pyinfra's own role operation leaves it."""
    standing.sql(statement)

    assert "no superuser, no createdb" in _dry(standing)

    standing.deploy("-y")
    query = "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = 'governance'"
    assert standing.sql(query) == "f"


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
