"""The graph's line: governance can write to it, and it holds the agent as its rows do."""

from typing import Any, Final

from apps.ops.verify.asked import Told
from apps.ops.verify.found import Found, instant

PROBE: Final = "graph"
"""Of /health: governance writes a vertex and reads it back."""


def of_graph(rows: Told, vertices: Told, health: Told) -> Found:
    """The agent is in the graph as soon as one of its rows ties it, once, and as they are."""
    if vertices.said is None or rows.said is None:
        return Found("", {}, vertices.reason or rows.reason, silent=rows.said is None)
    found, who = vertices.said, rows.said["identity"]
    evidence: dict[str, Any] = {"vertices": len(found), **(found[0] if found else {})}
    probe = (health.said or {"checks": {}})["checks"].get(PROBE, {})
    if probe.get("status") == "error":
        return Found("", evidence, f"governance cannot write to it: {probe['detail']}")
    if wrong := _untrue(found, who):
        return Found("", evidence, wrong)
    if not found:
        return Found("nothing ties the agent to it yet, so it has no vertex", evidence)
    return Found(f"one vertex, {who['status']}, {who['discoveries']} discoveries", evidence)


def _untrue(found: list[dict[str, Any]], who: dict[str, Any] | None) -> str | None:
    """The first thing in which the graph is not as the rows are."""
    if who is None:
        return "core.identities does not know the agent"
    if not found and not (who["discoveries"] or who["spawned"] or who["ties"]):
        return None
    if len(found) != 1:
        return f"holds {len(found)} vertices of the agent, not one"
    for name in ("status", "discoveries", "spawned"):
        if found[0][name] != who[name]:
            return f"says {name} {found[0][name]!r}, its rows {who[name]!r}"
    if instant(found[0]["created_at"]) != instant(who["created_at"]):
        return "says another created_at than core.identities"
    return None
