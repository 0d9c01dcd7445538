"""python -m apps.declared [--check]: writes each tenant's comments and grants from schemas."""

import argparse
import sys
from itertools import groupby
from pathlib import Path
from typing import Final

from apps.declared import postgres
from apps.declared.everything import tables
from apps.declared.field import fields
from apps.migrate.lines import MIGRATIONS
from schemas.errors import Diverged, HouseError, Refused
from schemas.postgres import Tenant
from schemas.server import TENANTS

BY: Final = "Written by: python -m apps.declared"
CLOSED: Final = Path(__file__).with_name("closed.sql")
UNBOUND: Final = Path(__file__).with_name("unbound.sql")
BESIDE: Final = ("ledger", "public")
"""Schemas of every database that are in no declaration."""


def comments(tenant: Tenant) -> str:
    """What everything is; a table or a column that says nothing is refused."""
    declared = tables(tenant.line)
    silent = [t.table for t in declared if not postgres.summary(t)]
    silent += [f"{t.table}.{f.name}" for t in declared for f in fields(t) if not f.says]
    silent += sorted({t.table.partition(".")[0] for t in declared} - tenant.schemas.keys())
    if silent:
        raise Refused(f"nothing is said of {', '.join(silent)}", "give it Column(says) or a text")
    head = f"-- What each schema, table and column is. {BY}\n"
    return "\n".join([head, *postgres.comments(declared, tenant.schemas), ""])


def grants(tenant: Tenant) -> str:
    """What each role may do; first whatever anyone but the owner has is taken away."""
    places = (*tenant.schemas, *tenant.places, *BESIDE)
    closed = CLOSED.read_text(encoding="utf-8").partition("\n\n")[2]
    says = {login.role: login.says for login in tenant.logins}
    parts = [
        f"-- What each role may do, and nothing more. Repeatable. {BY}\n",
        closed.replace("{places}", ", ".join(map(postgres.text, places))),
    ]
    for role, given in groupby(tenant.grants, lambda grant: grant.role):
        parts += [f"-- {role}: {says[role]}", *postgres.grants(given), ""]
    return "\n".join(parts)


def policies(tenant: Tenant) -> str:
    """Which rows who sees; first every policy that there is goes."""
    places = ", ".join(map(postgres.text, tenant.schemas))
    parts = [
        f"-- Which rows each role sees. Repeatable. {BY}\n",
        UNBOUND.read_text(encoding="utf-8").partition("\n\n")[2].replace("{places}", places),
        *postgres.policies(tenant.policies),
        "",
    ]
    return "\n".join(parts)


def files() -> dict[str, str]:
    """Path below migrations/ to what must be in it."""
    found = {}
    for line, tenant in TENANTS.items():
        found[f"{line}/post-apply.comments.sql"] = comments(tenant)
        found[f"{line}/post-apply.grants.sql"] = grants(tenant)
        if tenant.policies:
            found[f"{line}/post-apply.policies.sql"] = policies(tenant)
    return found


def main(argv: list[str] | None = None, folder: Path = MIGRATIONS) -> int:
    """Write the files, or with --check exit 4 when one is stale."""
    parser = argparse.ArgumentParser(prog="python -m apps.declared", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 4 when stale")
    check = parser.parse_args(argv).check
    try:
        wanted = {folder / name: text for name, text in files().items()}
        stale = [f for f, text in wanted.items() if not f.is_file() or f.read_text("utf-8") != text]
        if check and stale:
            names = ", ".join(str(file.relative_to(folder)) for file in stale)
            raise Diverged(f"{names}: not what schemas say", hint="python -m apps.declared")
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for file in stale:
        file.write_text(wanted[file], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
