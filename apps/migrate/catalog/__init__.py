"""What a database is made of, object by object, and how two of them differ."""

from apps.migrate.catalog.differences import Difference, difference, disordered, shown

__all__ = ["Difference", "difference", "disordered", "shown"]
