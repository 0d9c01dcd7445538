"""Files that are no documents and lie where documents do: each with whose it is and what it is."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from schemas.ports import ANIMA_DATA_DIR, ANIMA_DB
from schemas.table import Owner, Sensitivity

Home = Literal["pi", "governance", "soulfra"]
"""Whose folder it is: the Pi's, or the volume of a container on the Mac."""
GOVERNANCE_VOLUME: Final = "governance's volume: "
SOULFRA_VOLUME: Final = "soulfra's volume: "


@dataclass(frozen=True, slots=True)
class Beside:
    """Files below the folder of their owner, by a pattern of their path."""

    glob: str
    owner: Owner
    says: str
    kept: str = "as long as what it lies beside"
    sensitivity: Sensitivity = "internal"
    volume: Literal["governance", "soulfra"] = "governance"
    """Of what is on the Mac."""

    @property
    def home(self) -> Home:
        """Whose folder it is in."""
        return "pi" if self.owner == "pi" else self.volume

    @property
    def place(self) -> str:
        """Where it lies, as an operator writes it."""
        homes = {
            "pi": f"~/{ANIMA_DATA_DIR}/",
            "governance": GOVERNANCE_VOLUME,
            "soulfra": SOULFRA_VOLUME,
        }
        return homes[self.home] + self.glob


BESIDE: Final = (
    Beside(ANIMA_DB, "pi", "Everything that the Pi keeps, in SQLite.", "for ever", "personal"),
    Beside(f"{ANIMA_DB}-*", "pi", "SQLite's write-ahead log, and what its readers share."),
    Beside(f"{ANIMA_DB}.migrate.lock", "pi", "Held by whoever migrates."),
    Beside(f"{ANIMA_DB}.*Z", "pi", "What was before a migration; the newest three stay."),
    Beside(f"{ANIMA_DB}.*Z.part", "pi", "Half of such a copy, while it is made."),
    Beside(f"{ANIMA_DB}.pro*", "pi", "The mark of a deploy that the file is as declared."),
    Beside("ballast", "pi", "Room that is given back when the card is full."),
    Beside("archive/*.csv.gz", "pi", "Rows that are older than anima.db keeps them.", "for ever"),
    Beside("archive/*.json", "pi", "What the compressed rows beside it are, and their checksum."),
    Beside("archive/*.new", "pi", "An archive that is being written."),
    Beside("*.json.*", "pi", "A document that is about to replace another, or was replaced."),
    Beside("drawings/*.png", "pi", "A finished piece, its numbers inside.", "the newest 2000"),
    Beside(
        "backups/*.db",
        "pi",
        "A copy of anima.db, or what was new since one.",
        "docs/card.md",
        "personal",
    ),
    Beside("backups/*.part*", "pi", "A copy that is being made."),
    Beside(
        f"{ANIMA_DB}.damage*",
        "pi",
        "A damaged anima.db, its log, and the mark that says so.",
        "the newest two",
        "personal",
    ),
    Beside(f"{ANIMA_DB}.mended*", "pi", "What takes a damaged file's place, while it is made."),
    Beside(
        "anima.journal.*",
        "pi",
        "A second copy of the rows that lately changed, for a damaged anima.db.",
        "the newest 16 MiB",
        "personal",
    ),
    Beside("feelings.toml", "pi", "Weights of the feelings that an operator chose.", "for ever"),
    Beside("drawings/picture.new", "pi", "A picture that is about to have a name."),
    Beside("audit_log-*.jsonl*", "mac", "The lines of a day that is over, packed in time."),
    Beside("tool_usage-*.jsonl*", "mac", "The lines of a day that is over, packed in time."),
    Beside("*.torn", "mac", "What a crash cut from the end of a trail."),
    Beside("archive/*.csv.gz", "mac", "Rows of a month that was dropped; the JSON tells of it."),
    Beside("*.new", "mac", "A file that is about to take another's place."),
    *(replace(each, volume="soulfra") for each in (
        Beside("agents/*/memory.sqlite*", "mac", "What an agent remembers.",
               "as long as the agent", "personal"),
        Beside("agents/*/reflections/*", "mac", "A copy of it, made at a reflection.",
               "the newest 3", "personal"),
        Beside("agents/*/archive/*", "mac", "Old memories that were moved out of the file, sealed.",
               "for ever", "personal"),
        Beside("archive/chatlogs/*.jsonl.gz", "mac", "Whispers of a month that is over.",
               "for ever", "personal"),
        Beside("archive/mythology/*.jsonl.gz", "mac", "Stories of clusters that dissolved.",
               "for ever", "personal"),
        Beside("archive/dissolved_clusters/*.jsonl.gz", "mac", "Clusters that dissolved.",
               "for ever"),
        Beside(".tree.lock", "mac", "Held by whoever writes soulfra's documents.", "for ever"),
        Beside("*.new", "mac", "A file that is about to take another's place.", "a moment"),
    )),
)  # fmt: skip
