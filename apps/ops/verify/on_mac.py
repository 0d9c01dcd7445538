"""Finds the audit line of one check-in, newest file first; changes nothing.

The standard library only: sent into governance's container, run there, left nowhere. It prints one
JSON object: the line, the one before it, the file; or nothing found.
"""

import gzip
import json
import mmap
import sys
from collections.abc import Iterator
from pathlib import Path


def main() -> None:
    """Look for what the argument names in the trail that it names."""
    asked = json.loads(sys.argv[1])
    needle = asked["needle"].encode()
    for path in _files(Path(asked["trail"])):
        found = _packed(path, needle) if path.suffix == ".gz" else _plain(path, needle)
        if found is not None:
            before, line = (each and each.decode(errors="replace") for each in found)
            told = {"file": path.name, "line": line, "before": before}
            break
    else:
        told = {"file": None, "line": None, "before": None}
    sys.stdout.write(json.dumps(told) + "\n")


def _files(current: Path) -> Iterator[Path]:
    yield current
    for path in sorted(current.parent.glob(f"{current.stem}-*{current.suffix}*"), reverse=True):
        if path.suffix in {current.suffix, ".gz"}:
            yield path


def _plain(path: Path, needle: bytes) -> tuple[bytes | None, bytes] | None:
    """From the end: what is looked for is new."""
    if not path.is_file() or not path.stat().st_size:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        at = text.rfind(needle)
        if at < 0:
            return None
        begin = text.rfind(b"\n", 0, at) + 1
        end = text.find(b"\n", at)
        line = text[begin:end] if end >= 0 else text[begin:]
        before = text[text.rfind(b"\n", 0, begin - 1) + 1 : begin - 1] if begin else None
    return before, line


def _packed(path: Path, needle: bytes) -> tuple[bytes | None, bytes] | None:
    before = None
    with gzip.open(path, "rb") as lines:
        for ended in lines:
            line = ended.rstrip(b"\n")
            if needle in line:
                return before, line
            before = line
    return None


if __name__ == "__main__":
    main()
