"""Named queries out of a .sql file.

Each opens with ``-- name --``; the comment lines below it are for the reader.
"""

import re
from pathlib import Path

from schemas.errors import Refused

NAME = re.compile(r"^-- ([a-z][a-z0-9_]*) --$", re.MULTILINE)


def load(path: Path) -> dict[str, str]:
    """Name to SQL, for every query of the file; a name used twice or left empty is refused."""
    _, *parts = NAME.split(path.read_text(encoding="utf-8"))
    queries: dict[str, str] = {}
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
        query = "\n".join(lines).strip()
        if name in queries or not query:
            raise Refused(f"{path.name}: query {name!r} is {'twice' if query else 'not'} there")
        queries[name] = query
    return queries
