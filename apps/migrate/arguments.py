"""The words and flags of ``migrate``, on hosts and on the operator's machine alike."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from apps.migrate.ledger import Patience
from apps.migrate.lines import ENGINES

VERBS: Final = {
    "status": "what is applied and what is not; writes nothing",
    "plan": "the SQL that would run; writes nothing, waits for nobody",
    "apply": "apply what is pending, each migration whole or not at all",
    "rollback": "undo the newest migration, or several; says what that destroys, and asks",
    "check": "compare the live schema with what the files make",
    "new": "write the next pair of files",
    "adopt": "take over a database that was made without us",
}


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """What was asked. ``VERB LINE`` is understood as well as ``LINE VERB``."""
    words = list(argv)
    if len(words) > 1 and words[0] in VERBS:
        words[:2] = words[1::-1]
    return _parser().parse_args(words)


def patience(asked: argparse.Namespace) -> Patience:
    """How long to wait for what."""
    return Patience(asked.wait, asked.lock_timeout, asked.statement_timeout, asked.tries)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m apps.migrate")
    parser.add_argument("line", metavar="LINE", help=", ".join(sorted(ENGINES)))
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    of = {name: verbs.add_parser(name, help=said, description=said) for name, said in VERBS.items()}
    for verb in of.values():
        verb.add_argument("--json", action="store_true", help="one closed object on stdout")
    for name in ("status", "plan", "apply", "rollback", "check", "adopt"):
        of[name].add_argument(
            "--database", "--file", metavar="URL_OR_PATH", help="else by the environment"
        )
    for name in ("status", "plan", "apply", "rollback", "check", "adopt"):
        _patient(of[name])
    of["status"].add_argument(
        "--check", action="store_true", help="exit 5 if something is left to do, 6 if edited"
    )
    extent = of["plan"].add_mutually_exclusive_group()
    extent.add_argument("--rollback", dest="steps", metavar="N", type=_positive, help="back")
    extent.add_argument("--to", metavar="ID", help="back to this one; 0000 is before the first")
    of["apply"].add_argument("--no-backup", action="store_true", help="of an SQLite file")
    of["apply"].add_argument("--again", action="store_true", help="run every post-apply again")
    extent = of["rollback"].add_mutually_exclusive_group()
    extent.add_argument("--to", metavar="ID", help="the one that stays; 0000 undoes all")
    extent.add_argument("--steps", metavar="N", type=_positive, default=1, help="default 1")
    of["rollback"].add_argument("--yes", action="store_true", help="destroy without being asked")
    of["rollback"].add_argument(
        "--keep", metavar="DIR", type=Path, default=Path("snapshots"),
        help="where Postgres tables are kept first; default %(default)s",
    )  # fmt: skip
    of["check"].add_argument("--scratch", metavar="URL", help="else <database>_scratch")
    of["check"].add_argument("--live", metavar="FILE", type=Path, help="read by who sees more")
    of["check"].add_argument("--alone", action="store_true", help="on a server of its own: a shard")
    of["new"].add_argument("name", metavar="VERB-OBJECT")
    of["adopt"].add_argument("path", metavar="FILE", nargs="?", help="else by the environment")
    of["adopt"].add_argument("--zone", help="IANA name of naive timestamps, as Europe/Berlin")
    return parser


def _patient(verb: argparse.ArgumentParser) -> None:
    default = Patience()
    for flag, seconds, what in (
        ("--wait", default.runner, "for another runner to finish"),
        ("--lock-timeout", default.lock, "for a table in use"),
        ("--statement-timeout", default.statement, "for one statement"),
    ):
        verb.add_argument(
            flag,
            metavar="SECONDS",
            type=_seconds,
            default=seconds,
            help=f"{what}; default {seconds:g}",
        )
    verb.add_argument(
        "--tries", metavar="N", type=_positive, default=default.tries, help="default %(default)s"
    )


def _number(of: Callable[[str], float], above: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        if not above < (value := of(text)) < 1e7:
            raise ValueError(text)
        return value

    return number


def _positive(text: str) -> int:
    return int(_number(int, 0)(text))


def _seconds(text: str) -> float:
    return _number(float, 0)(text)
