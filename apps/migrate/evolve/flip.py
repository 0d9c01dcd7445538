"""What the switch changes beside the mark, and the same back: views, defaults, NOT NULL.

Names stand as they are declared: the migrations have the same statements, for a reader.
"""

from apps.migrate.evolve.declared import Evolution, View


def views_forth(of: Evolution) -> list[str]:
    """Views as they are from the switch on."""
    return [_view(each, each.after) for each in of.view]


def views_back(of: Evolution) -> list[str]:
    """Views as they were before it."""
    return [_view(each, each.before) for each in of.view]


def forth(of: Evolution) -> list[str]:
    """Nobody need write the old column; who does not say the new one has its new default."""
    found = []
    if of.replaces and of.replaces.default:
        found.append(_old(of, "DROP DEFAULT"))
    if of.replaces and of.replaces.required:
        found.append(_old(of, "DROP NOT NULL"))
    if of.column.default_after:
        found.append(_new(of, f"SET DEFAULT {of.column.default_after}"))
    return found


def back(of: Evolution) -> list[str]:
    """The same back, in its order."""
    found = []
    if of.column.default_after:
        was = f"SET DEFAULT {of.column.default}" if of.column.default else "DROP DEFAULT"
        found.append(_new(of, was))
    if of.replaces and of.replaces.required:
        found.append(_old(of, "SET NOT NULL"))
    if of.replaces and of.replaces.default:
        found.append(_old(of, f"SET DEFAULT {of.replaces.default}"))
    return found


def _view(view: View, query: str) -> str:
    options = f" WITH ({view.options})" if view.options else ""
    return f"CREATE OR REPLACE VIEW {view.name}{options} AS {query}"


def _old(of: Evolution, what: str) -> str:
    assert of.replaces is not None  # noqa: S101  # only then is there an old column
    return f"ALTER TABLE {of.table} ALTER COLUMN {of.replaces.column} {what}"


def _new(of: Evolution, what: str) -> str:
    return f"ALTER TABLE {of.table} ALTER COLUMN {of.column.name} {what}"
