"""One line of a trail: what happened, its place in the chain, and the hash that seals both.

The hash is over the very bytes of the line without its own member, so nothing has to be written
the same way twice: ``{…,"seq":7,"prev":"<hash of 6>"}``.
"""

import re
from hashlib import sha256
from typing import NamedTuple

ORIGIN = "0" * 64
"""What the first line follows."""
END_BYTES = len(b',"hash":""}') + 64
LINK_BYTES = 200
"""More than the three members of the chain ever take."""
LINK = re.compile(rb',"seq":(\d{1,19}),"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}\Z')


class Tip(NamedTuple):
    """The end of a chain: the number of its last line and that line's hash."""

    seq: int = 0
    hash: str = ORIGIN


class Link(NamedTuple):
    """A line's place in the chain, as the line says it."""

    seq: int
    prev: str
    hash: str

    @property
    def tip(self) -> Tip:
        """The chain that ends here."""
        return Tip(self.seq, self.hash)


def seal(body: bytes, after: Tip) -> tuple[bytes, Tip]:
    """The line that says ``body``, a JSON object with members, after another; and the new end."""
    seq = after.seq + 1
    said = b'%s,"seq":%d,"prev":"%s"' % (body[:-1], seq, after.hash.encode())
    digest = sha256(said + b"}").hexdigest()
    return b'%s,"hash":"%s"}\n' % (said, digest.encode()), Tip(seq, digest)


def link(line: bytes) -> Link | None:
    """Where a line without its end says that it belongs; None if it is none of a chain."""
    found = LINK.search(line, max(0, len(line) - LINK_BYTES))
    return Link(int(found[1]), found[2].decode(), found[3].decode()) if found else None


def is_sealed(line: bytes, said: Link) -> bool:
    """Whether a line is what its hash was made of."""
    return sha256(line[:-END_BYTES] + b"}").hexdigest() == said.hash
