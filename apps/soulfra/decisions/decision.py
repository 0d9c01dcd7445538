"""A decision: what happens, and what is answered; and who makes it for which command."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol, TypeVar
from uuid import UUID, uuid4

from apps.soulfra.privacy.keys import Subject
from apps.soulfra.state import State
from schemas.errors import Diverged, Refused
from schemas.soulfra.commands import Asked
from schemas.soulfra.events import CreditsChanged, Happened
from schemas.soulfra.words import CREDITS, Cause, Entity
from schemas.table import JsonObject

A = TypeVar("A", bound=Asked)


class Missing(Refused):
    """What a command is about is not there."""

    status: ClassVar[int] = 404


class Conflict(Refused):
    """What a command asks for cannot be, as things stand."""

    status: ClassVar[int] = 409


class Numbers(Protocol):
    """Numbers that the database makes for us."""

    def prophecy(self) -> int:
        """The next one of a prophecy."""

    def blessing(self) -> int:
        """The next one of a blessing."""


@dataclass(slots=True)
class Decision:
    """What happens, in this order, and whom the answer is about."""

    entity: Entity
    id: str
    events: list[tuple[str, Happened]] = field(default_factory=list)
    told: JsonObject = field(default_factory=dict)
    unsigned: bool = False
    """Nothing that is written says who gave the command."""

    def add(self, entity: Entity, name: object, what: Happened) -> "Decision":
        """One more event, of any stream."""
        self.events.append((f"{entity}:{name}", what))
        return self

    def own(self, what: Happened) -> "Decision":
        """One more event of the stream that the answer is about."""
        return self.add(self.entity, self.id, what)


Decide = Callable[[State, Any, Numbers], Decision]
_DECIDE: Final[dict[type[Asked], Decide]] = {}


def decides(kind: type[A]) -> Callable[[Callable[[State, A, Numbers], Decision]], Decide]:
    """Mark the function that decides a kind of command."""

    def known(decide: Callable[[State, A, Numbers], Decision]) -> Decide:
        _DECIDE[kind] = decide
        return decide

    return known


def asked(state: State, body: Asked, numbers: Numbers) -> Decision:
    """What a command comes to; raises what it is refused for."""
    return _DECIDE[type(body)](state, body, numbers)


def made(entity: Entity) -> str:
    """An id for what has none."""
    return f"{entity}-{uuid4().hex}"


def there(found: Any, entity: Entity, name: object) -> Any:
    """What was found, unless nothing was."""
    if found is None:
        raise Missing(f"{entity} {str(name)!r}: is not there")
    return found


def free(state: State, entity: Entity, name: object) -> None:
    """Refuse an id that is or was somebody's: also of a loop whose month is pruned."""
    if f"{entity}:{name}" in state.versions:
        raise Conflict(f"{entity} {str(name)!r}: is there already", "leave the id out to get one")


def subject(state: State, user_id: UUID) -> Subject:
    """The key of somebody who was not forgotten."""
    if user_id in state.seals.forgotten:
        raise Conflict(f"user {str(user_id)!r}: is forgotten")
    there(state.users.get(user_id), Entity.USER, user_id)
    found = state.seals.subjects.get(user_id)
    if found is None:
        raise Diverged(f"privacy.subjects: no key of user {user_id}", "was it restored, too?")
    return found


def pay(state: State, decision: Decision, whom: Any, cause: Cause) -> None:
    """Credits come or go; nobody owes any."""
    amount = CREDITS[cause]
    balance = there(state.users.get(whom), Entity.USER, whom) + amount
    if balance < 0:
        raise Conflict(
            # How many there are, whoever gives the command for them need not know.
            f"user {str(whom)!r}: a {cause} costs {-amount} credits, there are fewer",
            "a blessing of one of the user's loops brings some",
        )
    decision.add(Entity.USER, whom, CreditsChanged(amount=amount, cause=cause))
