"""The lines that hold one side against the other: what was drawn, and what was answered."""

from typing import Any

from apps.ops.verify.asked import Told
from apps.ops.verify.found import Found

Row = dict[str, Any]


def drawing(rows: Told, row: dict[str, Any] | None, step: Told | None) -> Found:
    """The row's snapshot is a step that the Pi recorded, to the last digit."""
    if rows.said is None or row is None:
        return Found("", {}, rows.reason or "there is no row", silent=rows.said is None)
    if row["drawing"] is None:
        return Found("", {}, "the check-in brought no drawing EISV")
    if step is None or step.said is None or "step" not in step.said:
        reason = (step.said or {}).get("error") or step.reason if step else None
        return Found("", {}, reason or "the Pi was not asked", silent=True)
    if step.said["step"]:
        number, at = step.said["step"]
        evidence = {"drawing_history_id": number, "timestamp": at}
        return Found(f"is step {number} of drawing_history, to the last digit", evidence)
    near = step.said["near"] or {}
    wrong = [name for name in row["drawing"] if near.get(name) != row["drawing"][name]]
    shown = {name: [near.get(name), row["drawing"][name]] for name in wrong[:3]}
    return Found("", {"differs": shown}, f"no step has its numbers: {', '.join(wrong[:3])}")


def verdict(said: dict[str, Any] | None, row: dict[str, Any] | None) -> Found:
    """What the Pi goes by is what the Mac answered to its newest check-in."""
    condition = said["condition"] if said else None
    if condition is None or row is None:
        return Found("", {}, "there is nothing to compare")
    names = ("action", "margin", "reason")
    evidence = {"pi": {name: condition[name] for name in names}, "seq": row["seq"]}
    if condition["decided_by"] != "governance":
        return Found("", evidence, f"the Pi decides by itself: {condition['reason']}")
    for name in names:
        if condition[name] != row[name]:
            return Found("", evidence, f"{name}: the Pi has {condition[name]!r}, not {row[name]!r}")
    return Found(f"came back to the Pi: {row['action']}, {row['margin']}", evidence)
