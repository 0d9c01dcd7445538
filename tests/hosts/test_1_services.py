"""What runs is what was declared: healthy, unprivileged, bounded, closed."""

import json
import ssl

import psycopg
import pytest

from apps.ops.ask import CONTAINERS
from schemas.hosts import MEMORY_MAX_MB, RESERVE_MB
from services.anima import UNIT


@pytest.fixture(scope="module")
def containers(standing):
    """docker inspect of each container by its plain name."""
    found = json.loads(standing.docker("inspect", *(standing.called(c) for c in CONTAINERS)))
    return dict(zip(CONTAINERS, found, strict=True))


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_is_healthy_and_comes_back(containers, name):
    """It passes its own check, and docker starts it again when it dies."""
    state = containers[name]["State"]

    assert (state["Status"], state["Health"]["Status"]) == ("running", "healthy")
    assert containers[name]["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_has_no_privilege(containers, name):
    """No root, no capability, nothing to write outside its volumes, no limit missing."""
    config, limits = containers[name]["Config"], containers[name]["HostConfig"]

    assert config["User"] not in {"", "0", "root"}
    assert not limits["Privileged"]
    assert limits["ReadonlyRootfs"]
    assert limits["CapDrop"] == ["ALL"]
    assert not limits["CapAdd"]
    assert "no-new-privileges" in limits["SecurityOpt"]
    assert limits["Memory"] > 0
    assert limits["PidsLimit"] > 0


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_is_published_where_declared(standing, containers, name):
    """Databases on the loopback at most; governance also where Pis may knock."""
    allowed = {"127.0.0.1"}
    if name == "governance":
        allowed |= {str(address) for address in standing.hosts.mac.governance_bind}
    bound = containers[name]["HostConfig"]["PortBindings"] or {}

    assert {b["HostIp"] for bindings in bound.values() for b in bindings} <= allowed


def test_the_service_runs_and_starts_at_boot(pi):
    """systemd has it active and enabled, under its own user."""
    service = pi.service(UNIT)

    assert service.is_running
    assert service.is_enabled


def test_the_service_is_confined(standing, pi):
    """systemd's own judgement of the sandbox is 2.5 or better."""
    said = pi.check_output(f"systemd-analyze security --no-pager {UNIT} | tail -n 1")
    exposure = float(said.split(":")[1].split()[0])

    assert exposure <= 2.5


def test_limits_leave_the_pi_its_reserve(standing, pi):
    """What our units may take together fits the board's memory, with the reserve left over."""
    limit = int(pi.check_output(f"systemctl show -p MemoryMax --value {UNIT}"))

    assert limit / 2**20 == MEMORY_MAX_MB
    assert standing.hosts.pi[0].memory_mb >= MEMORY_MAX_MB + RESERVE_MB


def test_the_kernel_holds_the_limit(pi):
    """The board has a memory controller, and the service's group carries the number."""
    v2 = f"/sys/fs/cgroup/system.slice/{UNIT}/memory.max"
    v1 = "/sys/fs/cgroup/memory/$(grep :memory: /proc/1/cgroup | cut -d: -f3 | sed s,/init.scope,,)"
    v1 += f"/system.slice/{UNIT}/memory.limit_in_bytes"
    said = pi.check_output(f"cat {v2} 2>/dev/null || cat {v1}")

    assert int(said) / 2**20 == MEMORY_MAX_MB


def test_the_service_stays_small(pi):
    """The process holds no more than 40 MB."""
    pid = pi.check_output(f"systemctl show -p MainPID --value {UNIT}")
    status = pi.check_output(f"cat /proc/{pid}/status")
    rss_kb = int(status.split("VmRSS:")[1].split()[0])

    assert rss_kb < 40 * 1024


def test_the_database_file_is_the_users_alone(standing, pi):
    """anima.db and its directory are open to nobody else."""
    home = f"/home/{standing.hosts.pi[0].user}/.anima"

    assert pi.file(home).mode == 0o700
    assert pi.file(f"{home}/anima.db").mode & 0o077 == 0
    assert pi.file(f"{home}/anima.db").user == standing.hosts.pi[0].user


def test_postgres_speaks_tls_13_and_scram_only(standing, loopback):
    """A client that checks the certificate gets in over TLS 1.3; no other way is open."""
    port, secrets = standing.hosts.mac.postgres_port, standing.state / "secrets"
    password = (secrets / "postgres_governance").read_text().strip()
    about = {"host": "localhost", "port": port, "dbname": "governance", "connect_timeout": 5}
    verified = {"sslmode": "verify-full", "sslrootcert": str(secrets / "ca.crt")}

    with psycopg.connect(**about, **verified, user="governance", password=password) as connection:
        row = connection.execute(
            "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        ).fetchone()
    assert row == (True, "TLSv1.3")

    refused = [
        {"sslmode": "disable", "user": "governance", "password": password},
        {**verified, "user": "governance", "password": "wrong"},
        {**verified, "user": "postgres", "password": password},
        {**verified, "ssl_max_protocol_version": "TLSv1.2", "user": "governance",
         "password": password},
        {**verified, "sslrootcert": ssl.get_default_verify_paths().cafile or "/nonexistent",
         "user": "governance", "password": password},
    ]  # fmt: skip
    for attempt in refused:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**{**about, **attempt})


def test_the_services_role_can_do_no_more_than_its_work(standing, loopback):
    """The app's role neither creates, drops, empties nor reads what is not its own."""
    port, secrets = standing.hosts.mac.postgres_port, standing.state / "secrets"
    dsn = {
        "host": "localhost", "port": port, "dbname": "governance", "user": "governance",
        "password": (secrets / "postgres_governance").read_text().strip(),
        "sslmode": "verify-full", "sslrootcert": str(secrets / "ca.crt"), "autocommit": True,
    }  # fmt: skip
    forbidden = (
        "CREATE TABLE core.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "DROP TABLE core.agent_state",
        "TRUNCATE core.agent_state",
        "DELETE FROM core.agent_state",
        "UPDATE core.agent_state SET risk = 0",
        "DELETE FROM audit.events",
        "UPDATE audit.events SET payload = '{}'",
        "SELECT rolpassword FROM pg_authid",
        "COPY core.identities TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT ag_catalog.create_graph('mine')",
        "SELECT ag_catalog.load_labels_from_file('governance_graph', 'Agent', '/etc/passwd')",
        "CREATE ROLE other",
        "ALTER DATABASE governance SET work_mem = '1GB'",
        "SET ROLE governance_owner",
        "SELECT cron.schedule('mine', '* * * * *', 'SELECT 1')",
    )
    with psycopg.connect(**dsn) as connection:
        for statement in forbidden:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_redis_lets_nobody_in_unasked(standing):
    """Without a user nothing works; the probe may ping; the service has its keys only."""
    redis = standing.called("redis")
    raw = '/usr/bin/redis-cli -s "$REDIS_SOCKET" '

    def said(words: str) -> str:
        return standing.docker("exec", redis, "sh", "-c", words, check=False)

    assert "NOAUTH" in said(raw + "GET session:x")
    assert "PONG" in said("REDISCLI_AUTH=none " + raw + "--user health PING")
    assert "NOPERM" in said("REDISCLI_AUTH=none " + raw + "--user health GET session:x")
    password = (standing.state / "secrets" / "redis_governance").read_text().strip()
    as_service = f"REDISCLI_AUTH={password} " + raw + "--user governance "
    assert said(as_service + "GET session:nobody").strip() == ""
    for forbidden in (
        "GET other", "KEYS '*'", "FLUSHALL", "CONFIG GET maxmemory", "SCAN 0", "EVAL 'return 1' 0",
        "SCRIPT FLUSH", "RPUSH other 1",
    ):  # fmt: skip
        assert "NOPERM" in said(as_service + forbidden)
    assert standing.docker("exec", redis, "redis-cli", "DBSIZE").isdecimal()
    assert "noeviction" in standing.docker(
        "exec", redis, "redis-cli", "CONFIG", "GET", "maxmemory-policy"
    )


def test_soulfra_has_a_redis_of_its_own(standing):
    """Neither tenant is anybody in the other's; what is asked for least makes room."""
    redis = standing.called("redis-soulfra")
    raw = '/usr/bin/redis-cli -s "$REDIS_SOCKET" '

    def said(name: str, user: str, words: str) -> str:
        password = (standing.state / "secrets" / f"redis_{user}").read_text().strip()
        as_user = f"REDISCLI_AUTH={password} {raw} --user {user} {words}"
        return standing.docker("exec", name, "sh", "-c", as_user, check=False)

    assert said(redis, "soulfra", "GET loop:nothing:state").strip() == ""
    for forbidden in (
        "GET session:x", "SET loop:x 1", "KEYS '*'", "FLUSHALL", "CONFIG GET maxmemory", "SCAN 0",
        "EVAL 'return 1' 0", "SCRIPT FLUSH", "SHUTDOWN", "PUBLISH a b",
    ):  # fmt: skip
        assert "NOPERM" in said(redis, "soulfra", forbidden)
    assert "NOAUTH" in said(redis, "governance", "GET loop:nothing:state")
    assert "NOAUTH" in said(standing.called("redis"), "soulfra", "GET session:x")
    assert "volatile-lfu" in standing.docker(
        "exec", redis, "redis-cli", "CONFIG", "GET", "maxmemory-policy"
    )
