"""Random UUIDs by the block: asking the system for each takes longer than writing its line."""

from os import urandom
from typing import Final

BYTES: Final = 16
BLOCK: Final = 256


class _Block:
    def __init__(self) -> None:
        self._digits = ""
        self._at = 0

    def next(self) -> str:
        if self._at == len(self._digits):
            self._digits, self._at = urandom(BLOCK * BYTES).hex(), 0
        at = self._at
        self._at = at + 2 * BYTES
        d = self._digits
        # Version 4, variant 1 (RFC 9562); of each the bits that say so are not random.
        return (
            f"{d[at : at + 8]}-{d[at + 8 : at + 12]}-4{d[at + 13 : at + 16]}-"
            f"{'89ab'[int(d[at + 16], 16) & 3]}{d[at + 17 : at + 20]}-{d[at + 20 : at + 32]}"
        )


fresh_id = _Block().next
"""A UUID that nobody has, as text. Of one process; not to be guessed, but no secret either."""
