"""Hosts answer, and only where they should."""

import pytest

from apps.ops.ask import CONTAINERS
from schemas import ports


def test_the_pi_answers_and_runs_systemd(pi):
    """ssh leads to a system whose first process is systemd."""
    assert pi.process.get(pid=1).comm == "systemd"
    assert pi.check_output("systemctl is-system-running || true") in {"running", "degraded"}


def test_docker_answers_on_the_mac(standing):
    """The engine answers to the one who deploys."""
    assert standing.docker("version", "--format", "{{.Server.Version}}")


def test_a_password_opens_nothing(standing, pi):
    """sshd takes keys only, and no root."""
    if standing.hosts.lab is None:
        pytest.skip("sshd of a real Pi is its administrator's; the deploy does not touch it")
    effective = pi.check_output("sshd -T")

    assert "passwordauthentication no" in effective
    assert "kbdinteractiveauthentication no" in effective
    assert "permitrootlogin no" in effective


@pytest.mark.parametrize("port", [ports.POSTGRES, 6379, ports.GOVERNANCE_LOCAL, ports.SOULFRA])
def test_the_pi_reaches_no_database(standing, pi, port):
    """From off the Mac neither Postgres nor Redis nor the open door can be reached."""
    names = [standing.called(name) for name in CONTAINERS]
    probe = "timeout 1 bash -c 'exec 3<>/dev/tcp/{}/{}'"
    # The probe can tell: it reaches what may be reached.
    assert pi.run(probe.format("127.0.0.1", ports.SSH)).rc == 0
    addresses = standing.docker(
        "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", *names
    ).split()

    for address in addresses:
        said = pi.run(probe.format(address, port))
        assert said.rc != 0, f"{address}:{port} answers the Pi"


def test_governance_is_all_the_pi_sees(standing, pi):
    """The door with the token is the one that answers."""
    url = standing.hosts.pi[0].governance_url
    script = f"import urllib.request as u; print(u.urlopen('{url}/health', timeout=5).status)"

    assert pi.check_output(f'python3 -c "{script}"') == "200"


def test_no_detour_leads_the_pi_to_the_open_door(standing, pi):
    """Not even a route through governance itself: its open door hears one network only."""
    if standing.hosts.lab is None:
        pytest.skip("needs the right to change the Pi's routes")
    form = "{{range $name, $at := .NetworkSettings.Networks}}{{$name}}={{$at.IPAddress}} {{end}}"
    said = standing.docker("inspect", "-f", form, standing.called("governance")).split()
    at = dict(each.split("=") for each in said)
    inner, outer = (at[standing.called(name)] for name in ("abode-data", "abode-lan"))

    def answers(address, port):
        return pi.run(f"timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{port}'").rc == 0

    assert answers(outer, ports.GOVERNANCE)
    pi.check_output(f"ip route replace {inner}/32 via {outer}")
    try:
        assert answers(inner, ports.GOVERNANCE), "the detour leads nowhere: nothing was tested"
        assert not answers(inner, ports.GOVERNANCE_LOCAL)
    finally:
        pi.check_output(f"ip route del {inner}/32")
