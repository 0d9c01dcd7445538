"""Properties that rows of a graph have and no label declares."""

from collections.abc import Mapping

from schemas.governance.graph import LABELS


def without_declared(catalog: Mapping[str, str]) -> dict[str, str]:
    """The catalog with stray properties only."""
    known = {
        f"property {label.graph}.{label.label}.{name}"
        for label in LABELS
        for name in label.model_fields
    }
    return {name: said for name, said in catalog.items() if name not in known}
