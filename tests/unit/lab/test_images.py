"""The base image: what the script leaves behind and what it says, with a docker of our own."""

import os
import subprocess
from pathlib import Path

import pytest

from apps import hosts
from apps.lab import images

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "templates/base/make.sh"
DOCKER = """#!/bin/sh
echo "$*" >>"$ABODE_SAID"
case "$1 $2" in
    "image inspect") [ "$3" = "$ABODE_THERE" ];;
    "pull -q") echo "no such host" >&2; exit "$ABODE_PULL";;
    "import -c") cat >/dev/null;;
esac
"""


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Runs the script; gives its result and what docker was asked."""
    for name, text in {"docker": DOCKER, "mmdebstrap": "#!/bin/sh\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("ABODE_SAID", str(tmp_path / "said"))

    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def run(there="", pull="0", check=True):
        monkeypatch.setenv("ABODE_THERE", there)
        monkeypatch.setenv("ABODE_PULL", pull)
        command = ["sh", str(SCRIPT), hosts.BASE]
        done = subprocess.run(command, capture_output=True, text=True, check=check)
        return done, (tmp_path / "said").read_text().splitlines()

    return run


def test_a_pull_leaves_no_name_but_ours(made):
    """Destroy removes what wears our name; nothing else may stay."""
    done, said = made()

    assert done.stdout == "pulled\n"
    assert said[-2:] == [f"tag debian:trixie-slim {hosts.BASE}", "rmi debian:trixie-slim"]


def test_a_debian_that_was_there_stays(made):
    """It is somebody else's."""
    _, said = made(there="debian:trixie-slim")

    assert not any(line.startswith("rmi") for line in said)


def test_a_failed_pull_says_dockers_own_reason(made):
    """Before it is built from packages instead."""
    done, _ = made(pull="1")

    assert done.stdout == "built\n"
    assert "no such host" in done.stderr


def test_half_a_debian_is_no_image(made, tmp_path):
    """What mmdebstrap wrote before it failed is not imported, and not left in /tmp."""
    (tmp_path / "mmdebstrap").write_text("#!/bin/sh\necho half; echo why >&2; exit 1\n")
    before = set(tmp_path.iterdir())
    done, said = made(pull="1", check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert "why" in done.stderr
    assert not any(line.startswith("import") for line in said)
    assert set(tmp_path.iterdir()) - before == {tmp_path / "said"}


@pytest.mark.parametrize(
    ("said", "how"), [("pulled\n", "pulled"), ("built\n", "built from Debian packages")]
)
def test_how_the_base_came_is_told(monkeypatch, said, how):
    """By the script, not guessed from the image."""
    found = iter([None, {"Id": "sha256:1"}])
    monkeypatch.setattr(images, "inspect", lambda *_: next(found))
    monkeypatch.setattr(images, "_make", lambda _: subprocess.CompletedProcess([], 0, said, ""))

    assert images.base(ROOT)[:2] == ("sha256:1", how)
