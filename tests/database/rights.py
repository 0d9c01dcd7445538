"""What can be granted in a database, what is, and what a role may do when it tries."""

from collections.abc import Iterator

import psycopg
from psycopg import errors

BESIDE = ("ledger", "public")
OPEN = {"public", "ledger", "ag_catalog", "trgm"}
"""Schemas that are not a tenant's own to close or to open."""
GRANTED_AS = {
    "view": "table", "procedure": "routine", "trigger": "routine", "aggregate": "routine",
}  # fmt: skip
"""What GRANT calls it, where that is another word."""
NOT_ALLOWED = (
    errors.InsufficientPrivilege,
    errors.ObjectNotInPrerequisiteState,  # the view cannot be written by anybody
    errors.FeatureNotSupported,
)
OBJECTS = """
SELECT 'schema', n.nspname::text, ''::text
  FROM pg_namespace AS n WHERE n.nspname = ANY (%(places)s)
UNION ALL
SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END,
       format('%%s.%%I', c.relnamespace::regnamespace, c.relname),
       coalesce((SELECT string_agg(quote_ident(a.attname), ' ' ORDER BY a.attnum)
                   FROM pg_attribute AS a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '')
  FROM pg_class AS c WHERE c.relnamespace::regnamespace::text = ANY (%(places)s)
   AND c.relowner = current_user::regrole
   AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT c.relispartition
UNION ALL
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE
       CASE WHEN p.prorettype = 'trigger'::regtype THEN 'trigger' ELSE 'routine' END END,
       p.oid::regprocedure::text, ''
  FROM pg_proc AS p WHERE p.proowner = current_user::regrole
 ORDER BY 1, 2
"""
GRANTED = """
WITH rights AS (
    SELECT 'schema' AS kind, n.nspname::text AS object, '' AS part, a.*
      FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
     WHERE n.nspname = ANY (%(places)s)
       AND a.grantee NOT IN (n.nspowner, current_user::regrole)
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END,
           format('%%s.%%I', c.relnamespace::regnamespace, c.relname), '', a.*
      FROM pg_class AS c, aclexplode(c.relacl) AS a
     WHERE c.relnamespace::regnamespace::text = ANY (%(places)s) AND a.grantee <> c.relowner
       AND c.relowner = current_user::regrole
    UNION ALL
    SELECT 'table', format('%%s.%%I', c.relnamespace::regnamespace, c.relname), t.attname, a.*
      FROM pg_class AS c JOIN pg_attribute AS t ON t.attrelid = c.oid, aclexplode(t.attacl) AS a
     WHERE c.relnamespace::regnamespace::text = ANY (%(places)s) AND a.grantee <> c.relowner
       AND c.relowner = current_user::regrole
    UNION ALL
    SELECT 'routine', p.oid::regprocedure::text, '', a.*
      FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
     WHERE p.proowner = current_user::regrole AND a.grantee <> p.proowner
    UNION ALL
    SELECT 'default', d.defaclobjtype::text, coalesce(n.nspname, ''), a.*
      FROM pg_default_acl AS d LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace,
           aclexplode(d.defaclacl) AS a
     WHERE d.defaclrole = current_user::regrole AND a.grantee <> d.defaclrole)
SELECT coalesce(g.rolname, 'PUBLIC'), kind, object,
       privilege_type || CASE WHEN is_grantable THEN ' with grant option' ELSE '' END, part
  FROM rights LEFT JOIN pg_roles AS g ON g.oid = grantee
"""


def places(tenant) -> list[str]:
    """The schemas in which rights are looked for."""
    return [*tenant.schemas, *tenant.places, *BESIDE]


def granted(conn, tenant) -> set[tuple]:
    """Every right that anyone but the owner, who asks, has: role, kind, object, verb, column."""
    conn.execute("SET LOCAL search_path = pg_catalog")
    return set(conn.execute(GRANTED, {"places": places(tenant)}).fetchall())


def objects(conn, tenant) -> list[tuple[str, str, list[str]]]:
    """Everything that can be granted: kind, name, columns."""
    conn.execute("SET LOCAL search_path = pg_catalog")
    found = conn.execute(OBJECTS, {"places": places(tenant)}).fetchall()
    return [(kind, name, parts.split()) for kind, name, parts in found]


def tries(kind: str, name: str, parts: list[str]) -> Iterator[tuple[str, str, str]]:
    """Verb, column, and a statement that needs just that and changes nothing."""
    if kind == "schema":
        yield "USAGE", "", f"SELECT FROM {name}.nothing_is_called_so"
        yield "CREATE", "", f"CREATE TABLE {name}.mine (a integer)"
    elif kind == "sequence":
        yield "USAGE", "", f"SELECT nextval('{name}')"
        yield "SELECT", "", f"SELECT last_value FROM {name}"
        yield "UPDATE", "", f"SELECT setval('{name}', 1)"
    elif kind in {"table", "view"}:
        yield "DELETE", "", f"DELETE FROM {name} WHERE false"
        if kind == "table":
            yield "TRUNCATE", "", f"TRUNCATE {name}"
        for column in parts:
            yield "SELECT", column, f"SELECT {column} FROM {name} LIMIT 0"
            yield "INSERT", column, f"INSERT INTO {name} ({column}) VALUES (DEFAULT)"
            yield "UPDATE", column, f"UPDATE {name} SET {column} = DEFAULT WHERE false"
    elif kind != "trigger":
        called, _, types = name.rstrip(")").partition("(")
        nulls = [f"NULL::{one}" for one in types.split(",") if one]
        if kind == "procedure":
            yield "EXECUTE", "", f"CALL {called}({', '.join(nulls)})"
        elif kind == "aggregate":
            yield "EXECUTE", "", f"SELECT {called}({', '.join(nulls)})"
        else:
            # A strict function of a plain NULL is never called.
            given = ", ".join(f"(SELECT {null})" for null in nulls)
            yield "EXECUTE", "", f"SELECT FROM {called}({given})"


def allowed(conn, statement: str) -> bool:
    """Whether the server lets the role do it, whatever it says then."""
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(statement)
    except NOT_ALLOWED:
        return False
    except psycopg.Error:
        return True
    return True


def others(there, roles, declared) -> list[tuple[str, str, str, str, str]]:
    """A right on each object for each role, and for everyone, that is not declared."""
    verbs = {"schema": ("CREATE", "USAGE"), "sequence": ("UPDATE", "SELECT"),
             "table": ("TRIGGER", "SELECT"), "routine": ("EXECUTE",)}  # fmt: skip
    return [
        entry
        for kind, name, _ in there
        if name not in OPEN - {"ledger"}
        for role in (*roles, "PUBLIC")
        for verb in verbs[GRANTED_AS.get(kind, kind)]
        if (entry := (role, GRANTED_AS.get(kind, kind), name, verb, "")) not in declared
    ]
