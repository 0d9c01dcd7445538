"""Roles, databases and extensions as declared, and the SQL that makes them so. Pure: no I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.secrets import scram_verifier, verifies

PLAIN = ("superuser", "createdb", "createrole", "replication", "bypassrls")


@dataclass(frozen=True, slots=True)
class Role:
    """A login of one service: a password and nothing else."""

    role: str
    password: str
    limit: int

    def __repr__(self) -> str:
        """pyinfra prints the arguments of its operations."""
        return f"Role({self.role!r})"


@dataclass(frozen=True, slots=True)
class Database:
    """A database, its owner, who may connect, its settings and its extensions."""

    database: str
    owner: str
    connect: tuple[str, ...]
    settings: Mapping[str, str]
    extensions: Mapping[str, str | None]
    """Extension to schema; None where the extension chooses its own."""


def role_sql(wanted: Role, found: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """What to say and what to run so that a role is as declared; rights are also taken away."""
    plain = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
    if found is None:
        limit, verifier = wanted.limit, scram_verifier(wanted.password)
        create = (
            f"CREATE ROLE {wanted.role} {plain} CONNECTION LIMIT {limit} PASSWORD '{verifier}';"
        )
        yield f"create role {wanted.role}", create
        return
    excess = [right for right in PLAIN if found[right]]
    if excess or not found["login"] or found["limit"] != wanted.limit:
        what = ", ".join(f"no {right}" for right in excess) or f"limit {wanted.limit}, login"
        yield (
            f"alter role {wanted.role}: {what}",
            f"ALTER ROLE {wanted.role} {plain} CONNECTION LIMIT {wanted.limit};",
        )
    if not verifies(found["verifier"], wanted.password):
        yield (
            f"alter role {wanted.role}: password (secret)",
            f"ALTER ROLE {wanted.role} PASSWORD '{scram_verifier(wanted.password)}';",
        )


def database_sql(wanted: Database, found: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """What to say and what to run, in the maintenance database, so that it is as declared."""
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


def extension_sql(wanted: Database, found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What to say and what to run inside the database so that its extensions are as declared."""
    have, available = found["extensions"] or {}, found["available"] or {}
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
    if "age" in wanted.extensions and ("age" not in have or found["ag_catalog_public"]):
        # AGE 1.5 lets a reader of a graph write it through cypher(): no role gets near by default.
        yield "close ag_catalog to the public", "REVOKE ALL ON SCHEMA ag_catalog FROM PUBLIC;"


def _rights(acl: str | None) -> Iterator[tuple[str, str]]:
    """Role and rights of each entry of an access list; the public is the empty name."""
    for entry in (acl or "").strip("{}").split(","):
        role, equals, rights = entry.strip('"').split("/")[0].partition("=")
        if equals:
            yield role, rights
