"""Who is only spoken of was born when first heard of; when that word changes or goes, by the next.

Without any word left it stays as it is: who was known once is known.
"""

from datetime import datetime
from pathlib import Path

from apps.legacy.renew import SQL
from apps.legacy.run import Run
from apps.legacy.source import opened
from apps.legacy.units import known


def again(run: Run) -> None:
    """All whom nobody speaks of at the time that they were born, and no old file has a row of."""
    heard: dict[str, datetime] = dict(run.db.execute(SQL["heard_otherwise"]).fetchall())
    for thing, _ in run.having("agent_metadata"):
        if heard:
            path = Path(run.seen.directory) / thing.path
            with opened(path) as file:
                table = known(path, "agent_metadata", file)
            for agent in table.present(sorted(heard)):
                del heard[agent]
    if heard:
        run.db.execute(SQL["hear_again"], {"agents": [*heard], "at": [*heard.values()]})
