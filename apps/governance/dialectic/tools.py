"""The tools of disputes: calls in, moves, replies out."""

from collections.abc import Mapping
from typing import Any

from apps.bridge.tool import Caller, Tool
from apps.governance.dialectic.archive import Archive
from apps.governance.dialectic.disputes import Disputes
from apps.governance.dialectic.rows import Moved
from apps.governance.dialectic.rules import Word, turn
from schemas.governance.calls import Right
from schemas.governance.calls.dialectic import (
    DialecticExported,
    DialecticImported,
    DialecticMoved,
    DialecticsListed,
    DialecticTold,
    ExportDialectic,
    GetDialectic,
    ImportDialectic,
    ListDialectics,
    Message,
    RequestReview,
    Session,
    SubmitAntithesis,
    SubmitSynthesis,
    SubmitThesis,
)
from schemas.governance.dialectic import Step

NOT_SAID = {"imported_json", "message_type", "recorded_at"}


def dialectic_tools(disputes: Disputes, archive: Archive) -> tuple[Tool, ...]:
    """Open one, speak in it, read it; take one in and give one out."""

    async def request_review(caller: Caller, asked: RequestReview) -> DialecticMoved:
        return _moved(caller, await disputes.open(caller.named(), asked))

    async def thesis(caller: Caller, asked: SubmitThesis) -> DialecticMoved:
        word = Word(
            caller.named(),
            Step.THESIS,
            root_cause=asked.root_cause,
            conditions=asked.proposed_conditions,
            reasoning=asked.reasoning,
        )
        return _moved(caller, await disputes.say(asked.session_id, word))

    async def antithesis(caller: Caller, asked: SubmitAntithesis) -> DialecticMoved:
        word = Word(
            caller.named(),
            Step.ANTITHESIS,
            reasoning=asked.reasoning,
            metrics=asked.observed_metrics,
            concerns=asked.concerns,
        )
        return _moved(caller, await disputes.say(asked.session_id, word))

    async def synthesis(caller: Caller, asked: SubmitSynthesis) -> DialecticMoved:
        word = Word(
            caller.named(),
            Step.SYNTHESIS,
            root_cause=asked.root_cause,
            conditions=asked.proposed_conditions,
            reasoning=asked.reasoning,
            agrees=asked.agrees,
            action=asked.proposed_action,
        )
        return _moved(caller, await disputes.say(asked.session_id, word, asked.synthesis_round))

    async def get(caller: Caller, asked: GetDialectic) -> DialecticTold:
        found, said = await disputes.tell(asked.session_id)
        return DialecticTold(
            resolved_agent_id=caller.agent,
            session=_session(found.row),
            next_speakers=turn(found.dispute),
            paused_agent_state=found.row["paused_agent_state_json"],
            resolution=found.row["resolution_json"],
            transcript=tuple(_message(row) for row in said),
        )

    async def list_all(caller: Caller, asked: ListDialectics) -> DialecticsListed:
        wanted = asked.model_dump(include={"about", "status", "before", "limit"})
        found = await disputes.sessions(wanted)
        return DialecticsListed(
            resolved_agent_id=caller.agent, sessions=tuple(_session(row) for row in found)
        )

    async def take_in(caller: Caller, asked: ImportDialectic) -> DialecticImported:
        kept = await archive.take_in(asked.document, caller.agent)
        return DialecticImported(
            resolved_agent_id=caller.agent,
            session_id=kept.session_id,
            messages=kept.messages,
            repeated=kept.repeated,
        )

    async def give_out(caller: Caller, asked: ExportDialectic) -> DialecticExported:
        document = await archive.give_out(asked.session_id)
        return DialecticExported(resolved_agent_id=caller.agent, document=document)

    return (
        Tool(
            "request_review",
            "Open a dialectic: to be resumed after a pause, to be reviewed, to contest a"
            " discovery, to explore.",
            RequestReview, DialecticMoved, Right.WRITE, request_review,
        ),
        Tool(
            "submit_thesis", "Say, as the one who opened it, what led to it and on what terms to"
            " go on.",
            SubmitThesis, DialecticMoved, Right.WRITE, thesis,
        ),
        Tool(
            "submit_antithesis", "Answer, as the reviewer, with what you measured and fear.",
            SubmitAntithesis, DialecticMoved, Right.WRITE, antithesis,
        ),
        Tool(
            "submit_synthesis", "Speak in a round: agree, or propose other terms.",
            SubmitSynthesis, DialecticMoved, Right.WRITE, synthesis,
        ),
        Tool(
            "get_dialectic", "Read a dialectic: how it stands, all that was said, what was agreed.",
            GetDialectic, DialecticTold, Right.READ, get,
        ),
        Tool(
            "list_dialectics", "List dialectics, the newest first.",
            ListDialectics, DialecticsListed, Right.READ, list_all,
        ),
        Tool(
            "import_dialectic", "Take in a dialectic of another server, each field as it is.",
            ImportDialectic, DialecticImported, Right.OPERATE, take_in,
        ),
        Tool(
            "export_dialectic", "Give out a dialectic as upstream writes its files.",
            ExportDialectic, DialecticExported, Right.READ, give_out,
        ),
    )  # fmt: skip


def _moved(caller: Caller, moved: Moved) -> DialecticMoved:
    return DialecticMoved(
        resolved_agent_id=caller.agent,
        session=_session(moved.row),
        next_speakers=turn(moved.dispute),
        repeated=moved.repeated,
        agent_status=moved.agent_status,
    )


def _session(row: Mapping[str, Any]) -> Session:
    return Session.model_validate({name: row[name] for name in Session.model_fields})


def _message(row: Mapping[str, Any]) -> Message:
    said = {name: value for name, value in row.items() if name not in NOT_SAID}
    return Message.model_validate(
        {**said, "phase": row["message_type"], "timestamp": row["recorded_at"]}
    )
