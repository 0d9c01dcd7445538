"""Row-level security: whoever says nothing sees nothing, and each policy is needed as it is.

The policies are those that the catalogue lists: a new one is weakened and dropped here by itself.
"""

import os
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from schemas.server import SOULFRA
from schemas.soulfra.policies import SETTING, WHOSE
from schemas.soulfra.roles import OWN, SHARED
from schemas.soulfra.server import APP, OWNER, PERSON, READER
from tests.database.soulfra.privacy.conftest import ADA, EVE

LISTED = """
SELECT format('%s.%s', schemaname, tablename), policyname, roles::text[], cmd, qual
  FROM pg_catalog.pg_policies ORDER BY 1, 2
"""
TABLES = (*OWN, *SHARED, "log.events")
HIDDEN = "('credits_changed', 'loop_owned')"
FILL = """
INSERT INTO soulfra.guild_members SELECT g.guild_id, 'a-eve', now() FROM soulfra.guilds AS g;
INSERT INTO soulfra.transformations (id, change, loop_id) VALUES (1, 'forked', 'ada-fork')
    ON CONFLICT DO NOTHING;
INSERT INTO soulfra.clusters (cluster_id, name) VALUES ('c', 'those that rhyme');
INSERT INTO soulfra.cluster_loops SELECT 'c', l.loop_id, l.created_at FROM soulfra.loops AS l;
"""


STRANGER = f"stranger_{os.getpid()}"
"""Of no policy."""


@pytest.fixture
def admin(people):
    """Who may be anybody; all it does is taken back. Whoever has a policy or none may ask."""
    with psycopg.connect(people.admin) as conn:
        conn.execute(FILL)
        conn.execute(f"CREATE ROLE {STRANGER}")
        conn.execute(f"GRANT USAGE ON SCHEMA soulfra, log TO {STRANGER}, {PERSON}")
        for table in TABLES:
            conn.execute(f"GRANT SELECT ON {table} TO {STRANGER}, {PERSON}, {READER}")
        yield conn
        conn.rollback()


def seen(conn, role, table, user=None):
    """How many rows a role sees, in somebody's name or in nobody's."""
    with conn.transaction(force_rollback=True):
        conn.execute(f"SET LOCAL ROLE {role}")
        if user is not None:
            conn.execute("SELECT set_config(%s, %s, true)", (SETTING, str(user)))
        return conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def counted(conn, table, where="true", *values):
    """How many rows there are."""
    asked = f"SELECT count(*) FROM {table} WHERE {where}"
    return conn.execute(asked, values or None).fetchone()[0]


def due(conn, table) -> Iterator[tuple[str, UUID | None, int]]:
    """Who should see how many rows of a table, in whose name."""
    whole = counted(conn, table)
    reported = {
        "log.events": counted(conn, table, f"type NOT IN {HIDDEN}") if "log." in table else 0,
        **dict.fromkeys(OWN, 0),
    }.get(table, whole)
    assert whole > 0, table
    for user in (None, ADA, EVE):
        yield from ((APP, user, whole), (OWNER, user, whole), (READER, user, reported))
        yield STRANGER, user, 0
        if user is None or table == "log.events":
            yield PERSON, user, 0
        elif column := WHOSE.get(table):
            mine = counted(conn, table, f"{column} = %s", user)
            assert 0 < mine < whole, table
            yield PERSON, user, mine
        else:
            yield PERSON, user, whole


def faults(conn) -> Iterator[str]:
    """What anybody sees that they should not, or does not see that they should."""
    for table in TABLES:
        for role, user, rows in due(conn, table):
            if (found := seen(conn, role, table, user)) != rows:
                yield f"{role}: {table}: in {user}'s name {found} rows instead of {rows}"


def weakened(policy) -> Iterator[tuple[str, str]]:
    """Each way to make a policy say more: any row, anybody."""
    table, name, roles, _, condition = policy
    on = f"ALTER POLICY {name} ON {table}"
    if condition != "true":
        yield "any row", f"{on} USING (true)"
    if roles != ["public"]:
        yield "anybody", f"{on} TO PUBLIC"


def test_everybody_sees_what_is_theirs(admin):
    """As the policies are."""
    assert list(faults(admin)) == []


def test_dropped_or_weakened_each_policy_is_missed(admin):
    """All that pg_policies lists, one at a time; the check is the same each time."""
    listed = admin.execute(LISTED).fetchall()
    unseen, tried = [], 0
    for policy in listed:
        drop = f"DROP POLICY {policy[1]} ON {policy[0]}"
        for how, statement in (("dropped", drop), *weakened(policy)):
            with admin.transaction(force_rollback=True):
                admin.execute(statement)
                tried += 1
                if next(faults(admin), None) is None:
                    unseen.append((policy[0], policy[1], how))

    assert unseen == []
    assert len(listed) == len(SOULFRA.policies) > 40
    assert tried > 2 * len(listed)


def test_without_row_security_it_is_missed(admin):
    """Switched off, or not forced upon the owner, table by table."""
    unseen = []
    for table in TABLES:
        with admin.transaction(force_rollback=True):
            admin.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
            if next(faults(admin), None) is None:
                unseen.append(table)
        with admin.transaction(force_rollback=True):
            admin.execute(f"DROP POLICY house ON {table}")
            forced = seen(admin, OWNER, table)
            admin.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            if forced != 0 or seen(admin, OWNER, table) == 0:
                unseen.append(f"{table}, forced")

    assert unseen == []


def test_every_table_has_it_forced_and_nobody_goes_around_it(admin):
    """Whatever tables there are in the schema; no role of ours has BYPASSRLS."""
    bare = admin.execute(
        "SELECT c.oid::regclass::text FROM pg_catalog.pg_class AS c"
        " WHERE c.relnamespace = 'soulfra'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
    ).fetchall()
    around = admin.execute(
        "SELECT rolname FROM pg_catalog.pg_roles WHERE rolbypassrls AND rolname LIKE 'soulfra%%'"
    ).fetchall()
    assert (bare, around) == ([], [])


def test_parts_are_no_way_around(people):
    """A month of loops or a part of agents is asked by nobody but the owner."""
    with psycopg.connect(people.admin) as conn:
        parts = [
            name
            for (name,) in conn.execute(
                "SELECT inhrelid::regclass::text FROM pg_catalog.pg_inherits"
                " WHERE inhparent IN ('soulfra.loops'::regclass, 'soulfra.agents'::regclass)"
            )
        ]
    person = people.app.replace(f"{APP}:{APP}", f"{PERSON}:{PERSON}")
    for role in (person, people.reader):
        with psycopg.connect(role, autocommit=True) as conn:
            for part in parts:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(sql.SQL("SELECT * FROM {}").format(sql.SQL(part)))
    assert len(parts) >= 15
