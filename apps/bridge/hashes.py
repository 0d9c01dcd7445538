"""Files that the deploy writes: hashes of tokens by the name of whom they are for."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import StringConstraints, TypeAdapter, ValidationError

from schemas.errors import Refused

T = TypeVar("T")
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""The SHA-256 of a token."""


def read(path: Path, setting: str, kind: TypeAdapter[T], holds: str) -> T:
    """The file that a setting names, as declared; what is wrong is said without any value of it."""
    try:
        return kind.validate_json(path.read_bytes())
    except OSError as error:
        raise Refused(f"{setting}: {path}: {error.strerror}") from None
    except ValidationError as error:
        # Of what it might have been, the one that came furthest.
        deepest = max((each["loc"] for each in error.errors()), key=len)
        where = "/".join(str(part) for part in deepest)
        raise Refused(
            f"{setting}: {path}: {where or 'the file'} is not as declared", f"it holds {holds}"
        ) from None


def whose(token: bytes, hashes: Mapping[str, str]) -> str | None:
    """Whose token it is; all are compared, so that time tells nothing."""
    given = sha256(token).hexdigest()
    found = [name for name, known in hashes.items() if hmac.compare_digest(known, given)]
    return found[0] if found else None
