"""Values that broke a migrator once, each of which an old writer could store."""

import json
from datetime import datetime, timedelta

MEGABYTE = 1 << 20
ZONE = "America/Denver"
START = datetime(2025, 3, 9, 1, 30)  # noqa: DTZ001  # naive, as the old writers wrote
TEXTS = (
    "",
    " ",
    "plain",
    "naïve — 中文 🜁 \u202eright to left",
    'it\'s "quoted" and `ticked`',
    "$$ nested $q$ dollars $$",
    "back\\slash \\n \\x00 \\.",
    "tab\tnew\nline\r\n",
    "'; DROP TABLE core.identities; --",
    "NULL",
    "\\N",
    "\u0001\u007f\ufeff",
    '{"not": "an object"',
)
NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-308, -1e308, 1e308, 0.1 + 0.2, 2**53 + 1, -(2**63))
RATIOS = (0.0, 1.0, 0.001, 0.5, 0.1 + 0.2)
IDS = (
    "3d81d853-0000-4000-8000-000000000001",
    "composer_cursor_assistant_20251126",
    "2025-11-28T04:10:24.346843",
    "agent ' with \" quotes",
    "агент-🜁",
    "$$",
    "0",
)
TIMES = (
    "2025-03-09T02:30:00",  # in no clock of Denver: the hour was skipped
    "2025-11-02T01:30:00",  # twice in Denver's clock
    "2025-11-02T01:30:00.000001",
    "2025-12-31T23:59:59.999999",
    "2026-01-01T00:00:00",
    "2024-02-29T12:00:00",
    "1999-01-01T00:00:00",
    "2025-11-27T16:23:40.485963+00:00",
    "2025-11-27 16:23:40",
)
UNKNOWN = (0.0, "", [], {}, False, 0, -0.0, None, "said", [0.0, None])
"""Of a key that nobody knows; all but null must stay."""
BROKEN_LINES = ("{", "[]", "not json", '{"timestamp": 1}', "null")
UNFIT = (
    {"number": float("nan")}, {"text": "a\0b"}, {"text": "half a \ud83d"}, {"beside": {"ours": 1}},
    {"number": float("inf")},
)  # fmt: skip
"""Details that an old writer could write and no jsonb of ours can hold."""


def instant(number):
    """Naive local ISO text: nasty ones first, then one each 21 seconds, over both folds."""
    if number < len(TIMES):
        return TIMES[number]
    return (START + timedelta(seconds=21 * number, microseconds=number % 1_000_000)).isoformat()


def one(of, number):
    """The nasty values in turn."""
    return of[number % len(of)]


def objects(number):
    """JSON text of an object, its values nasty."""
    value = {"n": one(NUMBERS, number), "text": one(TEXTS, number), "none": None, "empty": {}}
    return json.dumps(value, ensure_ascii=bool(number % 2))
