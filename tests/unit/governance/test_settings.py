"""What governance is told by its environment."""

import tomllib
from pathlib import Path

import pytest

from apps.governance import VERSION
from apps.governance.settings import data_settings, settings
from apps.postgres import place, pool
from schemas import ports
from schemas.errors import Refused

ROOT = Path(__file__).parents[3]
SET = {
    "DB_POSTGRES_URL": "postgresql://governance:hush@/governance?host=/run/postgresql",
    "AGENT_TOKENS_FILE": "/run/abode/tokens.json",
}


def test_defaults_come_from_the_ports():
    """Written in one place."""
    told = settings({**SET, "PATH": "/bin"})

    assert (told.port, told.local_port) == (ports.GOVERNANCE, ports.GOVERNANCE_LOCAL)
    assert str(told.redis.socket) == ports.REDIS_SOCKET
    assert (told.postgres.min_conn, told.postgres.max_conn) == (2, 10)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"DB_BACKEND": "sqlite"}, "DB_BACKEND: unknown setting"),
        ({"GOVERNANCE_PROT": "1"}, "GOVERNANCE_PROT: unknown setting"),
        ({"GOVERNANCE_PORT": "port"}, "GOVERNANCE_PORT: "),
        ({"GOVERNANCE_PORT": "8769"}, "both doors are on port 8769"),
        ({"DB_POSTGRES_MAX_CONN": "1"}, "DB_POSTGRES_MAX_CONN: "),
        ({"DB_POSTGRES_URL": "mysql://root:hush@db"}, "DB_POSTGRES_URL: "),
        ({"DB_AGE_GRAPH": "hush"}, "DB_AGE_GRAPH: no such graph is declared"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(change, said):
    """And its value, which may be a secret, is not shown."""
    with pytest.raises(Refused) as caught:
        settings({**SET, **change})

    assert said in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(SET))
def test_what_must_be_set_is_missed_by_name(name):
    """There is no default store and no open door."""
    with pytest.raises(Refused, match=f"{name}: is not set"):
        settings({key: value for key, value in SET.items() if key != name})


def test_the_place_of_postgres_names_no_password():
    """It goes into log lines."""
    told = settings(SET)

    assert place(told.postgres) == "/run/postgresql/governance"


def test_a_pool_that_cannot_be_is_refused():
    """More at least than at most."""
    told = settings({**SET, "DB_POSTGRES_MIN_CONN": "11"})

    with pytest.raises(Refused, match="DB_POSTGRES_MIN_CONN: 11 is above"):
        pool(told.postgres)


def test_the_version_is_the_projects():
    """/health and the handshake say it; a container has no metadata to ask."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["version"] == VERSION


def test_the_data_api_needs_the_store_alone():
    """What else the process is told it neither needs nor minds; a DB_ name it must know."""
    told = data_settings({"DB_POSTGRES_URL": SET["DB_POSTGRES_URL"], "AGENT_OTHER": "x"})

    assert (told.postgres.min_conn, told.postgres.max_conn) == (2, 10)
    assert told.graph == "governance_graph"
    with pytest.raises(Refused, match="DB_BACKEND: unknown setting"):
        data_settings({**SET, "DB_BACKEND": "sqlite"})
    with pytest.raises(Refused, match="DB_POSTGRES_URL: is not set"):
        data_settings({})
