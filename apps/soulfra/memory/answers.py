"""What was told with an id is kept once, however often it comes; it is answered as before."""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from apps.soulfra.decisions.decision import Conflict
from apps.soulfra.memory.database import Database
from apps.soulfra.memory.told import now
from apps.sqlite import as_text
from schemas.quantity import Closed
from schemas.soulfra.memory import ANSWER_DAYS


class Answers:
    """Of one file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def before(self, command_id: UUID | None, what: Closed) -> int | None:
        """The number it got when it was told with this id; Conflict if that was something else."""
        row = command_id and self._database.one("answer", {"command_id": str(command_id)})
        if not row:
            return None
        if self._database.seal.open(f"answers.said|{command_id}", row["said"]) != _said(what):
            raise Conflict(
                f"id {command_id}: was given before and told something else",
                "an id is used once; make a new one",
            )
        return int(row["number"])

    def note(self, command_id: UUID | None, what: Closed, number: int) -> int:
        """In the transaction that keeps it; gives the number."""
        if command_id is not None:
            at = now()
            old = as_text(at - timedelta(days=ANSWER_DAYS))
            self._database.run("forget_answers", {"before": old})
            row = {
                "command_id": str(command_id),
                "said": self._database.seal.shut(f"answers.said|{command_id}", _said(what)),
                "number": number,
                "answered_at": as_text(at),
            }
            self._database.run("note_answer", row)
        return number


def _said(what: Closed) -> bytes:
    """The hash of what was said, and not of when it was told if it does not say so."""
    return sha256(what.model_dump_json(exclude_unset=True).encode()).digest()
