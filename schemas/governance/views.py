"""Views of ``governance``: names that the seeds promise, over rows that are declared elsewhere."""

from dataclasses import dataclass
from typing import Final

from schemas.governance.audit import ToolUsage
from schemas.governance.tables import Identity
from schemas.table import Table


@dataclass(frozen=True, slots=True)
class View:
    """A view, what it shows, and the table whose rows it shows; None where it is the ledger's."""

    view: str
    says: str
    of: type[Table] | None


VIEWS: Final = (
    View("core.agents", "One row per agent, active or not.", Identity),
    View("core.schema_migrations", "The migrations that are applied, from the ledger.", None),
    View("core.tool_usage", "One row per call of a tool, of the last 90 days.", ToolUsage),
)
