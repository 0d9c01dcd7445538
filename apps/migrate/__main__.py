"""python -m apps.migrate LINE VERB: what the operator and the deploy run, on any host."""

import argparse
import gc
import sys
from collections.abc import Sequence

from apps.migrate.arguments import parsed
from apps.migrate.errors import Loss
from apps.migrate.ledger import Say
from apps.migrate.lines import line
from apps.migrate.verbs import RUN, Confirm
from schemas.errors import HouseError


def main(
    argv: Sequence[str] | None = None, *, say: Say | None = None, confirm: Confirm | None = None
) -> int:
    """Do what was asked; say on stderr what goes on and what went wrong. Gives the exit code."""
    asked = parsed(sys.argv[1:] if argv is None else argv)
    sure = confirm or (lambda undo, lost: _sure(asked, undo, lost))
    try:
        told = RUN[asked.verb](line(asked.line), asked, say or _progress, sure)
    except HouseError as error:
        if asked.json:
            from apps.migrate.shapes import wrong  # noqa: PLC0415  # pydantic only when needed

            sys.stdout.write(wrong(asked.line, error).model_dump_json() + "\n")
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    text = told.shape().model_dump_json() if asked.json else "\n".join(told.text)
    sys.stdout.write(f"{text}\n")
    return told.exit_code


def _progress(said: str) -> None:
    sys.stderr.write(f"{said}\n")
    sys.stderr.flush()


def _sure(asked: argparse.Namespace, undo: Sequence[str], lost: Sequence[Loss]) -> bool:
    """A person at a terminal says yes, or the command line did."""
    if asked.verb == "rollback" and asked.yes:
        return True
    if asked.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    for loss in lost:
        _progress(f"destroys {loss}")
    sys.stderr.write(f"roll back {', '.join(undo)}? type yes: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"


if __name__ == "__main__":
    # A short life: to collect while psycopg is imported costs a tenth of it.
    gc.disable()
    sys.exit(main())
