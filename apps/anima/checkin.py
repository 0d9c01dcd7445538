"""The check-in: what the creature says of itself, put together inside the store's transaction."""

import os
from collections.abc import Callable, Iterable
from datetime import datetime

from apps.anima.feelings import report
from apps.anima.readings import Reading, as_sensor_data
from apps.anima.store import Snapshot
from schemas.anima.tables import DrawingState
from schemas.bridge import CONTRACT, CheckIn, PiHealth, SensorData
from schemas.eisv import Anima, DrawingEisv

SHARED = tuple(name for name in DrawingEisv.model_fields if name in DrawingState.model_fields)
"""What a recorded step and its snapshot have in common: every number of the row."""


def new_boot_id() -> str:
    """A fresh name for this run of the process.

    Not the kernel's boot_id: containers share it, and it outlives the process.
    """
    return os.urandom(16).hex()


def snapshot(row: DrawingState | None) -> DrawingEisv | None:
    """The recorded step as it crosses the bridge: the same numbers, nothing added."""
    if row is None:
        return None
    return DrawingEisv.model_validate({name: getattr(row, name) for name in SHARED})


def compose(
    agent: str,
    boot_id: str,
    now: datetime,
    *,
    anima: Anima,
    readings: Iterable[Reading],
    dropped: int,
) -> Callable[[int, Snapshot | None], CheckIn]:
    """The builder that ``Store.enqueue_checkin`` completes with seq and snapshot.

    Without a snapshot, what the store knows is absent from the check-in.
    """
    data = as_sensor_data(readings)

    def build(seq: int, store: Snapshot | None) -> CheckIn:
        return CheckIn(
            contract=CONTRACT,
            agent=agent,
            boot_id=boot_id,
            seq=seq,
            recorded_at=now,
            anima=anima,
            eisv=report(anima),
            sensor_data=SensorData.model_validate(
                {**data, "drawing_eisv": snapshot(store.drawing) if store else None}
            ),
            identity=store.identity if store else None,
            pi=PiHealth(
                outbox_depth=store.waiting,
                dropped_records=dropped,
                rejected_checkins=store.rejected,
                schema_version=store.schema_version,
            )
            if store
            else None,
        )

    return build
