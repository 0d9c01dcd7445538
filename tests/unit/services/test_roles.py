"""What is run so that roles and databases are as declared; nothing when they are."""

from dataclasses import replace

import pytest

from schemas.postgres import Database, Login
from services.roles import Role, database_sql, extension_sql, role_sql
from services.secrets import scram_verifier

ROLE = Role(Login("governance", "", "", limit=30), "hush")
COPIER = Role(Login("copier", "", "", limit=3, replication=True, member_of=("pg_monitor",)), "hush")
PLAIN = {
    "login": True, "inherit": True, "superuser": False, "createdb": False, "createrole": False,
    "replication": False, "bypassrls": False, "limit": 30,
    "verifier": scram_verifier("hush"), "member_of": None, "members": None, "settings": None,
}  # fmt: skip
DATABASE = Database("governance", "owner", ("governance",), {"TimeZone": "UTC"}, {"age": None},
                    usage={"ag_catalog": True})  # fmt: skip
CLOSED = ["FUNCTIONS", "TYPES"]
INSIDE = {"extensions": {"age": "1.5.0"}, "available": {"age": "1.5.0"},
          "usage": {"ag_catalog": {"owner": "U*"}}, "age_closed": True, "large_closed": True,
          "closed": CLOSED}  # fmt: skip


def sql(steps) -> list[str]:
    """What is run."""
    return [statement for _, statement in steps]


def test_a_role_as_declared_needs_nothing():
    """The stored verifier is checked, the password is not sent again."""
    copier = {**PLAIN, "limit": 3, "replication": True, "member_of": ["pg_monitor"]}

    assert list(role_sql(ROLE, PLAIN)) == []
    assert list(role_sql(COPIER, copier)) == []


@pytest.mark.parametrize("right", ["superuser", "createdb", "createrole", "bypassrls"])
def test_a_right_too_many_is_taken_away(right):
    """A superuser becomes what was declared."""
    [(said, statement)] = role_sql(ROLE, {**PLAIN, right: True})

    assert f"no {right}" in said
    assert f"NO{right.upper()}" in statement


@pytest.mark.parametrize(
    "other", [{"login": False}, {"inherit": False}, {"limit": -1}, {"replication": True}]
)
def test_an_attribute_that_differs_is_set(other):
    """Whatever else a role may be told."""
    wanted = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT"
    [statement] = sql(role_sql(ROLE, {**PLAIN, **other}))

    assert statement == f"ALTER ROLE governance {wanted} CONNECTION LIMIT 30;"


def test_another_password_is_sent_as_a_verifier():
    """The statement holds no password: the server's log may show it."""
    [(said, statement)] = role_sql(ROLE, {**PLAIN, "verifier": scram_verifier("old")})

    assert "secret" in said
    assert "hush" not in statement
    assert "SCRAM-SHA-256$4096:" in statement
    assert "hush" not in repr(ROLE)


def test_a_new_role_can_log_in_and_do_what_is_declared():
    """No right beyond LOGIN is given unasked."""
    [plain] = sql(role_sql(ROLE, None))
    copier, group = sql(role_sql(COPIER, None))

    assert "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS" in plain
    assert "NOCREATEROLE REPLICATION NOBYPASSRLS" in copier
    assert group == "GRANT pg_monitor TO copier;"


def test_memberships_and_settings_that_nobody_declared_go():
    """Both ways: whose rights it has, and who has its."""
    found = {**PLAIN, "member_of": ["pg_write_all_data"], "members": ["someone"],
             "settings": ["", "governance"]}  # fmt: skip

    assert sql(role_sql(ROLE, found)) == [
        "REVOKE pg_write_all_data FROM governance;",
        "REVOKE governance FROM someone;",
        "ALTER ROLE governance RESET ALL;",
        "ALTER ROLE governance IN DATABASE governance RESET ALL;",
    ]


def test_a_database_as_declared_needs_nothing():
    """Owner, settings, closed to the public, open to its role."""
    found = {"owner": "owner", "settings": ["TimeZone=UTC"],
             "acl": "{owner=CTc/owner,governance=c/owner}"}  # fmt: skip

    assert list(database_sql(DATABASE, found)) == []


def test_a_database_open_to_the_public_is_closed():
    """An entry without a grantee is the public's; no list at all means its defaults."""
    found = {"owner": "owner", "settings": ["TimeZone=UTC"],
             "acl": "{=Tc/owner,owner=CTc/owner,governance=c/owner}"}  # fmt: skip

    assert sql(database_sql(DATABASE, found)) == ["REVOKE ALL ON DATABASE governance FROM PUBLIC;"]
    [*_, (_, revoke), (_, grant)] = database_sql(DATABASE, {**found, "acl": None})
    assert revoke == "REVOKE ALL ON DATABASE governance FROM PUBLIC;"
    assert grant == "GRANT CONNECT ON DATABASE governance TO governance;"


def test_rights_and_settings_that_nobody_declared_go():
    """One right too many is taken with all the others, and the declared one given again."""
    found = {"owner": "owner", "settings": ["TimeZone=UTC", "work_mem=1MB"],
             "acl": "{owner=CTc/owner,governance=Tc/owner,other=c/owner}"}  # fmt: skip

    assert sql(database_sql(DATABASE, found)) == [
        "ALTER DATABASE governance RESET work_mem;",
        "REVOKE ALL ON DATABASE governance FROM governance;",
        "REVOKE ALL ON DATABASE governance FROM other;",
        "GRANT CONNECT ON DATABASE governance TO governance;",
    ]


def test_extensions_as_declared_need_nothing():
    """Installed, at the image's version, open to the owner alone."""
    assert list(extension_sql(DATABASE, INSIDE)) == []


def test_an_old_extension_is_updated_and_a_retired_one_dropped():
    """The version that the image brings is the one in force."""
    wanted = replace(DATABASE, retired={"pg_partman": "partman"})
    found = {**INSIDE, "extensions": {"age": "1.4.0", "pg_partman": "5.2.4"}}

    assert sql(extension_sql(wanted, found)) == [
        "DROP EXTENSION pg_partman;DROP SCHEMA IF EXISTS partman;",
        "ALTER EXTENSION age UPDATE;",
    ]


def test_nobody_but_the_owner_looks_into_age():
    """A reader would be a writer; the owner may let the app in, the app nobody."""
    found = {**INSIDE, "usage": {"ag_catalog": {"": "U", "governance": "U*", "owner": "U"}}}

    assert sql(extension_sql(DATABASE, found)) == [
        "REVOKE ALL ON SCHEMA ag_catalog FROM PUBLIC CASCADE;",
        "REVOKE ALL ON SCHEMA ag_catalog FROM governance CASCADE;",
        "REVOKE ALL ON SCHEMA ag_catalog FROM owner CASCADE;",
        "GRANT USAGE ON SCHEMA ag_catalog TO owner WITH GRANT OPTION;",
    ]


def test_a_new_database_is_made_closed():
    """Extensions, then their schemas, then what later objects leave open."""
    nothing = {"extensions": {}, "available": {}, "usage": {}, "age_closed": None,
               "large_closed": False, "closed": []}  # fmt: skip
    later = "ALTER DEFAULT PRIVILEGES FOR ROLE owner REVOKE ALL ON"

    create, take, let, tools, large, *later_ones = sql(extension_sql(DATABASE, nothing))

    assert create == "CREATE EXTENSION age;"
    assert take == "REVOKE ALL ON SCHEMA ag_catalog FROM PUBLIC CASCADE;"
    assert let == "GRANT USAGE ON SCHEMA ag_catalog TO owner WITH GRANT OPTION;"
    assert "load_labels_from_file" in tools.partition("FROM PUBLIC")[0]
    assert "load_labels_from_file" not in tools.partition("FROM PUBLIC")[2]
    assert large.startswith("REVOKE ALL ON FUNCTION pg_catalog.lo_creat(integer), ")
    assert later_ones == [f"{later} FUNCTIONS FROM PUBLIC;", f"{later} TYPES FROM PUBLIC;"]


def test_an_open_tool_of_age_is_closed():
    """One function that everybody may call is enough."""
    [statement] = sql(extension_sql(DATABASE, {**INSIDE, "age_closed": False}))

    assert statement.startswith("REVOKE ALL ON FUNCTION ag_catalog.create_graph(name), ")
