"""What deploys leave in .abode/cache: image contexts and wheels, named <kind>-<hash>."""

import re
import shutil
from collections import defaultdict
from pathlib import Path

KEEP = 3
"""Of each kind: this one, the one before, and one to go back to."""
ENTRY = re.compile(r"([a-z][\w.-]*)-[0-9a-f]{16}(\.tar\.gz)?")


def prune(cache: Path) -> list[str]:
    """Remove all but the newest of each kind; what is removed. Unknown names stay."""
    kinds: dict[str, list[Path]] = defaultdict(list)
    for entry in sorted(cache.iterdir()) if cache.is_dir() else []:
        if named := ENTRY.fullmatch(entry.name):
            kinds[named[1]].append(entry)
    gone = []
    for entries in kinds.values():
        newest = sorted(entries, key=lambda entry: entry.stat().st_mtime, reverse=True)
        for entry in newest[KEEP:]:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
            gone.append(entry.name)
    return gone
