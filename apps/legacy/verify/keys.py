"""Keys that lead nowhere, and numbers that would come twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from psycopg import sql

from apps.legacy.ledger import Db
from apps.legacy.verify.findings import Findings
from apps.legacy.verify.report import Checked, Difference
from apps.queries import load

SQL: Final = load(Path(__file__).with_name("keys.sql"))
KINDS: Final[dict[str, Literal["foreign key", "sequence"]]] = {
    "foreign_keys": "foreign key",
    "sequences": "sequence",
}


def checks(db: Db, findings: Findings) -> Iterator[Checked]:
    """Every foreign key and every sequence of the schemas that rows were brought to."""
    for query, what in KINDS.items():
        for name, count in db.execute(SQL[query]).fetchall():
            row = db.execute(sql.SQL(count)).fetchone()
            broken = int(row[0]) if row else 0
            if broken:
                told = "its next number is taken" if what == "sequence" else f"{broken} rows"
                findings.add(Difference(what="broken", table=what, key=name, new=told))
            yield Checked(what=what, name=name, broken=broken)
