"""The Pi's lines: it answers, draws, has made the check-in, and has been rid of it."""

from typing import Any, Final

from apps.ops.verify.asked import Told
from apps.ops.verify.found import Found, Lines, seconds
from apps.ops.verify.said import Mark, Name
from schemas.anima.files import Condition

DRAWING_SECONDS: Final = 600.0
"""A step is recorded every tenth mark: after so long without one it does not draw."""
CONDITION_SECONDS: Final = Condition.fresh_seconds or 15.0
NAMES: Final[tuple[Name, ...]] = (
    "pi", "anima", "anima_db", "drawing_history", "check-in", "outbox",
)  # fmt: skip


def of_pi(told: Told, mark: Mark | None) -> Lines:
    """The Pi's own: it answers, draws, has made the check-in and got rid of it."""
    if told.reason is not None or not isinstance(told.said, dict):
        silence = Found("", {}, told.reason or "says nothing", silent=True)

        return dict.fromkeys(NAMES, silence)
    said = told.said
    lines: Lines = {"pi": Found(f"answers at {said['now'][:19]}Z", {"now": said["now"]})}
    lines["anima"] = _anima(said)
    after = said.get("after")
    if after is None:
        no = Found("", {}, said.get("error") or "cannot be read")
        return lines | {"anima_db": no, "drawing_history": no, "check-in": no, "outbox": no}
    migration = after["migration"]
    lines["anima_db"] = Found(f"at migration {migration}", {"migration": migration})
    lines["drawing_history"] = _drawn(said)
    lines["check-in"] = _made(said, mark)
    lines["outbox"] = _arrived(said, mark)
    return lines


def _anima(said: dict[str, Any]) -> Found:
    condition = said["condition"]
    evidence = {"unit": said["unit"]}
    if said["unit"] != "active":
        return Found("", evidence, f"the unit is {said['unit'] or 'not there'}")
    if condition is None:
        return Found("", evidence, "the unit is active and tells no condition")
    age = said["age"]
    evidence |= {"boot_id": condition["boot_id"], "condition_age_seconds": age}
    if age > CONDITION_SECONDS:
        return Found("", evidence, f"told its condition {age:.0f} s ago")
    return Found(f"active, told its condition {age:.0f} s ago", evidence)


def _drawn(said: dict[str, Any]) -> Found:
    """That it accumulates: the newest step is as new as the table's declaration says."""
    before, after = said["before"]["drawn"], said["after"]["drawn"]
    if after is None:
        return Found("", {}, "holds no step")
    now = (said["condition"] or {}).get("at", said["now"])
    age = seconds(now, after[1])
    grew = after[0] - (before[0] if before else 0)
    evidence = {"newest_id": after[0], "newest_at": after[1], "new_rows": grew}
    if age > DRAWING_SECONDS:
        why = "" if (said["condition"] or {}).get("may_draw", True) else ": it may not draw"
        return Found("", evidence, f"the newest step is {age:.0f} s old{why}")
    return Found(f"{grew} new steps while we looked, the newest {age:.0f} s old", evidence)


def _made(said: dict[str, Any], mark: Mark | None) -> Found:
    """The loop made it: while we looked, or before."""
    evidence = {"seq": mark.seq if mark else None, "seq_before": said["before"]["given"]}
    if mark is None:
        return Found("", evidence, "the loop made none while we waited")
    if not said["fate"]["given"]:
        return Found("", evidence, f"{mark.seq} was never made here")
    if mark.how != "followed":
        return Found(f"{mark.seq} was made before, it is {mark.how}", evidence)
    seen = "lay in the outbox" if mark.sha256 else "was gone before it was seen in the outbox"
    return Found(f"the loop made {mark.seq}, which {seen}", evidence | {"sha256": mark.sha256})


def _arrived(said: dict[str, Any], mark: Mark | None) -> Found:
    """It left the outbox, because governance acknowledged it."""
    fate = said["fate"]
    evidence = {"waiting": said["after"]["waiting"], "rejected": fate["rejected"]}
    if mark is None or not fate["given"]:
        return Found("", evidence, "there is no check-in to look for")
    if fate["rejected"] is not None:
        return Found("", evidence, f"{mark.seq} was rejected: {fate['rejected']}")
    if fate["waits"] is not None:
        attempts, error = fate["waits"]
        evidence |= {"attempts": attempts, "last_error": error}
        return Found("", evidence, f"{mark.seq} still waits: {error or 'not sent yet'}")
    return Found(f"{mark.seq} was acknowledged, {said['after']['waiting']} wait", evidence)
