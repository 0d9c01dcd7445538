"""Deploying again changes nothing: by pyinfra's count, and by what docker and systemd say."""

import json

from services.anima import UNIT


def _unit(pi):
    return pi.check_output(f"systemctl show {UNIT} -p MainPID,ExecMainStartTimestampMonotonic")


def test_a_second_deploy_changes_nothing(standing, pi):
    """No operation reports a change; no container and no process was started anew."""
    containers, unit = standing.started(), _unit(pi)

    said = json.loads(standing.deploy("-y", "--json").stdout)

    assert said["results"]["totals"]["success"] == 0
    assert said["results"]["totals"]["error"] == 0
    assert said["results"]["totals"]["no_change"] > 20
    assert (standing.started(), _unit(pi)) == (containers, unit)


def test_a_dry_run_of_what_is_there_proposes_nothing(standing):
    """The plan of a deployed house is empty."""
    plan = json.loads(standing.deploy("--dry", "--json").stdout)["plan"]

    assert [step["name"] for step in plan if step["hosts_with_change"]] == []
