"""A Redis key: its pattern, what is kept under it and for how long."""

from dataclasses import dataclass

from schemas.table import Owner, Sensitivity, Store


@dataclass(frozen=True, slots=True)
class Key:
    """A pattern such as ``session:{session_id}``. No key is without a lifetime."""

    pattern: str
    says: str
    kind: str
    """As Redis' TYPE names it."""
    lifetime_seconds: int
    owner: Owner
    sensitivity: Sensitivity = "internal"
    begins_whole: bool = True
    """Whether what is left of its lifetime tells how old it is."""
    tenant: Store = "governance"
    """Whose Redis holds it."""

    @property
    def glob(self) -> str:
        """What an ACL or a SCAN matches: each part of the pattern is a ``*``."""
        head, *parts = self.pattern.split("{")
        return head + "".join("*" + part.partition("}")[2] for part in parts)

    def of(self, **parts: str) -> str:
        """The key of one thing."""
        return self.pattern.format(**parts)
