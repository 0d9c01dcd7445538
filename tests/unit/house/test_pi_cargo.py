"""A board of 512 MB carries nothing that belongs to the Mac or to the deployer."""

import subprocess
import sys
import tomllib

import pytest

from services.cargo import PI_CODE

FORBIDDEN = {"pyinfra", "psycopg", "psycopg_pool", "redis", "starlette", "uvicorn", "rich", "typer"}
NOT_ON_THE_PI = {"apps/migrate/postgres.py"}
"""Shipped with its room, imported only when a line lives in Postgres."""

BLOCKED = """
import importlib, pkgutil, sys

class Blocked:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {forbidden}:
            raise ImportError(f"{{name}} is not on the Pi")

sys.meta_path.insert(0, Blocked)
for room in {rooms}:
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, room + "."):
        if module.name not in {left_out} and not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
"""


def ours(house, module):
    """The files that importing ``module`` runs: each package on the way, and itself."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        stem = house.root.joinpath(*parts[:end])
        for file in (stem / "__init__.py", stem.with_suffix(".py")):
            if file.is_file():
                yield file


def closure(house, *rooms):
    """Every file of ours that the rooms run, however far away."""
    left = [file for room in rooms for file in house.files(room)]
    left += [file for room in rooms for file in ours(house, room.replace("/", "."))]
    seen = set()
    while left:
        file = left.pop()
        if file in seen or house.name(file) in NOT_ON_THE_PI:
            continue
        seen.add(file)
        left += [found for _, module in house.imports(file) for found in ours(house, module)]
    return seen


def contraband(house):
    """Every forbidden import in what the Pi runs."""
    for file in sorted(closure(house, "apps/anima", "apps/migrate")):
        for line, module in house.imports(file):
            if module.partition(".")[0] in FORBIDDEN:
                yield f"{house.name(file)}:{line} imports {module}"


def test_the_pi_imports_nothing_of_the_mac(house):
    """Over everything that anima and its migrations reach."""
    assert not list(contraband(house))


@pytest.mark.parametrize("module", sorted(FORBIDDEN))
def test_contraband_is_seen_two_steps_away(shed, module):
    """The rule can fail."""
    files = {"apps__anima__main_py": "from apps import far", "apps__far_py": f"import {module}.x"}

    assert list(contraband(shed(**files)))


def test_whatever_the_pi_imports_is_shipped(house):
    """An import that works here and is missing there is found here."""
    needed = {house.name(file) for file in closure(house, "apps/anima", "apps/migrate")}
    missing = {
        name
        for name in needed
        if not any(name == place or name.startswith(f"{place}/") for place in PI_CODE)
    }

    assert not missing


def test_the_pi_starts_without_the_mac_s_packages(house):
    """Every module is imported by a Python that refuses them."""
    left_out = {name.removesuffix(".py").replace("/", ".") for name in NOT_ON_THE_PI}
    script = BLOCKED.format(
        forbidden=FORBIDDEN, rooms=("schemas", "apps.anima", "apps.migrate"), left_out=left_out
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=house.root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr


def test_the_pi_s_group_names_nothing_of_the_mac(house):
    """What is not installed cannot be imported."""
    groups = tomllib.loads((house.root / "pyproject.toml").read_text())["dependency-groups"]
    locked = (house.root / "locks" / "pi.txt").read_text()

    for module in FORBIDDEN:
        assert not any(str(wanted).startswith(module) for wanted in groups["pi"])
        assert f"\n{module.replace('_', '-')}==" not in f"\n{locked}"
