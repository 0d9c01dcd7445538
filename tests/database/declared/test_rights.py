"""Who may do what in each tenant's database: declared, granted and tried, as the role itself."""

import uuid

import psycopg
import pytest

from tests.database.conftest import database_made
from tests.database.rights import (
    GRANTED_AS,
    OPEN,
    allowed,
    granted,
    objects,
    others,
    tries,
)

LEAST = {"governance": 900, "soulfra": 400}
"""How many rights of a role are tried."""


@pytest.fixture(scope="module")
def copied(admin_dsn, tenant, template):
    """A copy: whoever tries takes numbers of sequences, and nobody gives them back."""
    name = f"{tenant.line}_{uuid.uuid4().hex[:8]}_test"
    with database_made(admin_dsn, name, template.name, tenant) as made:
        yield made


@pytest.fixture
def owner(copied):
    """The owner, who may grant; what it does is rolled back."""
    with psycopg.connect(copied.owner) as conn:
        yield conn
        conn.rollback()


def test_the_grants_are_those_declared(tenant, owner):
    """Both ways, PUBLIC and default privileges included."""
    assert granted(owner, tenant) == tenant.entries()


@pytest.mark.parametrize("way_in", ["app", "reader", "monitor"])
def test_every_right_is_as_it_is_when_tried(tenant, copied, way_in):
    """Each verb on each object and column, by the role after it logged in."""
    with psycopg.connect(copied.owner) as conn:
        there = [each for each in objects(conn, tenant) if each[1] not in OPEN - {"public"}]
    role = psycopg.conninfo.conninfo_to_dict(getattr(copied, way_in))["user"]
    if role not in tenant.database.connect:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(getattr(copied, way_in))
        return
    mine = {entry[1:] for entry in tenant.entries() if entry[0] == role}
    wrong, tried = [], 0
    with psycopg.connect(getattr(copied, way_in)) as conn:
        assert conn.execute("SELECT session_user, current_user").fetchone() == (role, role)
        for kind, name, parts in there:
            of = GRANTED_AS.get(kind, kind)
            for verb, column, statement in tries(kind, name, parts):
                bare = column.strip('"')
                may = {(of, name, verb, ""), (of, name, verb, bare)} & mine
                tried += 1
                if allowed(conn, statement) is not bool(may):
                    wrong.append(statement)

    assert wrong == []
    assert tried > LEAST[tenant.line]


@pytest.mark.parametrize("how", ["taken away", "added"])
def test_any_other_grant_is_noticed(tenant, owner, how):
    """Each declared one gone, and each other one given, alone: the comparison names it."""
    declared = tenant.entries()
    if how == "taken away":
        plan = [(entry, "REVOKE {} ON {} FROM {} CASCADE") for entry in sorted(declared)]
    else:
        roles = [login.role for login in tenant.logins[1:]]
        there = objects(owner, tenant)
        plan = [(e, "GRANT {} ON {} TO {}") for e in others(there, roles, declared)]
    missed = []
    for (role, kind, name, verb, column), form in plan:
        what = f"{verb} ({column})" if column else verb
        with owner.transaction(force_rollback=True):
            owner.execute(form.format(what, f"{kind} {name}", role))
            if (role, kind, name, verb, column) not in granted(owner, tenant) ^ declared:
                missed.append((role, kind, name, verb, column))

    assert missed == []
    assert len(plan) > 80
