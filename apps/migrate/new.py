"""The next pair of files of a line, with the labels to fill in."""

import re
from pathlib import Path
from typing import Final

from apps.migrate.lines import VERBS, Line
from schemas.errors import Refused

LAW: Final = f"verb-object in lower case; verbs are {', '.join(VERBS)}"
_NAME = re.compile(rf"(?:{'|'.join(VERBS)})-[a-z0-9]+(?:-[a-z0-9]+)*")

FORWARD = """\
-- One sentence: what is different afterwards, and why.
{depends}-- ensure: SELECT false

"""
BACK = """\
-- One sentence: what this takes back.
-- lossy: what is lost with it; remove this line if nothing is

"""


def new(line: Line, name: str) -> tuple[Path, Path]:
    """Write both files; a name that is not lawful is refused."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{name!r}: not a migration name", hint=LAW)
    known = line.migrations()
    if name in {each[5:] for each in known}:
        raise Refused(f"{line.name}: there is a {name} already", hint="name what this one does")
    number = f"{len(known) + 1:04}"
    depends = f"-- depends: {known[-1]}\n" if known else ""
    pair = (
        (line.folder / f"{number}.{name}.sql", FORWARD.format(depends=depends)),
        (line.folder / f"{number}.{name}.rollback.sql", BACK),
    )
    for path, text in pair:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return pair[0][0], pair[1][0]
