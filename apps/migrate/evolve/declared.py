"""One evolution as its author declares it: a file of ``migrations/LINE.evolutions``."""

import re
import tomllib
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from apps.migrate.lines import Line
from schemas.errors import Refused
from schemas.quantity import Closed

Step = Literal["add", "fill", "constrain", "switch", "drop"]
STEPS: Final[tuple[Step, ...]] = ("add", "fill", "constrain", "switch", "drop")

Word = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
Qualified = Annotated[
    str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}$")
]
Sql = Annotated[str, StringConstraints(pattern=r"^[^;]+$", max_length=2000)]
Migration = Annotated[str, StringConstraints(pattern=r"^\d{4}\.[a-z0-9-]+$")]
NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


class Column(Closed):
    """The column that is added."""

    name: Word
    type: Sql
    default: Sql | None = None
    """A constant: what old rows and old writers have until they are filled."""
    default_after: Sql | None = None
    """Its default from the switch on, where that is another; NULL for none."""
    required: bool = False
    """NOT NULL in the end."""
    check: Sql | None = None


class Fill(Closed):
    """What a row has in the new column, of its other columns; a trigger keeps it so meanwhile."""

    value: Sql


class Replaces(Closed):
    """The old column, which goes in the end."""

    column: Word
    definition: Sql
    """As it was made: its type, then its constraints."""
    back: Sql
    """What a row has in the old column, of the new one: for those who still read it."""
    required: bool = False
    """NOT NULL until the switch: afterwards nobody need write it."""
    default: Sql | None = None
    """Its default until the switch; a rollback brings it back."""
    drop: Migration
    """The migration without it: of a later release than the one that adds."""
    along: tuple[Word, ...] = ()
    """Indexes and constraints that may go with it."""


class References(Closed):
    """The key of another table that the new column refers to."""

    table: Qualified
    column: Word
    on_delete: Literal["no action", "restrict", "cascade", "set null"] = "no action"


class View(Closed):
    """A view that is replaced at the switch; names, types and order of its columns stay."""

    name: Qualified
    before: Sql
    """Its query as it is: a rollback brings it back."""
    after: Sql
    """Its query from the switch on, without the old column."""
    options: Sql | None = None
    """As WITH (...) has them, such as security_invoker = true."""


class Index(Closed):
    """An index on the new column."""

    name: Word
    columns: Annotated[tuple[Sql, ...], Field(min_length=1)]
    unique: bool = False
    where: Sql | None = None


class Evolution(Closed):
    """A table that gets a column, row by row, and may lose another."""

    says: Annotated[str, StringConstraints(pattern=r"^[^\n]+$")]
    table: Qualified
    migration: Migration
    """What a database without rows is given, and what the switch marks as applied."""
    column: Column
    fill: Fill | None = None
    replaces: Replaces | None = None
    references: References | None = None
    view: tuple[View, ...] = ()
    index: tuple[Index, ...] = ()
    grace_hours: Annotated[float, Field(ge=0, le=24 * 365)] = 24
    """Between switch and drop: for whoever has not noticed."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.replaces and self.fill is None:
            raise ValueError("what replaces a column is filled from it: [fill] is missing")
        if self.replaces and self.replaces.column == self.column.name:
            raise ValueError("a column cannot replace itself")
        if self.column.required and not (self.fill or self.column.default):
            raise ValueError("required needs a default, or a [fill]")
        if self.column.required and self.references and self.references.on_delete == "set null":
            raise ValueError("what is required cannot be set null on delete")
        return self

    @cached_property
    def schema_name(self) -> str:
        """Where the table lies."""
        return self.table.partition(".")[0]

    @cached_property
    def bare(self) -> str:
        """The table without its schema."""
        return self.table.partition(".")[2]

    @property
    def there(self) -> str:
        """The check that stands in for NOT NULL until that is free."""
        return f"{self.bare[:20]}_{self.column.name[:30]}_there"

    @property
    def was_there(self) -> str:
        """The same of the old column, while a switch is taken back."""
        old = self.replaces.column if self.replaces else ""
        return f"{self.bare[:20]}_{old[:30]}_there"

    @property
    def checked(self) -> str:
        """The declared check."""
        return f"{self.bare}_{self.column.name}_check"

    @property
    def referring(self) -> str:
        """The declared foreign key."""
        return f"{self.bare}_{self.column.name}_fkey"

    @property
    def keeper(self) -> str:
        """The function in the ledger that keeps the column right."""
        mark = sha256(f"{self.table}.{self.column.name}".encode()).hexdigest()[:6]
        return f"keep_{self.bare[:18]}_{self.column.name[:20]}_{mark}"

    @property
    def keepers(self) -> tuple[str, str]:
        """Its triggers: for rows that come, and for those that change."""
        return f"{self.keeper}_insert", f"{self.keeper}_update"

    @property
    def ends_with(self) -> Step:
        """Its last step."""
        return "drop" if self.fill else "switch"


class Declared(Closed):
    """An evolution by its name, with the text it was read from."""

    name: str
    text: str
    of: Evolution

    @cached_property
    def sha256(self) -> str:
        """Of the text."""
        return sha256(self.text.encode()).hexdigest()


def folder(line: Line) -> Path:
    """Beside the folder of the line: yoyo would take what lies inside for migrations."""
    return line.folder.with_name(f"{line.folder.name}.evolutions")


def names(line: Line) -> tuple[str, ...]:
    """Every declared one."""
    return tuple(sorted(path.stem for path in folder(line).glob("*.toml")))


def read(line: Line, name: str) -> Declared:
    """The one of that name."""
    path = folder(line) / f"{name}.toml"
    if not NAME.fullmatch(name) or not path.is_file():
        known = ", ".join(names(line)) or "none"
        raise Refused(f"{line.name}: no evolution {name!r}", f"declared are {known}")
    return parsed(name, path.read_text(encoding="utf-8"), f"{folder(line).name}/{path.name}")


def parsed(name: str, text: str, at: str) -> Declared:
    """The same from its text."""
    try:
        return Declared(name=name, text=text, of=Evolution.model_validate(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{at}: {error}") from None
    except ValidationError as error:
        said = [
            f"{at}: {'.'.join(map(str, each['loc'])) or 'whole'}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False)
        ]
        raise Refused("\n".join(said), "docs/evolve.md has a whole one") from None
