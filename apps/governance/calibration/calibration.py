"""The thresholds in force and before; how sure agents are, against what came of it."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg.types.json import Jsonb
from pydantic import ValidationError

from apps.bridge.refusals import Conflict, NotFound
from apps.bridge.tool import Caller, Tool
from apps.governance.audit import AuditLog, event
from apps.governance.calibration.curve import Counted, brier, curve, expected_error
from apps.governance.change import change
from apps.governance.desk import Desk
from apps.postgres import Connection
from apps.queries import load
from schemas.errors import Diverged, HouseError, Refused
from schemas.governance.calls import Right
from schemas.governance.calls.calibration import (
    CalibrationTold,
    GetCalibration,
    GetThresholds,
    SetThresholds,
    ThresholdsTold,
)
from schemas.governance.thresholds import Thresholds

log = logging.getLogger("governance")
SQL = load(Path(__file__).with_name("calibration.sql"))
LOOK_SECONDS = 5.0


class Measured(Protocol):
    """Whoever judges by thresholds."""

    thresholds: Thresholds


class Calibration:
    """core.calibration, and the writer that follows it without a restart."""

    def __init__(self, desk: Desk, audit: AuditLog, writer: Measured) -> None:
        self._desk = desk
        self._audit = audit
        self._writer = writer
        self._taken = -1
        self.trouble: str | None = None
        """Why the newest thresholds are not in force here."""

    def tools(self) -> tuple[Tool, ...]:
        """The curve, and the thresholds."""
        return (
            Tool(
                "get_calibration",
                "How sure agents were and how right: bins, reliability curve, expected error.",
                GetCalibration, CalibrationTold, Right.READ, self._curve,
            ),
            Tool(
                "get_thresholds", "The edges of a verdict, now or in an older version.",
                GetThresholds, ThresholdsTold, Right.READ, self._read,
            ),
            Tool(
                "set_thresholds", "Change edges of a verdict; what was is kept as a version.",
                SetThresholds, ThresholdsTold, Right.OPERATE, self._change,
            ),
        )  # fmt: skip

    async def watch(self) -> None:
        """Follow changes of other processes and by hand, until cancelled."""
        while True:
            try:
                await self.follow()
            except (HouseError, psycopg.Error, TimeoutError) as error:
                trouble = getattr(error, "message", type(error).__name__)
                if trouble != self.trouble:
                    log.warning("thresholds: %s", trouble)
                self.trouble = trouble
            else:
                self.trouble = None
            await asyncio.sleep(LOOK_SECONDS)

    async def follow(self) -> None:
        """Take what is in force if it is not what the writer has."""
        async with self._desk.connection() as conn:
            found = await (await conn.execute(SQL["version"])).fetchone()
            if found is None or found[0] == self._taken:
                return
            told = await _told(conn, None)
        self._take(told)

    def _take(self, told: ThresholdsTold) -> None:
        """Never an older version than it has: two changes may come back in either order."""
        if told.version > self._taken:
            self._taken = told.version
            self._writer.thresholds = told.thresholds
            log.info("thresholds: version %d is in force", told.version)

    async def _curve(self, caller: Caller, asked: GetCalibration) -> CalibrationTold:
        since = datetime.now(UTC) - timedelta(days=asked.days)
        given = {"since": since, "about": asked.about}
        async with self._desk.connection() as conn:
            counted = [
                Counted._make(row)
                for row in await (await conn.execute(SQL["bins"], given)).fetchall()
            ]
            unsure = await (await conn.execute(SQL["unsure"], given)).fetchone()
        bins = curve(counted)
        return CalibrationTold(
            resolved_agent_id=caller.agent,
            bins=bins,
            count=sum(each.count for each in bins),
            unsure=unsure[0] if unsure else 0,
            expected_calibration_error=expected_error(bins),
            brier_score=brier(counted),
        )

    async def _read(self, caller: Caller, asked: GetThresholds) -> ThresholdsTold:
        async with self._desk.connection() as conn:
            told = await _told(conn, asked.version)
        return told.model_copy(update={"resolved_agent_id": caller.agent})

    async def _change(self, caller: Caller, asked: SetThresholds) -> ThresholdsTold:
        async with change(self._desk, self._audit) as (conn, events):
            found = await (await conn.execute(SQL["hold_thresholds"])).fetchone()
            if found is None:
                raise Diverged("core.calibration: has no row", "abode migrate governance check")
            before, version = found
            if version != asked.expected_version:
                raise Conflict(
                    f"thresholds: version {asked.expected_version} was expected,"
                    f" version {version} is there",
                    "read it, and change that",
                )
            after = _changed(before, asked).model_dump()
            if after == before:
                raise Refused("thresholds: are like that already", f"version {version} stands")
            given = {"data": Jsonb(after), "changed_by": caller.agent, "reason": asked.reason}
            await conn.execute(SQL["change_thresholds"], given)
            told = await _told(conn, None)
            said = {"version": told.version, "before": before, "after": after}
            said |= {"reason": asked.reason}
            events.append(event(caller.agent, "thresholds_changed", said))
        self._take(told)
        return told.model_copy(update={"resolved_agent_id": caller.agent})


def _changed(before: Mapping[str, Any], asked: SetThresholds) -> Thresholds:
    named = asked.model_dump(include=set(Thresholds.model_fields), exclude_none=True)
    return _valid({**before, **named}, Refused)


def _valid(data: Mapping[str, Any], kind: type[HouseError]) -> Thresholds:
    try:
        return Thresholds.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(["thresholds", *(str(part) for part in first["loc"])])
        raise kind(f"{where}: {first['msg']}") from None


async def _told(conn: Connection, version: int | None) -> ThresholdsTold:
    found = await (await conn.execute(SQL["thresholds"], {"version": version})).fetchone()
    numbers = [number for (number,) in await (await conn.execute(SQL["versions"])).fetchall()]
    if found is None:
        raise NotFound(
            f"thresholds: no version {version}", f"there are {', '.join(map(str, numbers[:20]))}"
        )
    data, number, made_at, changed_by, reason, replaced_at = found
    return ThresholdsTold(
        thresholds=_valid(data, Diverged),
        version=number,
        in_force=replaced_at is None,
        made_at=made_at,
        changed_by=changed_by,
        reason=reason,
        replaced_at=replaced_at,
        versions=tuple(numbers),
    )
