"""Data flows one way: schemas, migrations, apps, services, deploy."""

import pytest

MAY_IMPORT = {
    "schemas": {"schemas"},
    "apps": {"schemas", "apps"},
    "services": {"schemas", "apps", "services"},
    "deploy.py": {"schemas", "apps", "services"},
    "inventory.py": {"schemas", "apps", "services"},
}
OURS = {"schemas", "migrations", "apps", "services", "templates", "tests", "deploy", "inventory"}
DEPLOYERS = {"services", "deploy.py", "inventory.py"}


def wrong_imports(house):
    """Every import that goes against the flow, or brings the deployer where it runs."""
    for place, allowed in MAY_IMPORT.items():
        for file in house.files(place):
            for line, module in house.imports(file):
                top = module.partition(".")[0]
                if top in OURS - allowed or (top == "pyinfra" and place not in DEPLOYERS):
                    yield f"{house.name(file)}:{line} imports {module}"


def test_a_room_imports_only_rooms_to_its_left(house):
    """And what runs on a host never imports what puts it there."""
    assert not list(wrong_imports(house))


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("schemas__a_py", "import apps.b"),
        ("schemas__deep__a_py", "from ..apps import b\nfrom apps import b"),
        ("apps__a__b_py", "def late():\n    from services.x import y"),
        ("apps__a_py", "import tests"),
        ("apps__a_py", "import pyinfra.api"),
        ("schemas__a_py", "from pyinfra import host"),
        ("services__a_py", "from deploy import everything"),
        ("deploy_py", "from tests.lab import x"),
    ],
)
def test_an_import_against_the_flow_is_seen(shed, place, text):
    """The rule can fail."""
    assert list(wrong_imports(shed(**{place: text})))


@pytest.mark.parametrize("place", ["services__a_py", "deploy_py", "inventory_py", "tests__a_py"])
def test_the_deployer_is_known_where_it_belongs(shed, place):
    """Services, deploy, inventory and tests may."""
    assert not list(wrong_imports(shed(**{place: "import pyinfra"})))


def test_only_migrate_knows_yoyo(house):
    """One runner, one way to run it."""
    users = {
        house.name(file)
        for file in house.files("schemas", "apps", "services", *DEPLOYERS)
        for _, module in house.imports(file)
        if module.partition(".")[0] == "yoyo"
    }

    assert users
    assert all(name.startswith("apps/migrate/") for name in users)
