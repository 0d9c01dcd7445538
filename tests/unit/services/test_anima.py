"""What the process is told by the deploy is what it understands."""

import re
import runpy
import subprocess
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from apps import hosts
from apps.anima.settings import VARIABLES, Settings, read
from apps.lab.hosts import as_toml
from schemas.errors import Refused
from schemas.hosts import Hosts, PiHost
from services.anima import environment, lines
from services.house import House
from services.told import ELSEWHERE, SETTABLE, told

ROOT = Path(__file__).resolve().parents[3]
SAID = {
    "ssh": {"hostname": "pi.local", "user": "admin"},
    "governance_url": "http://mac:8767",
}


@pytest.mark.parametrize("creature", [None, "Lumen", "Lumen the 2nd", "Ю"])
def test_the_creature_is_called_as_the_hosts_file_says(creature, tmp_path):
    """And not at all without it: then it is called as before."""
    token = tmp_path / "token"
    token.write_text("x")
    told = environment(PiHost.model_validate(SAID | {"creature": creature}), "/home/anima")

    assert set(told) <= set(VARIABLES)
    assert read(told | {"GOVERNANCE_TOKEN_FILE": str(token)}).name == creature


@pytest.mark.parametrize(
    "creature", ["", " Lumen", "a\nB=1", "it's", 'say "hi"', "#1", "a\\", "$HOME"]
)
def test_a_name_that_systemd_would_not_read_as_it_stands_is_refused(creature):
    """An environment file has quotes, comments and escapes."""
    with pytest.raises(ValidationError, match="creature"):
        PiHost.model_validate(SAID | {"creature": creature})


EVERY = {
    "sense_every_seconds": 0.5,
    "check_in_every_seconds": 30,
    "state_every_seconds": 120.0,
    "record_every_marks": 20,
    "commit_every_seconds": 1e-3,
    "write_budget_bytes": 2**30,
    "archive_limit_bytes": 0,
    "outbox_limit_bytes": 2**21,
    "seed": -7,
    "source": """replay:/a b/"$HOME" `id` it's #1; C:\\n\\\\ %h ü.csv""",
    "feelings": "/home/anima/.anima/ $x.toml",
}


def pi_of(**settings):
    """A Pi with settings of its own."""
    return PiHost.model_validate(SAID | {"settings": settings})


def test_every_setting_of_the_process_can_be_said():
    """By a key of its own, by the deploy, or under settings; the example shows them all."""
    text = (ROOT / "hosts.example.toml").read_text()
    part = text.partition("[pi.settings]")[2].partition("[pi.ssh]")[0]

    assert set(EVERY) == set(SETTABLE) == set(Settings.model_fields) - set(ELSEWHERE)
    assert set(re.findall(r"^(?:# )?(\w+) = ", part, re.MULTILINE)) == set(SETTABLE)
    for said in (text, text.replace("# feelings", "feelings").replace("# seed", "seed")):
        assert told(Hosts.model_validate(tomllib.loads(said)).pi[0])


def test_what_hosts_toml_says_is_what_the_process_reads(tmp_path):
    """Through TOML, the environment file and the Pi's own reader, odd signs and all."""
    file, token, where = tmp_path / "hosts.toml", tmp_path / "token", tmp_path / "anima.env"
    token.write_text("x")
    file.write_text(as_toml(Hosts(pi=(pi_of(**EVERY),))))
    (pi,) = hosts.read(file).pi
    where.write_text(lines(environment(pi, pi.home)))
    # Double quotes are to systemd what they are to a shell.
    shell = ["sh", "-c", f"set -a; . {where}; exec env -0"]
    said = subprocess.run(shell, env={}, capture_output=True, text=True, check=True).stdout
    variables = dict(each.split("=", 1) for each in said.split("\0") if "=" in each)
    kept = {key: value for key, value in variables.items() if key in VARIABLES}
    found = read(kept | {"GOVERNANCE_TOKEN_FILE": str(token)})

    for name, value in EVERY.items():
        assert getattr(found, name) == (Path(value) if name == "feelings" else value)
    assert len(where.read_text().splitlines()) == len(EVERY) + 5


def test_a_lab_says_nothing_where_there_is_nothing_to_say():
    """An older checkout that shares the lab reads its hosts.toml, too."""
    assert "settings" not in as_toml(Hosts(pi=(pi_of(),)))


@pytest.mark.parametrize(
    ("settings", "where", "hint"),
    [
        ({"recrd_every_marks": 20}, "settings.recrd_every_marks: unknown", "'record_every_marks'?"),
        ({"colour": "red"}, "settings.colour: unknown key", "keys are archive_limit_bytes, "),
        ({"name": "Lumen"}, "settings.name: has its own key", "pi.creature"),
        ({"governance_token": "x"}, "settings.governance_token: has", "the deploy makes it"),
        ({"record_every_marks": 0}, "settings.record_every_marks: Input should be", "Settings"),
        ({"record_every_marks": True}, "settings.record_every_marks: Input should be", "Settings"),
        ({"record_every_marks": "20"}, "settings.record_every_marks: Input should be", "Settings"),
        ({"record_every_marks": [20]}, "settings.record_every_marks: Input should be", "Settings"),
        ({"feelings": "here.toml"}, "settings.feelings: must be an absolute", "Settings"),
        ({"source": "replay:/a\x1b"}, "settings.source: is not one printable", "printable text"),
        ({"feelings": "/a\nANIMA_SEED=1"}, "settings.feelings: is not one", "printable text"),
    ],
)
def test_a_setting_that_the_process_would_not_take_is_refused(settings, where, hint):
    """Where, what, and what next."""
    with pytest.raises(Refused) as refused:
        told(pi_of(**settings))

    assert f"hosts.toml: pi: {where}" in refused.value.message
    assert hint in refused.value.hint


def test_it_is_refused_before_any_host_is_asked(tmp_path, monkeypatch, capsys):
    """The inventory is read first of all, and there is no deploy without it."""
    house = House(Hosts(pi=(pi_of(colour="red"),)), tmp_path)
    monkeypatch.setattr("services.house.house", lambda: house)
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(ROOT / "inventory.py"))

    assert left.value.code == Refused.exit_code
    assert "settings.colour: unknown key" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
