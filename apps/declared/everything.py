"""Everything that schemas/ declares, found by walking it: no list that someone forgets."""

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TypeVar

import schemas
from schemas.bridge import CheckIn, Verdict
from schemas.document import Document
from schemas.key import Key
from schemas.label import Label
from schemas.quantity import Closed
from schemas.table import Store, Table

T = TypeVar("T")


def tables(store: Store | None = None) -> tuple[type[Table], ...]:
    """Every row, module by module, in the order of its file."""
    return tuple(t for t in _subclasses(Table) if store in {None, t.store})


def labels() -> tuple[type[Label], ...]:
    """Every vertex, then every edge."""
    return tuple(sorted(_subclasses(Label), key=lambda label: label.kind, reverse=True))


def documents() -> tuple[type[Document], ...]:
    """Every JSON and JSONL file."""
    return _subclasses(Document)


@cache
def keys() -> tuple[Key, ...]:
    """Every Redis key."""
    found = (v for module in _modules() for v in vars(module).values() if isinstance(v, Key))
    return tuple(dict.fromkeys(found))


def messages() -> tuple[type[Closed], ...]:
    """What crosses the wire: the question and its answer."""
    return CheckIn, Verdict


@cache
def _modules() -> tuple[ModuleType, ...]:
    names = [found.name for found in pkgutil.walk_packages(schemas.__path__, "schemas.")]
    # A line's first rows are in its tables.py; what grew beside them comes after.
    names.sort(key=lambda name: (not name.endswith(".tables"), name))
    return tuple(import_module(name) for name in names)


def _subclasses(kind: type[T]) -> tuple[type[T], ...]:
    return tuple(
        found
        for module in _modules()
        for found in vars(module).values()
        if isinstance(found, type) and found.__module__ == module.__name__
        if issubclass(found, kind) and found is not kind
    )
