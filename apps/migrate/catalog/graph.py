"""Properties that rows of a graph have and no label declares."""

from collections.abc import Iterator, Mapping

from schemas.label import Label


def without_declared(catalog: Mapping[str, str]) -> dict[str, str]:
    """The catalog with stray properties only."""
    known = set(_properties(Label))
    return {k: v for k, v in catalog.items() if k not in known}


def _properties(of: type[Label]) -> Iterator[str]:
    for label in of.__subclasses__():
        yield from (f"property {label.graph}.{label.label}.{name}" for name in label.model_fields)
        yield from _properties(label)
