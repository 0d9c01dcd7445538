"""What changed in an old database without triggers: every row against what was applied of it."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from apps.legacy import keyset
from apps.legacy.ledger import Db
from apps.legacy.source import opened
from apps.legacy.stage import named
from apps.legacy.units import Followed, is_unit
from apps.queries import load

SQL: Final = load(Path(__file__).with_name("compare.sql"))
UNREAD: Final = "embedding"
"""Made from its row again; never copied."""


def begin(db: Db) -> None:
    """Nothing is seen yet."""
    db.execute(SQL["seen"])
    db.execute(SQL["see_anew"])


def see(db: Db, table: Followed) -> None:
    """Every row of a table, in pieces; only its hash is kept."""
    secrets = table.secrets
    kept = {take.old for take in table.old.takes if take.how == "secret" and take.new}
    wanted = [
        f'"{each}"' for each in sorted(table.there & table.old.columns)
        if each != UNREAD and each not in secrets
    ]  # fmt: skip
    key = [f'sha256("{each}")' if each in kept else f'"{each}"' for each in table.old.key]
    with opened(table.path) as file:
        pieces = keyset.pieces(file, f'"{table.name}"', [table.unit, *wanted], key, None)
        for piece in pieces:
            rows = [row for row in piece.rows if is_unit(row[0])]
            with db.cursor().copy(SQL["see"]) as sink:
                for row in rows:
                    told = named(row[len(wanted) + 1 :]).encode()
                    hashes = [sha256(each).digest() for each in (told, repr(row).encode())]
                    sink.write_row((table.name, hashes[0], str(row[0]), hashes[1]))


def changed(db: Db, path: Path, parts: Sequence[str]) -> list[str]:
    """Units of a family that are other than they were applied, or gone."""
    found = db.execute(SQL["changed"], {"file": str(path), "parts": list(parts)}).fetchall()
    return [unit for (unit,) in found]


def applied(db: Db, path: Path, parts: Sequence[str], units: Sequence[str]) -> None:
    """Keep them as they were seen, in the transaction of their rows."""
    given = {"file": str(path), "parts": list(parts), "units": list(units)}
    db.execute(SQL["forget_units"], given)
    db.execute(SQL["keep_units"], given)


def forget(db: Db, path: Path, parts: Sequence[str], units: Sequence[str]) -> None:
    """What triggers told of is not what was seen."""
    given = {"file": str(path), "parts": list(parts), "units": list(units)}
    db.execute(SQL["forget_units"], given)
