"""Names and texts as SQL writes them."""

from apps.migrate.evolve.declared import Evolution


def quoted(name: str) -> str:
    """A name, or one with its schema."""
    return ".".join('"{}"'.format(part.replace('"', '""')) for part in name.split("."))


def literal(text: str) -> str:
    """A text."""
    return "'{}'".format(text.replace("'", "''"))


def unset(of: Evolution, row: str) -> str:
    """Whether a row still has what the column began with."""
    column = f"{row}.{quoted(of.column.name)}"
    if of.column.default is None:
        return f"{column} IS NULL"
    return f"{column} IS NOT DISTINCT FROM ({of.column.default})::{of.column.type}"
