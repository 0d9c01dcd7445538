"""What is installed is what was locked, byte for byte."""

import re
import tomllib

import pytest

GROUPS = ("pi", "i2c", "mac", "deploy", "paper", "dev")
WITHOUT_MARKERS = ("pi", "i2c", "mac")
"""Read by pip for another machine than the one that runs it."""


def normal(name):
    """A distribution's name as an index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(text):
    """Each requirement of a lock: its first line, and how many hashes follow it."""
    whole = text.replace("\\\n", " ")
    for line in whole.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.partition("--hash")[0].strip(), line.count("--hash=sha256:")


def faults(text, *, markers):
    """Every requirement that is not pinned, has no hash, or speaks of another machine."""
    for pinned, hashes in requirements(text):
        if not re.match(r"[A-Za-z0-9._-]+==\S+", pinned):
            yield f"{pinned}: not pinned"
        if not hashes:
            yield f"{pinned}: no hash"
        if ";" in pinned and not markers:
            yield f"{pinned}: has a marker"


def wanted(groups, name):
    """The distributions that a group asks for, with those of the groups it includes."""
    for entry in groups[name]:
        if isinstance(entry, dict):
            yield from wanted(groups, entry["include-group"])
        else:
            yield normal(re.match(r"[A-Za-z0-9._-]+", entry)[0])


@pytest.fixture
def groups(house):
    """The dependency groups of pyproject.toml."""
    return tomllib.loads((house.root / "pyproject.toml").read_text())["dependency-groups"]


@pytest.fixture
def lock(house):
    """The text of a lock."""
    return lambda name: (house.root / "locks" / f"{name}.txt").read_text()


def test_every_group_is_locked(groups, house):
    """And no lock is left of a group that is gone."""
    assert set(groups) == set(GROUPS)
    assert {file.stem for file in (house.root / "locks").glob("*.txt")} == set(GROUPS)


@pytest.mark.parametrize("name", GROUPS)
def test_every_requirement_is_pinned_with_its_hash(lock, name):
    """Pip takes nothing else; lists for other machines have no markers."""
    assert list(requirements(lock(name)))
    assert not list(faults(lock(name), markers=name not in WITHOUT_MARKERS))


@pytest.mark.parametrize("name", GROUPS)
def test_every_name_of_a_group_is_in_its_lock(groups, lock, name):
    """A dependency that was added and not locked is found here."""
    locked = {normal(re.split(r"[=\[]", pinned)[0]) for pinned, _ in requirements(lock(name))}

    assert not set(wanted(groups, name)) - locked


@pytest.mark.parametrize(
    "text",
    [
        "a>=1 --hash=sha256:00",
        "a==1",
        "a==1 \\\n    --hash=md5:00",
        "a==1 ; python_version < '3.13' \\\n    --hash=sha256:00",
    ],
)
def test_a_loose_requirement_is_seen(text):
    """The rule can fail."""
    assert list(faults(text, markers=False))
