"""A table with all that a switch flips: a default, NOT NULL, and a view of the old column."""

import psycopg

from apps.migrate import runner

MADE = """-- Halls, each with a tone.
-- ensure: SELECT true
CREATE TABLE soulfra.halls (
    id bigint PRIMARY KEY, guild bigint NOT NULL, tone text NOT NULL DEFAULT 'calm'
);
CREATE TABLE soulfra.banners (name text PRIMARY KEY);
INSERT INTO soulfra.banners SELECT 'g' || n FROM generate_series(1, 7) AS n;
CREATE VIEW soulfra.tones WITH (security_invoker=true) AS
    SELECT id, tone, guild FROM soulfra.halls;
"""
MOOD = """
says = "A hall has a mood, which was called its tone."
table = "soulfra.halls"
migration = "0003.add-halls-mood"
grace_hours = 0

[column]
name = "mood"
type = "text"
required = true
default_after = "'STILL'"

[fill]
value = "upper(tone)"

[[view]]
name = "soulfra.tones"
before = "SELECT id, tone, guild FROM soulfra.halls"
after = "SELECT id, lower(mood) AS tone, guild FROM soulfra.halls"
options = "security_invoker=true"

[replaces]
column = "tone"
definition = "text"
default = "'calm'"
required = true
back = "lower(mood)"
drop = "0004.drop-halls-tone"
"""


def declared(tiny):
    """The migration that makes them."""
    (tiny.folder / "0002.create-halls.sql").write_text(MADE)
    (tiny.folder / "0002.create-halls.rollback.sql").write_text(
        "-- lossy: all\nDROP VIEW soulfra.tones;\nDROP TABLE soulfra.halls, soulfra.banners;"
    )


def raised(tiny, place, rows=1000):
    """Apply what makes them, and have so many there; the app is let in."""
    declared(tiny)
    runner.apply(tiny, place.owner)
    with psycopg.connect(place.owner, autocommit=True) as db:
        db.execute(
            "INSERT INTO soulfra.halls SELECT n, 1 + n %% 900, 'tone ' || n"
            "  FROM generate_series(1, %s) AS n",
            [rows],
        )
        app = place.app.partition("//")[2].partition(":")[0]
        db.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON soulfra.halls, soulfra.tones TO {app}")
