"""Style sheet, script and icon: named by their content, so that a browser keeps them for ever."""

from hashlib import sha256
from pathlib import Path
from typing import Final

from apps.bridge.web import Answer

FOLDER: Final = Path(__file__).with_name("static")
KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOR_EVER: Final = {
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


def assets(folder: Path = FOLDER) -> dict[str, tuple[str, Answer]]:
    """For each file its path with the content's hash in it, and the answer that serves it."""
    found = {}
    for file in sorted(folder.iterdir()):
        body = file.read_bytes()
        path = f"/page/{file.stem}.{sha256(body).hexdigest()[:12]}{file.suffix}"
        found[file.name] = (path, Answer(body, kind=KINDS[file.suffix], headers=FOR_EVER))
    return found
