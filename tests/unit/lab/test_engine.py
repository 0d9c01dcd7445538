"""Whose engine it is: started by us, by the package that we installed, or by somebody else."""

import json
import os
import subprocess
import sys

import pytest

from apps.lab import down, engine, packages, process
from apps.lab.lab import Lab


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A Debian without systemd where no engine answers yet; gives its pid file."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(packages, "can_install", lambda: True)
    monkeypatch.setattr(packages, "systemd_runs", lambda: False)
    monkeypatch.setattr(engine, "start", lambda notes: pytest.fail("a second dockerd"))
    monkeypatch.setattr(process, "name", lambda pid: "dockerd" if process.started(pid) else None)
    monkeypatch.setattr(engine, "PID_FILES", (tmp_path / "docker.pid",))
    monkeypatch.setattr(engine, "answers", lambda: False)
    return tmp_path / "docker.pid"


def answers_after(monkeypatch, done):
    """The engine answers once ``done`` is not empty."""
    monkeypatch.setattr(engine, "answers", lambda: bool(done))


def test_the_packages_own_dockerd_is_taken_over(bare, tmp_path, monkeypatch):
    """With a warm cache apt fetches nothing in 0 s; the package starts its dockerd all the same."""
    done = []

    def install():
        bare.write_text(f"{os.getpid()}\n")
        done.append("docker.io")
        return 0.0

    monkeypatch.setattr(engine, "_install", install)
    answers_after(monkeypatch, done)

    assert engine.have(tmp_path / "notes") == ("installed and started", 0.0)
    assert engine.noted(tmp_path / "notes") == f"dockerd {process.mark()}"


def test_an_engine_that_lacked_a_client_is_not_ours(bare, tmp_path, monkeypatch):
    """It ran before us and runs after us."""
    bare.write_text(f"{os.getpid()}\n")
    done = []
    monkeypatch.setattr(engine, "_install", lambda: done.append("docker-cli") or 1.5)
    answers_after(monkeypatch, done)

    assert engine.have(tmp_path / "notes") == ("answers", 1.5)
    assert engine.noted(tmp_path / "notes") is None


def test_nothing_missing_means_start_it(bare, tmp_path, monkeypatch):
    """Installed, but not running."""
    started = []
    monkeypatch.setattr(engine, "_install", lambda: None)
    monkeypatch.setattr(engine, "start", started.append)

    assert engine.have(tmp_path / "notes") == ("started", 0.0)
    assert started == [tmp_path / "notes"]


def test_a_pid_file_of_a_dead_dockerd_says_nothing(bare):
    """Also when another program has its number now."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    bare.write_text(f"{ended.pid}\n")

    assert engine.running() is None


@pytest.fixture
def stopped(monkeypatch, tmp_path):
    """A checkout whose engine we started, all of it faked; gives it and what was stopped."""
    monkeypatch.setenv("LAB", "probe")
    notes = tmp_path / ".abode/engine"
    notes.mkdir(parents=True)
    (notes / "engine.json").write_text(json.dumps({"process": "7:1"}))
    seen = []
    monkeypatch.setattr(down.engine, "answers", lambda: True)
    monkeypatch.setattr(down.engine, "stop", lambda path: seen.append(path) or "engine (dockerd)")
    monkeypatch.setattr(down.owner, "remove", lambda lab: [])
    monkeypatch.setattr(down.owner, "labs", set)
    monkeypatch.setattr(down, "_remove_images", list)
    return tmp_path, seen


def test_destroy_stops_an_engine_that_nobody_uses(stopped, monkeypatch):
    """We started it, so it goes."""
    root, seen = stopped
    monkeypatch.setattr(down, "docker", lambda *_: "")

    assert down.destroy(root) == (["engine (dockerd)"], [])
    assert seen == [Lab.here(root).home / ".abode/engine"]


def test_destroy_leaves_an_engine_that_a_person_uses(stopped, monkeypatch):
    """Their own containers run on it; it is said."""
    root, seen = stopped
    monkeypatch.setattr(down, "docker", lambda *_: "web\nblog")

    assert down.destroy(root) == ([], ["engine (dockerd 7:1): in use by blog, web"])
    assert seen == []


def test_pid_files_of_the_dead_are_removed(monkeypatch, tmp_path):
    """A number that is another process by now is no dockerd; a living dockerd keeps its file."""
    reused, living, gone = (tmp_path / name for name in ("docker.pid", "other.pid", "ctr.pid"))
    reused.write_text(f"{os.getpid()}\n")
    living.write_text("1\n")
    gone.write_text("4194304\n")
    monkeypatch.setattr(engine, "PID_FILES", (reused, living))
    monkeypatch.setattr(engine, "CONTAINERD_PID_FILE", gone)
    monkeypatch.setattr(process, "name", {os.getpid(): "python", 1: "dockerd"}.get)

    engine._forget_the_dead()

    assert [path.exists() for path in (reused, living, gone)] == [False, True, False]
