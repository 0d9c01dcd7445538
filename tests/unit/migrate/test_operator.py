"""abode migrate: the operator's words reach the runner, wherever the database is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apps.migrate.lines import ENGINES, line
from apps.ops import migrate as operator
from apps.ops.cli import app
from schemas import ports
from schemas.errors import Refused, Unreachable

ROOT = Path(__file__).parents[3]
ANIMA = line("anima").migrations()
ABODE = Path(sys.executable).with_name("abode")
HOSTS = """
[mac]
name = "mac"
memory_mb = 16384
postgres_port = 1
governance_port = 2
governance_bind = []
"""
PI = """
[[pi]]
name = "{name}"
agent = "lumen{n}"
user = "anima"
operator_keys = []
governance_url = "http://mac:8767"
memory_mb = 512
draw_every_seconds = 1.0
i2c = false
ssh = {{ hostname = "127.0.0.1", user = "abode", port = 9 }}
"""


def run(*words):
    """Ask as the operator does; gives exit code and stdout, or raises an error of the house."""
    result = CliRunner().invoke(app, ["migrate", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


@pytest.fixture
def hosts(tmp_path, monkeypatch):
    """Hosts in force with as many Pis as asked for, below an ssh that is a script here."""

    def made(*names, script='exec sh -c "$last"'):
        text = HOSTS + "".join(PI.format(name=each, n=n) for n, each in enumerate(names))
        (tmp_path / "hosts.toml").write_text(text)
        ssh = tmp_path / "bin" / "ssh"
        ssh.parent.mkdir(exist_ok=True)
        ssh.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/said\nfor last; do :; done\n{script}\n')
        ssh.chmod(0o755)
        monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
        monkeypatch.delenv("LAB", raising=False)
        monkeypatch.setattr("apps.ops.migrate_cli.ROOT", tmp_path)
        return tmp_path

    return made


def test_a_file_here_is_migrated_here(tmp_path):
    """The whole way there and back."""
    file = tmp_path / "a.db"
    assert run("anima", "status", "--check", "--file", file)[0] == 3
    code, said = run("anima", "apply", "--file", file, "--json")
    assert (code, len(json.loads(said)["ran"])) == (0, len(ANIMA))
    assert run("anima", "apply", "--file", file) == (0, "anima: nothing to do\n")
    plan = run("anima", "plan", "--rollback", "1", "--file", file)[1]
    assert plan.startswith(f"-- roll back {ANIMA[-1][:4]}")
    assert run("anima", "rollback", "--to", "0000", "--file", file, "--yes")[0] == 0
    assert run("anima", "status", "--check", "--file", file)[0] == 5


def test_the_pi_s_database_is_reached_as_its_service(hosts):
    """With the release that is there; its exit code and its words come back."""
    root = hosts("pi", script="echo '{\"told\": 1}'; echo working >&2; exit 6")
    done = subprocess.run(
        [sys.executable, "-c", _MAIN.format(root=root), "migrate", "anima", "apply", "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        env=dict(os.environ) | {"NO_COLOR": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (6, '{"told": 1}\n', "working\n")
    said = (root / "said").read_text()
    assert "anima@127.0.0.1 " in said
    assert f"cd {ports.ANIMA_CODE_DIR}/current/code && exec ../venv/bin/python -u -m" in said
    assert "apps.migrate anima apply --wait 10" in said
    assert "--json --database /home/anima/.anima/anima.db" in said


_MAIN = """
import pathlib, sys
from apps.ops import cli, migrate_cli
migrate_cli.ROOT = pathlib.Path({root!r})
sys.argv[0] = "abode"
sys.exit(cli.main())
""".replace("{root!r}", "'{root}'")


def test_a_pi_that_does_not_answer_is_unreachable(hosts, monkeypatch):
    """What ssh said last; at a terminal it has said it there."""
    root = hosts("pi", script="echo 'ssh: connect to host: No route to host' >&2; exit 255")
    with pytest.raises(Unreachable, match="pi: ssh: connect to host: No route to host"):
        run("anima", "status")
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda _: True})())
    with pytest.raises(Unreachable, match="pi: ssh failed"):
        operator.run("anima", "rollback", [], operator.Where(root))


def test_of_several_pis_one_is_named(hosts):
    """Never the first by accident."""
    hosts("one", "two", script="exit 0")
    with pytest.raises(Refused, match="which Pi: there are one, two"):
        run("anima", "status")
    with pytest.raises(Refused, match="no Pi 'three'"):
        run("anima", "status", "--pi", "three")
    assert run("anima", "status", "--pi", "two")[0] == 0


def test_words_that_do_not_fit_the_line_are_refused(hosts, tmp_path):
    """Before anything is reached."""
    hosts("pi")
    with pytest.raises(Refused, match="no line 'animal'"):
        run("animal", "status")
    with pytest.raises(Refused, match="lives in Postgres, not in a file"):
        run("governance", "status", "--file", tmp_path / "a.db")
    with pytest.raises(Refused, match="lives on the Mac"):
        run("governance", "status", "--pi", "pi")
    with pytest.raises(Refused, match="no password yet"):
        run("governance", "status")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("abode migrate ", {*ENGINES}), ("abode migrate an", {"anima"}),
     ("abode migrate anima ", {"status", "plan", "apply", "rollback", "check", "new", "adopt"}),
     ("abode migrate anima apply --no", {"--no-backup"})],
)  # fmt: skip
def test_the_shell_completes_lines_verbs_and_flags(typed, offered):
    """As bash asks for it."""
    words = typed.split(" ")
    env = {
        "_ABODE_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [ABODE], capture_output=True, text=True, check=False, timeout=60, env=dict(os.environ) | env
    )
    assert set(done.stdout.split()) == offered
