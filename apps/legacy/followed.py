"""What ``abode legacy follow`` says of each pass: one closed object, its contract with programs."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.quantity import Closed, Quantity

Rows = Annotated[int, Quantity("{row}", "of this pass", low=0)]
Seconds = Annotated[float, Quantity("s", "of the old server's writing", low=0)]


class Pass(Closed):
    """One pass over a directory that the old server writes."""

    contract: Literal[1] = 1
    directory: str
    way: Literal["triggers", "comparison"]
    applied: Rows = 0
    """Agents, discoveries, disputes and so on that were other than before, or gone."""
    came: Rows = 0
    """Events, calls and lines that were appended."""
    behind_rows: Rows = 0
    """Written since; changes that only a comparison finds are not counted."""
    behind_seconds: Seconds = 0.0
    """How old that is, which the house has wholly; 0 when nothing was written since."""
    failed: Rows = 0
    """Changes in legacy.failures, whichever pass they failed in."""
    rejected: Rows = 0
    """Rows in legacy.rejected."""
    notices: list[str] = Field(default_factory=list)
    """Files that were rotated, cut short or put in place of others."""
    seconds: Seconds = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether all that is there is here."""
        return not (self.failed or self.rejected or self.behind_rows)
