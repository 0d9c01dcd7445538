"""python -m apps.migrate status|apply|rollback LINE: what the operator and the deploy run."""

import argparse
import json
import sys
from typing import Any

from apps.migrate import runner
from apps.migrate.atomic import Plan
from apps.migrate.lines import ENGINES, line
from schemas.errors import Diverged, HouseError


def main(argv: list[str] | None = None) -> int:
    """Do what was asked; say on stderr what went wrong. Gives the exit code."""
    asked = _arguments(argv)
    try:
        of = line(asked.line)
        database = asked.database or runner.database_of(of)
        if asked.verb == "status":
            plan = runner.status(of, database)
            _show(asked.line, plan, as_json=asked.json)
            return Diverged.exit_code if asked.check and not plan.settled else 0
        if asked.verb == "apply":
            ran = runner.apply(of, database, asked.wait)
        else:
            ran = runner.rollback(of, database, to=asked.to, steps=asked.steps, wait=asked.wait)
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if asked.json:
        _say(json.dumps({"line": asked.line, asked.verb: ran}))
    else:
        done = {"apply": "applied", "rollback": "rolled back"}[asked.verb]
        _say("\n".join(f"{done} {i}" for i in ran) or f"{asked.line}: nothing to do")
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m apps.migrate", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    status = verbs.add_parser("status", help="what is applied and what is not; writes nothing")
    status.add_argument("--check", action="store_true", help="exit 4 unless nothing is left to do")
    apply = verbs.add_parser("apply", help="apply what is pending")
    rollback = verbs.add_parser("rollback", help="undo the newest migration, or several")
    extent = rollback.add_mutually_exclusive_group()
    extent.add_argument("--to", metavar="ID", help="the one that stays; 0000 undoes all")
    extent.add_argument("--steps", metavar="N", type=_positive, default=1, help="default 1")
    for verb in (status, apply, rollback):
        verb.add_argument("line", metavar="LINE", help=", ".join(sorted(ENGINES)))
        verb.add_argument("--database", metavar="URL_OR_PATH", help="else by the environment")
        verb.add_argument("--json", action="store_true")
    for verb in (apply, rollback):
        verb.add_argument(
            "--wait",
            metavar="SECONDS",
            type=float,
            default=runner.WAIT_SECONDS,
            help="for another runner to finish; default %(default)g",
        )
    return parser.parse_args(argv)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _rows(plan: Plan) -> list[tuple[str, str, str]]:
    """Id, state and instant of everything known, in order."""
    wrong = dict.fromkeys(plan.edited, "edited") | dict.fromkeys(plan.missing, "missing")
    done = [(i, wrong.get(i, "applied"), at.isoformat()) for i, at in plan.applied.items()]
    left = [(i, "out of order" if i in plan.out_of_order else "pending", "") for i in plan.pending]
    follow = [(i, "due", "") for i in plan.due] + [(i, "gone", "") for i in plan.gone]
    return sorted(done + left) + follow


def _show(name: str, plan: Plan, *, as_json: bool) -> None:
    rows = _rows(plan)
    if as_json:
        shown: list[dict[str, Any]] = [
            {"migration": i, "state": state, "applied_at": at or None} for i, state, at in rows
        ]
        _say(json.dumps({"line": name, "settled": plan.settled, "migrations": shown}))
        return
    width = max((len(row[0]) for row in rows), default=0)
    for i, state, at in rows:
        _say(f"{i:{width}}  {state:12}  {at}".rstrip())
    if not rows:
        _say(f"{name}: no migrations")


if __name__ == "__main__":
    sys.exit(main())
