"""The tools of check-ins and identities; ``toolbox`` puts those of all rooms together."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256

from apps.bridge import envelope
from apps.bridge.tool import Caller, Tool
from apps.bridge.tools import Toolbox
from apps.governance.checkins import Checkins
from apps.governance.continuity import Continuity
from apps.governance.identities import Identities
from apps.governance.report import report
from schemas.bridge import Verdict
from schemas.errors import Diverged
from schemas.governance.calls import Right
from schemas.governance.calls.checkin import SyncState
from schemas.governance.calls.identity import AskIdentity, Describe, Known, Remembered


def toolbox(
    rooms: Iterable[tuple[Tool, ...]], watched: Callable[[Tool], Tool] = lambda tool: tool
) -> Toolbox:
    """Every tool by its name, in the order of the rooms; a name that two rooms use is a fault.

    ``watched`` is what each becomes before anybody may call it.
    """
    tools: dict[str, Tool] = {}
    for tool in (tool for room in rooms for tool in room):
        if tool.name in tools:
            raise Diverged(f"tools: two are called {tool.name!r}")
        tools[tool.name] = watched(tool)
    return tools


def check_in_tools(checkins: Checkins) -> tuple[Tool, ...]:
    """A check-in under both its names."""

    async def sync_state(caller: Caller, asked: SyncState) -> Verdict:
        arguments = asked.model_dump(mode="json", exclude_unset=True)
        said = report(
            caller.named(),
            envelope.check_in(arguments),
            datetime.now(UTC),
            envelope.complexity(arguments),
            caller.session_id,
        )
        return (await checkins.handle(said)).spoken_in(1)

    names = {
        "sync_state": "Check in: sensor_data with anima, and what else was measured.",
        "process_agent_update": "Check in, as clients of February 2026 call it.",
    }
    return tuple(
        Tool(name, says, SyncState, Verdict, Right.CHECK_IN, sync_state, is_verdict=True)
        for name, says in names.items()
    )


def identity_tools(identities: Identities, continuity: Continuity) -> tuple[Tool, ...]:
    """What an agent says of itself."""

    async def describe(caller: Caller, asked: Describe) -> Known:
        said = asked.model_dump(
            exclude_none=True, include={"label", "purpose", "notes", "tags", "preferences"}
        )
        if "tags" in said:
            said["tags"] = list(said["tags"])
        if "preferences" in said:
            said["metadata"] = said.pop("preferences")
        return _known(await identities.describe(caller.named(), said))

    async def tell(caller: Caller, asked: AskIdentity) -> Remembered:
        agent = (
            await continuity.resume(caller, asked.agent_uuid, asked.continuity_token)
            if asked.resume
            else caller.named()
        )
        told, token = await continuity.tell(agent)
        known = dict(_known(told))
        return Remembered(**known, resumed=bool(asked.resume), continuity_token=token)

    return (
        Tool(
            "update_agent_metadata",
            "Say who you are: purpose, tags, preferences, notes, label.",
            Describe, Known, Right.WRITE, describe,
        ),
        Tool(
            "identity", "Ask as whom governance knows you, or come back as who you were.",
            AskIdentity, Remembered, Right.CHECK_IN, tell,
        ),
    )  # fmt: skip


def _known(said: dict[str, object]) -> Known:
    agent = str(said["agent_id"])
    session = f"agent-{sha256(agent.encode()).hexdigest()[:12]}"
    return Known.model_validate(
        {**said, "uuid": agent, "client_session_id": session, "resolved_agent_id": agent}
    )
