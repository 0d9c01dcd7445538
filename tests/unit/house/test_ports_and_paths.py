"""A port and a path are written once, in schemas/ports.py."""

import ast
import re

import pytest

from schemas import ports

DECLARED = {name: value for name, value in vars(ports).items() if name.isupper()}
PLACES = ("apps", "services", "templates", "deploy.py", "inventory.py")
TEXTS = (".sh", ".j2", ".conf", ".sql", "Dockerfile")


def spelled(value):
    """A pattern that finds the value where it is not part of something longer."""
    before = r"(?<![\w.])" if isinstance(value, int) else r"(?<!\w)"
    return re.compile(before + re.escape(str(value)) + r"(?![\w])")


SPELLED = {name: spelled(value) for name, value in DECLARED.items()}


def prose(tree):
    """Docstrings, and what a Quantity says of its unit and its source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Quantity":
            yield from node.args


def literals(tree):
    """Line and value of every constant that is not prose."""
    words = {id(node) for node in prose(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in words:
            yield node.lineno, node.value


def repeated(house):
    """Every literal that repeats a declared port or path."""
    for file in house.files(*PLACES):
        for line, value in literals(house.tree(file)):
            if isinstance(value, str | int) and not isinstance(value, bool):
                for name, pattern in SPELLED.items():
                    if pattern.search(str(value)):
                        yield f"{house.name(file)}:{line} repeats ports.{name}"
    for file in house.files(*PLACES, suffixes=TEXTS):
        for line, text in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            code = text.partition("#")[0]
            for name, pattern in SPELLED.items():
                if pattern.search(code):
                    yield f"{house.name(file)}:{line} repeats ports.{name}"


def test_ports_and_paths_are_written_once(house):
    """Everything else reads them."""
    assert not list(repeated(house))


@pytest.mark.parametrize(("name", "value"), DECLARED.items(), ids=DECLARED)
def test_a_repeated_value_is_seen(shed, name, value):
    """As a literal, inside a string, and in a template; not in a docstring."""
    assert list(repeated(shed(apps__a_py=f"x = {value!r}")))
    assert list(repeated(shed(apps__a_py=f"x = f'on {value} {{y}}'")))
    assert list(repeated(shed(**{"apps__a_py": "", "templates__x.j2": f"listen = {value}"})))
    quiet = {"apps__a_py": f'"""Speaks to {value}."""', "templates__x.j2": "# none"}
    assert not list(repeated(shed(**quiet)))
