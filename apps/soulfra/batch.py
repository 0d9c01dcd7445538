"""Pure: what a batch of commands comes to, one after the other, as things stand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.soulfra.decisions import Numbers, asked
from apps.soulfra.decisions.decision import Conflict
from apps.soulfra.given import Done, Given
from apps.soulfra.state import State
from schemas.errors import HouseError
from schemas.soulfra.commands import Answer
from schemas.soulfra.log import EventType
from schemas.soulfra.words import Entity

Outcome = Done | HouseError


@dataclass(slots=True)
class Batch:
    """An outcome for each command; events and done commands to be written."""

    outcomes: list[Outcome] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    types: set[tuple[Entity, EventType]] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    """Streams that go on."""


def decided(given: Sequence[Given], state: State, numbers: Numbers) -> Batch:
    """Each command sees what those before it came to; one that is refused changes nothing."""
    batch = Batch()
    for each in given:
        try:
            batch.outcomes.append(_one(each, state, numbers, batch))
        except HouseError as error:
            batch.outcomes.append(error)
    return batch


def _one(given: Given, state: State, numbers: Numbers, batch: Batch) -> Done:
    if done := state.done.get(given.command_id):
        sha256, before = done
        if sha256 != given.sha256:
            raise Conflict(
                f"command {given.command_id}: was given before and asked for something else",
                "an id is used for one command; make a new one",
            )
        return Done(Answer.model_validate(before), repeated=True)
    decision = asked(state, given.body, numbers)
    metadata = {"command_id": str(given.command_id)}
    if not decision.unsigned:
        metadata["by"] = given.by
    for stream, what in decision.events:
        version = state.apply(stream, what)
        batch.written.add(stream)
        batch.types.add((Entity(stream.partition(":")[0]), what.type))
        batch.events.append(
            {
                "stream": stream,
                "version": version,
                "type": str(what.type),
                "schema_version": what.schema_version,
                "data": what,
                "metadata": metadata,
            }
        )
    answer = Answer(
        entity=decision.entity,
        id=decision.id,
        version=state.versions[f"{decision.entity}:{decision.id}"],
        told=decision.told,
    )
    row = given.row(answer)
    state.done[given.command_id] = (given.sha256, row["answer"])
    batch.commands.append(row)
    return Done(answer)
