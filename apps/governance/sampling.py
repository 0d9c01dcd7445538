"""One in some of what is noise, always the same ones, and how many were left out is told."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zlib import crc32

from schemas.errors import Refused
from schemas.governance.sampling import KEEP_ONE_IN, NEVER


class Sampler:
    """Chooses by the hash of the event's id: whoever looks again chooses the same."""

    def __init__(self, keep_one_in: Mapping[str, int] = KEEP_ONE_IN) -> None:
        for kind, of in keep_one_in.items():
            if kind.startswith(NEVER) or of < 1:
                raise Refused(f"sampling: {kind!r}: one in {of}: each of these is kept")
        self._keep_one_in = keep_one_in
        self.left_out: Counter[str] = Counter()
        """By type, since the last line that told of it."""

    def kept(self, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those that become lines."""
        return list(self._kept(events))

    def _kept(self, events: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for event in events:
            kind = event["event_type"]
            of = self._keep_one_in.get(kind)
            if of is None:
                yield event
            elif crc32(str(event["event_id"]).encode()) % of:
                self.left_out[kind] += 1
            else:
                told = {"one_in": of, "left_out": self.left_out.pop(kind, 0)}
                yield {**event, "payload": {**event["payload"], "sampled": told}}
