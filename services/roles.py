"""Roles, databases and extensions as declared, and the SQL that makes them so. Pure: no I/O.

Each step is what to say and what to run. What is not declared is taken away: pyinfra's own
operations only ever add.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.postgres import Database, Login
from services.secrets import scram_verifier, verifies

Step = tuple[str, str]
NEVER = ("superuser", "createdb", "createrole", "bypassrls")
AGE_OWNERS = (
    "create_graph(name)",
    "drop_graph(name, boolean)",
    "alter_graph(name, cstring, name)",
    "create_vlabel(name, name)",
    "create_elabel(name, name)",
    "drop_label(name, name, boolean)",
)
"""What AGE lets everybody call, and only the owner needs."""
AGE_NOBODYS = (
    "load_labels_from_file(name, name, text, boolean)",
    "load_edges_from_file(name, name, text)",
    "create_complete_graph(name, integer, name, name)",
    (
        "age_create_barbell_graph(name, integer, integer, name, ag_catalog.agtype, name,"
        " ag_catalog.agtype)"
    ),
)
"""The first two open any file that the server can read."""
LARGE_OBJECTS = (
    "lo_creat(integer)",
    "lo_create(oid)",
    "lo_from_bytea(oid, bytea)",
    "lo_put(oid, bigint, bytea)",
    "lo_open(oid, integer)",
    "lowrite(integer, bytea)",
    "lo_import(text)",
    "lo_import(text, oid)",
    "lo_export(oid, text)",
    "lo_unlink(oid)",
)
"""Postgres lets everybody who connects fill the disk with them."""


@dataclass(frozen=True, slots=True)
class Role:
    """A declared login with its password."""

    login: Login
    password: str

    def __repr__(self) -> str:
        """pyinfra prints the arguments of its operations."""
        return f"Role({self.login.role!r})"


def role_sql(wanted: Role, found: Mapping[str, Any] | None) -> Iterator[Step]:
    """So that a role has its attributes, password and memberships, and no other."""
    login, role = wanted.login, wanted.login.role
    replication = "REPLICATION" if login.replication else "NOREPLICATION"
    plain = (
        f"LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE {replication} NOBYPASSRLS INHERIT"
        f" CONNECTION LIMIT {login.limit}"
    )
    if found is None:
        yield (
            f"create role {role}",
            f"CREATE ROLE {role} {plain} PASSWORD '{scram_verifier(wanted.password)}';",
        )
        found = {}
    else:
        excess = [right for right in NEVER if found[right]]
        as_declared = (True, True, login.limit, login.replication)
        is_now = (found["login"], found["inherit"], found["limit"], found["replication"])
        if excess or is_now != as_declared:
            more = f"{replication.lower()}, limit {login.limit}, login, inherit"
            what = ", ".join(f"no {right}" for right in excess) or more
            yield f"alter role {role}: {what}", f"ALTER ROLE {role} {plain};"
        if not verifies(found["verifier"], wanted.password):
            yield (
                f"alter role {role}: password (secret)",
                f"ALTER ROLE {role} PASSWORD '{scram_verifier(wanted.password)}';",
            )
    yield from _member_sql(login, found)
    for database in found.get("settings") or ():
        where = f" IN DATABASE {database}" if database else ""
        yield f"reset settings of {role}{where.lower()}", f"ALTER ROLE {role}{where} RESET ALL;"


def _member_sql(login: Login, found: Mapping[str, Any]) -> Iterator[Step]:
    """Who a role acts for, and who acts for it: nobody."""
    role, have = login.role, found.get("member_of") or []
    for group in sorted(set(have) - set(login.member_of)):
        yield f"take {role} out of {group}", f"REVOKE {group} FROM {role};"
    for group in sorted(set(login.member_of) - set(have)):
        yield f"put {role} into {group}", f"GRANT {group} TO {role};"
    for member in found.get("members") or []:
        yield f"take {member} out of {role}", f"REVOKE {role} FROM {member};"


def database_sql(wanted: Database, found: Mapping[str, Any] | None) -> Iterator[Step]:
    """In the maintenance database, so that a database has its owner, settings and guests."""
    what = wanted.database
    if found is None:
        yield f"create database {what}", f"CREATE DATABASE {what} OWNER {wanted.owner};"
    elif found["owner"] != wanted.owner:
        yield f"owner of {what}: {wanted.owner}", f"ALTER DATABASE {what} OWNER TO {wanted.owner};"
    settings = dict(entry.split("=", 1) for entry in (found or {}).get("settings") or ())
    for key in settings.keys() - wanted.settings.keys():
        yield f"reset {key} of {what}", f"ALTER DATABASE {what} RESET {key};"
    for key, value in wanted.settings.items():
        if settings.get(key) != value:
            yield f"set {key} of {what}: {value}", f"ALTER DATABASE {what} SET {key} = '{value}';"
    # No list at all is Postgres' default: the public may connect and make temporary tables.
    rights = dict(_rights((found or {}).get("acl"))) or {"": "Tc"}
    declared = {wanted.owner: "CTc", **dict.fromkeys(wanted.connect, "c")}
    for role in sorted(rights.keys() - {wanted.owner}):
        if rights[role] != declared.get(role):
            whom = role or "PUBLIC"
            yield f"take {whom} from {what}", f"REVOKE ALL ON DATABASE {what} FROM {whom};"
    for role in wanted.connect:
        if rights.get(role) != declared[role]:
            yield f"let {role} into {what}", f"GRANT CONNECT ON DATABASE {what} TO {role};"


def extension_sql(wanted: Database, found: Mapping[str, Any]) -> Iterator[Step]:
    """Inside the database, so that its extensions are as declared and open to whom they must."""
    have, available = found["extensions"] or {}, found["available"] or {}
    for extension, schema in wanted.retired.items():
        if extension in have:
            gone = f"DROP SCHEMA IF EXISTS {schema};" if schema else ""
            yield f"drop extension {extension}", f"DROP EXTENSION {extension};{gone}"
    for extension, schema in wanted.extensions.items():
        if extension not in have:
            into = f"CREATE SCHEMA IF NOT EXISTS {schema};" if schema else ""
            where = f" SCHEMA {schema}" if schema else ""
            yield f"create extension {extension}", f"{into}CREATE EXTENSION {extension}{where};"
        elif have[extension] != available.get(extension):
            yield (
                f"update extension {extension}: {have[extension]} -> {available.get(extension)}",
                f"ALTER EXTENSION {extension} UPDATE;",
            )
    for schema, grantable in wanted.usage.items():
        yield from _usage_sql(wanted.owner, schema, grantable, (found["usage"] or {}).get(schema))
    yield from _public_sql(wanted, found)


def _public_sql(wanted: Database, found: Mapping[str, Any]) -> Iterator[Step]:
    """What Postgres and AGE leave open to everybody, closed."""
    if "age" in wanted.extensions and not (
        "age" in (found["extensions"] or {}) and found["age_closed"]
    ):
        yield f"leave AGE's tools to {wanted.owner}", _age_sql(wanted.owner)
    if not found["large_closed"]:
        tools = ", ".join(f"pg_catalog.{tool}" for tool in LARGE_OBJECTS)
        yield "leave large objects to nobody", f"REVOKE ALL ON FUNCTION {tools} FROM PUBLIC;"
    later = f"ALTER DEFAULT PRIVILEGES FOR ROLE {wanted.owner}"
    for kind in ("FUNCTIONS", "TYPES"):
        if kind not in (found["closed"] or ()):
            yield (
                f"close new {kind.lower()} of {wanted.owner} to the public",
                f"{later} REVOKE ALL ON {kind} FROM PUBLIC;",
            )


def _usage_sql(
    owner: str, schema: str, grantable: bool, rights: Mapping[str, str] | None
) -> Iterator[Step]:
    """An extension's schema, open to the owner only; ``rights`` None if it was just made.

    AGE 1.5 lets a reader of a graph write it through cypher(): nobody gets near by default.
    """
    declared = "U*" if grantable else "U"
    for role in sorted(rights if rights is not None else {"": ""}):
        if role != owner or (rights or {})[role] != declared:
            whom = role or "PUBLIC"
            yield (
                f"take {whom} from schema {schema}",
                f"REVOKE ALL ON SCHEMA {schema} FROM {whom} CASCADE;",
            )
    if (rights or {}).get(owner) != declared:
        option = " WITH GRANT OPTION" if grantable else ""
        yield (
            f"let {owner} into schema {schema}",
            f"GRANT USAGE ON SCHEMA {schema} TO {owner}{option};",
        )


def _age_sql(owner: str) -> str:
    """Nobody but the owner makes labels or asks which there are; nobody loads files."""
    tools = ", ".join(f"ag_catalog.{tool}" for tool in AGE_OWNERS)
    nobodys = ", ".join(f"ag_catalog.{tool}" for tool in AGE_NOBODYS)
    return (
        f"REVOKE ALL ON FUNCTION {tools}, {nobodys} FROM PUBLIC;"
        f"GRANT EXECUTE ON FUNCTION {tools} TO {owner};"
        f"GRANT SELECT ON ag_catalog.ag_graph, ag_catalog.ag_label TO {owner};"
    )


def _rights(acl: str | None) -> Iterator[tuple[str, str]]:
    """Role and rights of each entry of an access list; the public is the empty name."""
    for entry in (acl or "").strip("{}").split(","):
        role, equals, rights = entry.strip('"').split("/")[0].partition("=")
        if equals:
            yield role, rights
