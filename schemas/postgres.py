"""What a tenant of a Postgres server is made of: logins, databases, rights and jobs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from schemas.table import Store

Kind = Literal["schema", "table", "sequence", "routine"]
Verb = Literal["SELECT", "INSERT", "UPDATE", "DELETE", "USAGE", "EXECUTE", "MAINTAIN"]


@dataclass(frozen=True, slots=True)
class Login:
    """A role that logs in with a password; it has no attribute that is not named here."""

    role: str
    says: str
    secret: str
    """What its password is called in the vault."""
    limit: int
    """Connections at once."""
    replication: bool = False
    member_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """Something that pg_cron does as the owner, in UTC."""

    job: str
    schedule: str
    command: str


@dataclass(frozen=True, slots=True)
class Database:
    """A database, its owner, who may connect, its settings and its extensions."""

    database: str
    owner: str
    connect: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, str | None] = field(default_factory=dict)
    """Extension to schema; None where the extension chooses its own."""
    usage: Mapping[str, bool] = field(default_factory=dict)
    """Schemas of extensions that the owner may use, and whether it may let others in."""
    retired: Mapping[str, str | None] = field(default_factory=dict)
    """Extensions that an older release brought, with the schema that goes with them."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Verbs on one object, or on some of its columns."""

    role: str
    kind: Kind
    object: str
    verbs: tuple[Verb, ...]
    columns: tuple[str, ...] = ()

    def entries(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Role, kind, object, verb and column; an empty column is the whole object."""
        for verb in self.verbs:
            for column in self.columns or ("",):
                yield self.role, self.kind, self.object, verb, column


@dataclass(frozen=True, slots=True)
class Policy:
    """Which rows of a table some roles see or write. Every table with one has it forced."""

    table: str
    policy: str
    roles: tuple[str, ...]
    using: str = "true"
    verb: Literal["ALL", "SELECT"] = "SELECT"


def each(
    role: str, kind: Kind, verbs: tuple[Verb, ...], *objects: str, columns: tuple[str, ...] = ()
) -> tuple[Grant, ...]:
    """The same verbs on several objects."""
    return tuple(Grant(role, kind, one, verbs, columns) for one in objects)


@dataclass(frozen=True, slots=True)
class Tenant:
    """One system on the server: a database with a line of migrations, and who may do what there.

    The owner owns every object and is in no grant; nobody else may anything that none gives.
    """

    line: Store
    database: Database
    scratch: Database
    """Where ``check`` builds the line anew."""
    logins: tuple[Login, ...]
    schemas: Mapping[str, str]
    """Schema to comment."""
    grants: tuple[Grant, ...]
    places: tuple[str, ...] = ()
    """Schemas that are made by others, in which nobody has a right that no grant gives."""
    jobs: tuple[Job, ...] = ()
    policies: tuple[Policy, ...] = ()
    """Row-level security; a table without one has none."""

    def entries(self) -> frozenset[tuple[str, str, str, str, str]]:
        """Every right that is granted: role, kind, object, verb, column."""
        return frozenset(entry for grant in self.grants for entry in grant.entries())
