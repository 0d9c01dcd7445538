"""What a rule would refuse and we allow: (file, rule) -> why. One that is not needed is refused."""

from typing import Final

EMPTY: Final = "soulfra's tables are empty: it is made with the migrations before it"
EXEMPT: Final[dict[tuple[str, str], str]] = {
    ("0004.create-partitions.sql", "ban-drop-function"): "a procedure takes its name and place",
    ("0005.add-lifecycle.sql", "index-where-made"): "core.identities has a row per agent: a few",
    ("0005.create-privacy.sql", "constraint-missing-not-valid"): EMPTY,
    ("0005.create-privacy.sql", "ban-drop-constraint"): EMPTY,
    ("0005.create-privacy.sql", "ban-drop-not-null"): EMPTY,
    ("0005.create-privacy.rollback.sql", "constraint-missing-not-valid"): EMPTY,
    ("0005.create-privacy.rollback.sql", "adding-not-nullable-field"): EMPTY,
    ("0007.create-drift.sql", "index-where-made"): "no release has filled soulfra.votings yet",
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
    ("0012.constrain-event-types.sql", "ban-drop-constraint"): "a wider one takes its place",
    (
        "0012.constrain-event-types.rollback.sql",
        "constraint-missing-not-valid",
    ): "the way back leaves it proven, as it was; writers wait for as long as that takes",
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
