"""What a rule would refuse and we allow: (file, rule) -> why. One that is not needed is refused."""

from typing import Final

EXEMPT: Final[dict[tuple[str, str], str]] = {
    ("0004.create-partitions.sql", "ban-drop-function"): "a procedure takes its name and place",
    ("0005.add-lifecycle.sql", "index-where-made"): "core.identities has a row per agent: a few",
    ("0006.create-shards.sql", "ban-drop-constraint"): "a shard has no users to refer to",
    ("0006.create-shards.sql", "index-where-made"): "soulfra has not moved in anywhere yet",
    (
        "0006.create-shards.rollback.sql",
        "constraint-missing-not-valid",
    ): "NOT VALID is not for a key of a partitioned table",
    (
        "0006.create-shards.rollback.sql",
        "adding-foreign-key-constraint",
    ): "NOT VALID is not for a key of a partitioned table",
    ("0012.add-supersession.sql", "adding-foreign-key-constraint"): "a new column is null",
    ("0012.add-supersession.sql", "index-where-made"): "an agent makes 20 discoveries an hour",
    ("0014.add-dialectic-deadlines.sql", "index-where-made"): "disputes are few: some a day",
    ("0016.create-trail.sql", "index-where-made"): "180 days of events, while governance is down",
    (
        "0017.create-tokens.sql",
        "constraint-missing-not-valid",
    ): "core.identities has a row per agent: a few",
    ("asked.sql", "select-star"): "of an XMLTABLE that names its columns",
    ("postgres.sql", "select-star"): "of a common table expression that names its columns",
}
