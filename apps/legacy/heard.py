"""Who is only spoken of was born when first heard of; when that word changes or goes, by the next.

Without any word left it stays as it is: who was known once is known.
"""

from pathlib import Path

from apps.legacy.renew import SQL
from apps.legacy.run import Run
from apps.legacy.source import opened
from apps.legacy.units import known


def again(run: Run) -> None:
    """All whom nobody speaks of at the time that they were born, and no old file has a row of."""
    agents = {agent for (agent,) in run.db.execute(SQL["heard_otherwise"]).fetchall()}
    for thing, _ in run.having("agent_metadata"):
        if agents:
            path = Path(run.seen.directory) / thing.path
            with opened(path) as file:
                table = known(path, "agent_metadata", file)
            agents -= table.present(sorted(agents))
    if agents:
        run.db.execute(SQL["hear_again"], {"agents": sorted(agents)})
