"""Months are made ahead and retired in time, whatever the time zone and whoever is in the way."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.errors import InvalidTransactionTermination, LockNotAvailable, RaiseException

from schemas.governance.audit import TABLES, Partitioned

PARENTS = ("audit.events", "audit.outcome_events", "audit.tool_usage")
ZONES = ("UTC", "America/Denver", "Europe/Berlin", "Australia/Lord_Howe",
         "Pacific/Kiritimati", "Pacific/Pago_Pago")  # fmt: skip
"""Two with summer time of an hour, one of half an hour, the first zone of a day and the last."""
INSERT = {
    "audit.events": "(event_id, recorded_at, event_type) SELECT gen_random_uuid(), at, 'x'",
    "audit.outcome_events": "(outcome_id, recorded_at, agent_id, outcome_type, is_bad)"
    " SELECT gen_random_uuid(), at, 'a', 'x', false",
    "audit.tool_usage": "(usage_id, recorded_at, tool_name) SELECT gen_random_uuid(), at, 'x'",
}
BOUNDS = """
SELECT from_at, upto_at FROM audit.partition_bounds(%s::regclass)
 WHERE NOT is_default ORDER BY from_at
"""
FIRST = datetime(2026, 12, 15, tzinfo=UTC)
LAST = FIRST + timedelta(days=400)
NOW = datetime(2027, 3, 14, 9, 30, tzinfo=UTC)


def rows(database, query: str, *values: object) -> list[tuple]:
    """What the owner is told."""
    with psycopg.connect(database.owner, autocommit=True) as conn:
        done = conn.execute(query, values)
        return done.fetchall() if done.description else []


def month(at: datetime, ahead: int = 0) -> datetime:
    """The first instant of a month, in UTC."""
    years, months = divmod(at.month - 1 + ahead, 12)
    return datetime(at.year + years, months + 1, 1, tzinfo=UTC)


def state(database, now: datetime, parent: str = "audit.events") -> dict[str, object]:
    """What is known of one table."""
    with psycopg.connect(database.owner) as conn:
        done = conn.execute("SELECT * FROM audit.partition_state(%s)", [now])
        names = [column.name for column in done.description]
        return next(dict(zip(names, row, strict=True)) for row in done if row[0] == parent)


@contextmanager
def held(database, *tables: str) -> Iterator[None]:
    """Somebody reads, and does not end."""
    with psycopg.connect(database.admin) as conn:
        for table in tables:
            conn.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
        yield


def test_the_registry_is_as_declared(governance_database):
    """Every table that is cut into months is listed, with the retention of its model."""
    declared = [(model.table, model.keep_days) for model in TABLES if model.month_by]
    ahead = Partitioned.model_fields["ahead_months"].default

    found = rows(
        governance_database,
        "SELECT parent, retain_days, ahead_months FROM audit.partitions ORDER BY 1",
    )
    assert found == [(table, days, ahead) for table, days in sorted(declared)]


@pytest.mark.parametrize("zone", ZONES)
def test_every_hour_of_400_days_has_its_month(governance_database, zone):
    """Whoever keeps the months up, and when: each hour then lies in its UTC month.

    The upkeep runs at each hour that is another month in another zone; at all 9,600 in a soak.
    """
    with psycopg.connect(governance_database.owner, autocommit=True) as conn:
        conn.execute("SELECT set_config('timezone', %s, false)", [zone])
        conn.execute("SET datestyle = 'SQL, DMY'")
        made = conn.execute(
            """SELECT sum(audit.create_partitions(hour))
                 FROM generate_series(%(first)s, %(last)s, interval '1 hour') AS hour
                WHERE %(all)s OR date_trunc('month', hour - interval '15 hours', 'UTC')
                              <> date_trunc('month', hour + interval '15 hours', 'UTC')""",
            {"first": FIRST, "last": LAST, "all": bool(os.environ.get("ABODE_SOAK"))},
        ).fetchone()
        assert made[0] > len(PARENTS) * 12
        conn.execute("SET datestyle = 'ISO'")
        for parent in PARENTS:
            bounds = [
                (at.astimezone(UTC), to.astimezone(UTC))
                for at, to in conn.execute(BOUNDS, [parent])
            ]
            first = bounds[0][0]
            assert bounds == [(month(first, n), month(first, n + 1)) for n in range(len(bounds))]
            assert bounds[-1][1] == month(LAST, 4)
            conn.execute(
                f"""INSERT INTO {parent} {INSERT[parent]}
                      FROM generate_series(%s, %s, interval '1 hour') AS at""",
                [FIRST, LAST],
            )
            found = conn.execute(
                f"""SELECT count(*), count(*) FILTER (WHERE tableoid = to_regclass('{parent}'
                           || to_char(recorded_at AT TIME ZONE 'UTC', '_YYYY_MM'))) FROM {parent}"""
            ).fetchone()
            assert found == (9_601, 9_601)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("parent", PARENTS)
def test_a_month_ends_without_a_gap(governance_database, zone, parent):
    """The seconds around midnight, of UTC and of the session's zone, go where they belong."""
    with psycopg.connect(governance_database.owner, autocommit=True) as conn:
        conn.execute("SELECT set_config('timezone', %s, false)", [zone])
        conn.execute("CALL audit.partition_maintenance('2027-05-31 23:59:59.999999+00')")
        conn.execute("CALL audit.partition_maintenance('2027-06-01 00:00:00+00')")
        conn.execute(
            f"""INSERT INTO {parent} {INSERT[parent]} FROM unnest(ARRAY[
                '2027-05-31 23:59:59.999999+00', '2027-06-01 00:00:00+00', '2027-06-01 06:59+00',
                '2027-05-31 23:59:59.999999', '2027-06-01 00:00:00']::timestamptz[]) AS at"""
        )
        conn.execute("SET timezone = 'UTC'")
        found = conn.execute(
            f"SELECT tableoid::regclass::text, to_char(recorded_at, '_YYYY_MM') FROM {parent}"
        ).fetchall()

    assert len(found) == 5
    assert all(part == parent + suffix for part, suffix in found)


@pytest.mark.parametrize(("parent", "days"), [("audit.events", 180), ("audit.tool_usage", 90),
                                              ("audit.outcome_events", 365)])  # fmt: skip
def test_retention_is_kept_to_the_microsecond(governance_database, parent, days):
    """A month goes when its last instant is past its time; not a moment earlier."""
    rows(governance_database, "CALL audit.partition_maintenance('2027-01-10+00')")
    rows(
        governance_database,
        f"INSERT INTO {parent} {INSERT[parent]} FROM unnest(ARRAY["
        "'2027-01-01+00', '2027-01-31 23:59:59.999999+00', '2027-02-01+00']::timestamptz[]) AS at",
    )
    gone = datetime(2027, 2, 1, tzinfo=UTC) + timedelta(days=days)
    first = (
        f"SELECT count(*) FROM audit.partition_bounds('{parent}') WHERE from_at = '2027-01-01+00'"
    )

    rows(
        governance_database,
        "CALL audit.partition_maintenance(%s)",
        gone - timedelta(microseconds=1),
    )
    assert rows(governance_database, first) == [(1,)]
    assert rows(governance_database, f"SELECT count(*) FROM {parent}") == [(3,)]

    rows(governance_database, "CALL audit.partition_maintenance(%s)", gone)
    assert rows(governance_database, first) == [(0,)]
    assert rows(governance_database, f"SELECT count(*) FROM {parent}") == [(1,)]
    (part,) = rows(
        governance_database,
        f"SELECT part FROM audit.retired WHERE parent = '{parent}' AND upto_at = '2027-02-01+00'",
    )
    assert rows(governance_database, f"SELECT count(*) FROM retired.{part[0]}") == [(2,)]


def test_nothing_to_do_is_done_twice(governance_database):
    """Idempotent, also when two do it at once."""
    made = "SELECT audit.create_partitions('2027-03-14+00')"
    with psycopg.connect(governance_database.owner) as one:
        assert one.execute(made).fetchone()[0] > 0
        with pytest.raises(LockNotAvailable):
            rows(governance_database, made)
    assert rows(governance_database, made) == [(0,)]
    assert rows(governance_database, "SELECT part FROM audit.retire_partitions(now())") == []


def test_a_blocked_retirement_does_not_stop_a_creation(governance_database):
    """Nor the retirement of what nobody holds; it heals when the reader ends."""
    rows(governance_database, "CALL audit.partition_maintenance('2027-01-10+00')")
    with held(governance_database, "ONLY audit.events"):
        done = rows(
            governance_database,
            "SELECT part, done FROM audit.retire_partitions(%s)",
            NOW + timedelta(days=400),
        )
        assert {part for part, yes in done if not yes} >= {"events_2027_01", "events_2027_02"}
        assert any(yes and part.startswith("tool_usage_2027_01_r") for part, yes in done)
        before = len(rows(governance_database, BOUNDS, "audit.events"))
        rows(governance_database, "CALL audit.partition_maintenance(%s)", NOW + timedelta(days=400))
        assert len(rows(governance_database, BOUNDS, "audit.events")) == before + 4
        late = state(governance_database, NOW + timedelta(days=400))
        assert (late["months_ahead"], late["expired"]) == (3, before)
        assert late["trouble"] == "audit.events: a month past its time cannot be retired"

    rows(governance_database, "CALL audit.partition_maintenance(%s)", NOW + timedelta(days=400))
    assert state(governance_database, NOW + timedelta(days=400))["expired"] == 0


def test_a_month_that_cannot_be_made_does_not_stop_the_others(governance_database):
    """A reader of one default partition keeps that table's months from being attached."""
    with held(governance_database, "audit.events_default"):
        rows(governance_database, "CALL audit.partition_maintenance(%s)", NOW)
        assert state(governance_database, NOW)["trouble"] == "audit.events: 0 months ahead"
        assert state(governance_database, NOW, "audit.tool_usage")["months_ahead"] == 3
    rows(governance_database, "CALL audit.partition_maintenance(%s)", NOW)
    assert state(governance_database, NOW)["months_ahead"] == 3


def test_a_hole_is_filled(governance_database):
    """As a month made in another time zone would leave it."""
    rows(governance_database, "SELECT audit.create_partitions(%s)", NOW - timedelta(days=60))
    rows(governance_database,
         "DROP TABLE audit.events_2027_03",
         )  # fmt: skip
    rows(
        governance_database,
        "CREATE TABLE audit.events_2027_03 PARTITION OF audit.events"
        " FOR VALUES FROM ('2027-03-01 07:00+00') TO ('2027-04-01 00:00+00')",
    )
    rows(
        governance_database,
        f"INSERT INTO audit.events {INSERT['audit.events']}"
        " FROM unnest(ARRAY['2027-03-01 03:00+00']::timestamptz[]) AS at",
    )
    found = state(governance_database, datetime(2027, 2, 20, tzinfo=UTC))
    assert (found["gaps"], found["strays"], found["months_ahead"]) == (1, 1, 0)

    rows(governance_database, "SELECT audit.create_partitions('2027-02-20+00')")
    found = state(governance_database, datetime(2027, 2, 20, tzinfo=UTC))
    assert (found["gaps"], found["strays"], found["months_ahead"]) == (0, 0, 3)
    assert found["trouble"] is None
    part = "SELECT tableoid::regclass::text FROM audit.events"
    assert rows(governance_database, part) == [("audit.events_2027_03_01_0000",)]


def test_a_new_month_is_like_its_table(governance_database):
    """Keys, checks, indexes and comments; and no grant, which would be a way around the table."""
    alike = """
        SELECT count(*), count(DISTINCT (
                  (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname)
                     FROM pg_constraint AS k WHERE k.conrelid = c.oid),
                  (SELECT count(*) FROM pg_index AS x WHERE x.indrelid = c.oid))),
               bool_or(EXISTS (SELECT FROM aclexplode(c.relacl) WHERE grantee <> c.relowner))
          FROM pg_class AS c JOIN pg_inherits AS i ON i.inhrelid = c.oid
         WHERE i.inhparent = %s::regclass AND pg_get_expr(relpartbound, c.oid) <> 'DEFAULT'"""
    rows(governance_database, "CALL audit.partition_maintenance(%s)", NOW)

    for parent in PARENTS:
        assert rows(governance_database, alike, parent)[0][1:] == (1, False), parent
        assert rows(governance_database, alike, parent)[0][0] >= 4


def test_a_reader_of_the_table_reads_what_was_cut_from_it(governance_database):
    """And nobody else; the archive is made by the app's own role."""
    rows(governance_database, "CALL audit.partition_maintenance('2027-01-10+00')")
    rows(governance_database, "CALL audit.partition_maintenance(%s)", NOW + timedelta(days=400))
    (part,) = rows(
        governance_database,
        "SELECT part FROM audit.retired WHERE parent = 'audit.events' ORDER BY retired_id LIMIT 1",
    )[0]
    granted = (
        "SELECT r.rolname, has_table_privilege(r.oid, %s, 'SELECT'),"
        " has_table_privilege(r.oid, %s, 'INSERT, UPDATE, DELETE, TRUNCATE')"
        " FROM pg_roles AS r WHERE rolname IN ('governance', 'governance_backup') ORDER BY 1"
    )

    assert rows(governance_database, granted, f"retired.{part}", f"retired.{part}") == [
        ("governance", True, False), ("governance_backup", False, False)]  # fmt: skip


@pytest.mark.parametrize(
    ("rows_said", "digest", "said"),
    [(0, b"x" * 32, "holds 1 rows"), (1, b"x", "is not archived"), (None, b"x" * 32, "is not ar")],
)
def test_what_is_not_archived_is_not_dropped(governance_database, rows_said, digest, said):
    """The count is taken again, behind a lock."""
    rows(
        governance_database,
        f"INSERT INTO audit.events {INSERT['audit.events']}"
        " FROM unnest(ARRAY['2020-02-02+00']::timestamptz[]) AS at",
    )
    rows(governance_database, "CALL audit.partition_maintenance()")
    (part,) = rows(governance_database, "SELECT part FROM audit.retired")[0]

    with pytest.raises(RaiseException, match=said):
        rows(governance_database, "SELECT audit.drop_retired(%s, %s, %s)", part, rows_said, digest)
    assert rows(governance_database, f"SELECT count(*) FROM retired.{part}") == [(1,)]
    dropped = "SELECT audit.drop_retired(%s, 1, %s)"
    assert rows(governance_database, dropped, part, b"x" * 32) == [(True,)]
    assert rows(governance_database, dropped, part, b"x" * 32) == [(False,)]
    with pytest.raises(RaiseException, match="no such month"):
        rows(governance_database, dropped, "events_default", b"x" * 32)


def test_the_upkeep_refuses_to_be_one_transaction(governance_database):
    """Creation and retirement would be undone together."""
    with psycopg.connect(governance_database.owner) as conn:
        conn.execute("SELECT 1")
        with pytest.raises(InvalidTransactionTermination):
            conn.execute("CALL audit.partition_maintenance()")


def test_many_rows_without_a_month_move_in_steps(governance_database):
    """At most 100,000 at a time, however many a month has; all arrive, each where it belongs."""
    rows(
        governance_database,
        f"INSERT INTO audit.events {INSERT['audit.events']} FROM (SELECT '2021-11-02 10:30+00'"
        "::timestamptz + n * interval '100 us' AS at FROM generate_series(1, 230000) AS n"
        " UNION ALL SELECT '2021-10-05+00' UNION ALL SELECT '2021-09-05+00') AS told",
    )
    left = "SELECT count(*) FROM audit.events_default"
    made = []
    for _ in range(6):
        step = rows(governance_database, "SELECT audit.create_partitions(now())")
        made.append((step[0][0] > 0, rows(governance_database, left)[0][0]))

    assert made == [(True, 130_000), (True, 30_000), (True, 0), *[(False, 0)] * 3]
    assert rows(governance_database, "SELECT count(*) FROM audit.events") == [(230_002,)]
    assert state(governance_database, datetime.now(UTC))["strays"] == 0


def test_rows_of_one_instant_move_at_once(governance_database):
    """They cannot be cut; the upkeep ends all the same."""
    rows(
        governance_database,
        f"INSERT INTO audit.events {INSERT['audit.events']}"
        " FROM (SELECT '2020-01-02 10:30+00'::timestamptz AS at FROM generate_series(1, 100002)"
        " UNION ALL SELECT '2020-01-03+00') AS told",
    )
    rows(governance_database, "CALL audit.partition_maintenance()")

    assert state(governance_database, datetime.now(UTC))["strays"] == 0
    assert rows(governance_database, "SELECT count(*) FROM audit.retired") == [(1,)]
