"""The check-in: what the creature says of itself, put together inside the store's transaction."""

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from apps.anima.feelings import report
from apps.anima.outbox import Loss
from apps.anima.readings import Reading, as_sensor_data
from apps.anima.store import Snapshot
from schemas.anima.tables import DrawingState
from schemas.bridge import CONTRACT, FAILURES_LIMIT, CheckIn, PiHealth, SensorData
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


def failures(*counts: Mapping[str, int]) -> dict[str, int]:
    """What went wrong, of several counts together; the most frequent if it is too much to say."""
    total: dict[str, int] = {}
    for each in counts:
        for kind, times in list(each.items()):
            total[kind[:64]] = total.get(kind[:64], 0) + times
    most = sorted(total.items(), key=lambda kind: -kind[1])[:FAILURES_LIMIT]
    return dict(sorted(most))


def compose(
    agent: str,
    boot_id: str,
    now: datetime,
    *,
    is_known: bool = True,
    anima: Anima,
    readings: Iterable[Reading],
    dropped: int,
    monotonic_seconds: float | None = None,
    health: Mapping[str, object] | None = None,
    felt_from: str | None = None,
) -> Callable[[int, Snapshot | None], CheckIn]:
    """The builder that ``Store.enqueue_checkin`` completes with seq and snapshot.

    Without a snapshot, what the store knows is absent from the check-in; so is the time while
    ``now`` is not known for sure. ``health`` is what others know: fields of ``PiHealth``.
    """
    data = as_sensor_data(readings, felt_from)

    def build(seq: int, store: Snapshot | None) -> CheckIn:
        return CheckIn(
            contract=CONTRACT,
            agent=agent,
            boot_id=boot_id,
            seq=seq,
            recorded_at=now if is_known else None,
            monotonic_seconds=monotonic_seconds,
            anima=anima,
            eisv=report(anima),
            sensor_data=SensorData.model_validate(
                {**data, "drawing_eisv": snapshot(store.drawing) if store else None}
            ),
            identity=store.identity if store else None,
            pi=_health(store, now, {**(health or {}), "dropped_records": dropped})
            if store
            else None,
        )

    return build


def _health(store: Snapshot, now: datetime, known: Mapping[str, object]) -> PiHealth:
    told: dict[str, object] = {
        "outbox_depth": store.waiting,
        "rejected_checkins": store.rejected,
        "schema_version": store.schema_version,
        "outbox_bytes": store.waiting_bytes,
        "thinned_checkins": sum(loss.stripped for loss in store.losses),
    }
    if store.oldest_at is not None:
        told["outbox_oldest_seconds"] = max((now - store.oldest_at).total_seconds(), 0.0)
    if gaps := [_gap(loss) for loss in store.losses if loss.missing]:
        told["gaps"] = gaps
    return PiHealth.model_validate({**told, **known})


def _gap(loss: Loss) -> dict[str, object]:
    """As it crosses the bridge."""
    return {
        "first_seq": loss.first_seq,
        "last_seq": loss.last_seq,
        "count": loss.missing,
        "from_at": loss.from_at,
        "upto_at": loss.upto_at,
    }
