"""What was there before the months were kept up does not keep 0004 from going up."""

import shutil
from dataclasses import replace

import psycopg
import pytest

from apps.migrate import runner
from apps.migrate.lines import line

GOVERNANCE = line("governance")
EVENT = (
    "INSERT INTO audit.events (event_id, event_type, recorded_at) SELECT gen_random_uuid(), 'x', {}"
)


@pytest.mark.parametrize(
    "at",
    [
        "now() - interval '220 days'",
        "now() - n * interval '31 days' FROM generate_series(-3, 40) AS n",
        "at FROM unnest(ARRAY['-infinity', '1815-06-18+00', 'infinity']::timestamptz[]) AS at",
    ],
)
def test_0004_goes_up(empty_database, tmp_path, at):
    """Whatever the age of an event, and whether its month was made; none is lost."""
    for number in range(1, 4):
        for file in GOVERNANCE.folder.glob(f"{number:04}.*"):
            shutil.copy(file, tmp_path)
    runner.apply(replace(GOVERNANCE, folder=tmp_path), empty_database.owner)
    with psycopg.connect(empty_database.owner, autocommit=True) as conn:
        conn.execute("SELECT audit.partition_maintenance(now() - interval '300 days')")
        conn.execute(EVENT.format(at))
        before = conn.execute("SELECT count(*) FROM audit.events").fetchone()

    runner.apply(GOVERNANCE, empty_database.owner)
    with psycopg.connect(empty_database.owner) as conn:
        assert conn.execute("SELECT count(*) FROM audit.events").fetchone() == before
        ahead = "SELECT min(months_ahead) FROM audit.partition_state()"
        assert conn.execute(ahead).fetchone() == (3,)
