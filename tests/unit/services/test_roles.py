"""What is run so that roles and databases are as declared; nothing when they are."""

from services.roles import Database, Role, database_sql, extension_sql, role_sql
from services.secrets import scram_verifier

ROLE = Role("governance", "hush", limit=30)
PLAIN = {
    "login": True, "superuser": False, "createdb": False, "createrole": False,
    "replication": False, "bypassrls": False, "limit": 30,
}  # fmt: skip
DATABASE = Database("governance", "owner", ("governance",), {"TimeZone": "UTC"}, {"age": None})


def test_a_role_as_declared_needs_nothing():
    """The stored verifier is checked, the password is not sent again."""
    assert list(role_sql(ROLE, {**PLAIN, "verifier": scram_verifier("hush")})) == []


def test_a_right_too_many_is_taken_away():
    """A superuser becomes what was declared."""
    found = {**PLAIN, "superuser": True, "verifier": scram_verifier("hush")}
    [(said, sql)] = role_sql(ROLE, found)

    assert "no superuser" in said
    assert "NOSUPERUSER" in sql


def test_another_password_is_sent_as_a_verifier():
    """The statement holds no password: the server's log may show it."""
    [(said, sql)] = role_sql(ROLE, {**PLAIN, "verifier": scram_verifier("old")})

    assert "secret" in said
    assert "hush" not in sql
    assert "SCRAM-SHA-256$4096:" in sql
    assert "hush" not in repr(ROLE)


def test_a_new_role_can_log_in_and_nothing_else():
    """No right beyond LOGIN is ever given."""
    [(_, sql)] = role_sql(ROLE, None)

    assert "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS" in sql


def test_a_database_as_declared_needs_nothing():
    """Owner, settings, closed to the public, open to its role."""
    found = {"owner": "owner", "settings": ["TimeZone=UTC"],
             "acl": "{owner=CTc/owner,governance=c/owner}"}  # fmt: skip

    assert list(database_sql(DATABASE, found)) == []


def test_a_database_open_to_the_public_is_closed():
    """An entry without a grantee is the public's; no list at all means its defaults."""
    found = {"owner": "owner", "settings": ["TimeZone=UTC"],
             "acl": "{=Tc/owner,owner=CTc/owner,governance=c/owner}"}  # fmt: skip

    assert [sql for _, sql in database_sql(DATABASE, found)] == [
        "REVOKE ALL ON DATABASE governance FROM PUBLIC;"
    ]
    [*_, (_, revoke), (_, grant)] = database_sql(DATABASE, {**found, "acl": None})
    assert revoke == "REVOKE ALL ON DATABASE governance FROM PUBLIC;"
    assert grant == "GRANT CONNECT ON DATABASE governance TO governance;"


def test_rights_and_settings_that_nobody_declared_go():
    """One right too many is taken with all the others, and the declared one given again."""
    found = {"owner": "owner", "settings": ["TimeZone=UTC", "work_mem=1MB"],
             "acl": "{owner=CTc/owner,governance=Tc/owner,other=c/owner}"}  # fmt: skip

    assert [sql for _, sql in database_sql(DATABASE, found)] == [
        "ALTER DATABASE governance RESET work_mem;",
        "REVOKE ALL ON DATABASE governance FROM governance;",
        "REVOKE ALL ON DATABASE governance FROM other;",
        "GRANT CONNECT ON DATABASE governance TO governance;",
    ]


def test_an_old_extension_is_updated_and_age_closed():
    """The version that the image brings is the one in force; nobody looks into AGE by default."""
    found = {"extensions": {"age": "1.4.0"}, "available": {"age": "1.5.0"}, "ag_catalog_public": 1}

    assert [sql for _, sql in extension_sql(DATABASE, found)] == [
        "ALTER EXTENSION age UPDATE;",
        "REVOKE ALL ON SCHEMA ag_catalog FROM PUBLIC;",
    ]
