"""Every place that is declared, with all that is declared of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from apps.declared import everything
from apps.declared.everything import keys
from apps.declared.field import Field, nested, number
from apps.declared.postgres import summary
from schemas.bridge import CheckIn
from schemas.document import Document
from schemas.files import BESIDE
from schemas.governance.calls.where import Kind
from schemas.governance.metrics import METRICS
from schemas.governance.views import VIEWS
from schemas.label import Label
from schemas.ports import ANIMA_DB
from schemas.quantity import Closed
from schemas.server import LOGINS
from schemas.soulfra.memory import MEMORY_DB
from schemas.table import Owner, Sensitivity, Table

STORES: Final = {
    "anima": f"{ANIMA_DB} on the Pi",
    "governance": "Postgres `governance` on the Mac",
    "soulfra": "Postgres `soulfra` on the Mac",
    "soulfra_memory": f"agents/{{agent_id}}/{MEMORY_DB} of soulfra",
}
FOR_EVER: Final = "for ever"
INNER: Final = {
    Kind.TABLE: Kind.COLUMN,
    Kind.LABEL: Kind.PROPERTY,
    Kind.FILE: Kind.FIELD,
    Kind.MESSAGE: Kind.FIELD,
}
"""What the parts of a place are called."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One place. ``whole`` is the place that a column, a property or a field is a part of."""

    kind: Kind
    place: str
    what: str
    owner: Owner
    store: str
    kept: str
    sensitivity: Sensitivity
    fresh_seconds: float | None = None
    of: Any = None
    """The declaration: a Table, Label, Document or message, a Key, a View, a Metric or a Login."""
    whole: str | None = None
    field: Field | None = None
    unit: str | None = None

    @property
    def name(self) -> str:
        """The last part of the place."""
        if self.whole is not None:
            return self.place[len(self.whole) + 1 :]
        return self.place if self.kind in {Kind.KEY, Kind.FILE} else self.place.rpartition(".")[2]


@cache
def entries() -> tuple[Entry, ...]:
    """Everything, whole places before their parts."""
    whole = tuple(_wholes())
    return (*whole, *(part for each in whole for part in _parts(each)))


def _wholes() -> Iterator[Entry]:
    for table in everything.tables():
        # The files of agents have names that a file on the Pi has, too.
        above = f"{table.store}." if table.store == "soulfra_memory" else ""
        yield _entry(Kind.TABLE, above + table.table, STORES[table.store], table)
    for view in VIEWS:
        store = STORES["governance"]
        kept = _kept(view.of) if view.of else FOR_EVER
        whose = view.of.sensitivity if view.of else "internal"
        yield Entry(Kind.VIEW, view.view, view.says, "mac", store, kept, whose, of=view)
    for label in everything.labels():
        store = f"AGE graph `{label.graph}`, {label.kind}"
        yield _entry(Kind.LABEL, label.label, store, label)
    for key in keys():
        of = "" if key.tenant == "governance" else f" of {key.tenant}"
        store, kept = f"Redis{of}, {key.lifetime_seconds} s", f"{key.lifetime_seconds} s"
        yield Entry(
            Kind.KEY, key.pattern, key.says, key.owner, store, kept, key.sensitivity, of=key
        )
    for document in everything.documents():
        side = {"pi": "file on the Pi", "mac": "file on the Mac"}[document.owner]
        yield _entry(Kind.FILE, document.place, f"{side}, {document.form}", document)
    for message in everything.messages():
        owner: Owner = "pi" if message is CheckIn else "mac"
        yield Entry(
            Kind.MESSAGE, message.__name__, summary(message), owner,
            "the bridge", "until answered", "internal", of=message,
        )  # fmt: skip
    yield from _others()


def _others() -> Iterator[Entry]:
    for beside in BESIDE:
        store = {"pi": "file on the Pi", "mac": "file on the Mac"}[beside.owner]
        yield Entry(
            Kind.FILE, beside.place, beside.says, beside.owner, store,
            beside.kept, beside.sensitivity, of=beside,
        )  # fmt: skip
    for metric in METRICS:
        yield Entry(
            Kind.METRIC, metric.name, metric.says, "mac",
            "GET /metrics of governance", "until it restarts", "internal",
            of=metric, unit=metric.unit,
        )  # fmt: skip
    for login in LOGINS:
        store = "Postgres, the server on the Mac"
        yield Entry(Kind.ROLE, login.role, login.says, "mac", store, FOR_EVER, "internal", of=login)


def _entry(
    kind: Kind, place: str, store: str, of: type[Table] | type[Label] | type[Document]
) -> Entry:
    # A table may have a column of its own called keep_days.
    return Entry(
        kind, place, summary(of), of.owner, store, _kept(of),
        getattr(of, "sensitivity", "internal"),
        fresh_seconds=getattr(of, "fresh_seconds", None), of=of,
    )  # fmt: skip


def _kept(of: Any) -> str:
    days = getattr(of, "keep_days", None)
    return f"{number(days)} d" if days else FOR_EVER


def _parts(whole: Entry) -> Iterator[Entry]:
    """Each column, property and field: it lies and stays where its whole does."""
    model = whole.of
    if whole.kind not in INNER or not (isinstance(model, type) and issubclass(model, Closed)):
        return
    for field in nested(model):
        yield replace(
            whole,
            kind=INNER[whole.kind],
            place=f"{whole.place}.{field.name}",
            what=field.says or f"Part of {whole.place}.",
            whole=whole.place,
            field=field,
            unit=field.quantity.unit if field.quantity else None,
        )
