"""What a process beside the creature takes for the time."""

import sqlite3
from datetime import datetime

from apps.anima.clock import Clock
from apps.anima.instants import borne_out
from apps.anima.retiming import QUERIES, last_ids, stamps_of


def house_time(db: sqlite3.Connection) -> datetime:
    """What a process beside the creature takes for the time: this boot's, or after every row."""
    db.row_factory = sqlite3.Row
    clock = Clock()
    boot = db.execute(QUERIES["this_boot"], {"kernel_boot_id": clock.boot}).fetchone()
    if boot is not None:
        clock.take_up(boot["offset_microseconds"], boot["source"])
    if newest := borne_out(stamps_of(db, {}, last_ids(db))):
        clock.not_before(newest)
    return clock.now()
