"""Every instant has an offset, and no error is thrown away."""

import ast

import pytest

PLACES = ("schemas", "apps", "services", "deploy.py", "inventory.py")
NAIVE = {"utcnow", "utcfromtimestamp", "today"}
NEEDS_ZONE = {"now": 1, "fromtimestamp": 2}
"""Called on datetime with fewer arguments than this, they give local time without an offset."""


def naive(node):
    """Whether this call gives a time that does not say where it is."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner, name = ast.unparse(node.func.value).rpartition(".")[2], node.func.attr
    if owner not in {"datetime", "date"}:
        return False
    zoned = len(node.args) >= NEEDS_ZONE.get(name, 0) or any(k.arg == "tz" for k in node.keywords)
    return name in NAIVE or (name in NEEDS_ZONE and not zoned)


def silent(node):
    """Whether this handler forgets what it caught, or does not say what it catches."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    empty = all(
        isinstance(step, ast.Pass)
        or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
        for step in node.body
    )
    return node.type is None or empty


def faults(house):
    """Every naive time and every swallowed error."""
    for file in house.files(*PLACES):
        for node in ast.walk(house.tree(file)):
            if naive(node):
                yield f"{house.name(file)}:{node.lineno} gives a time without an offset"
            if silent(node):
                yield f"{house.name(file)}:{node.lineno} swallows an error"


def test_times_have_offsets_and_errors_are_heard(house):
    """In everything that runs."""
    assert not list(faults(house))


@pytest.mark.parametrize(
    "text",
    [
        "datetime.now()",
        "datetime.datetime.now()",
        "datetime.utcnow()",
        "datetime.fromtimestamp(1)",
        "datetime.datetime.utcfromtimestamp(1)",
        "date.today()",
        "try:\n    x\nexcept:\n    raise",
        "try:\n    x\nexcept OSError:\n    pass",
        "try:\n    x\nexcept OSError:\n    'best effort'\n    ...",
    ],
)
def test_a_fault_is_seen(shed, text):
    """The rule can fail."""
    assert len(list(faults(shed(apps__a_py=text)))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "datetime.now(UTC)",
        "datetime.now(tz=UTC)",
        "datetime.fromtimestamp(1, UTC)",
        "time.monotonic()",
        "try:\n    x\nexcept OSError:\n    dropped += 1",
    ],
)
def test_what_is_right_is_left_alone(shed, text):
    """The rule does not cry wolf."""
    assert not list(faults(shed(apps__a_py=text)))
