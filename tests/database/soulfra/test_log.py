"""The log itself, whoever writes to it: only added to, one after the other, and tied together."""

import psycopg
import pytest
from psycopg import errors
from psycopg.types.json import Jsonb

from schemas.soulfra.log import COMMAND_DAYS

ADD = """
SELECT log.append(jsonb_build_array(jsonb_build_object(
    'stream', %s::text, 'version', %s::bigint, 'type', 'tone_shifted', 'schema_version', 1,
    'data', %s::jsonb, 'metadata', '{}'::jsonb)))
"""


def add(conn, stream, *versions, **data):
    """Events of a stream, each a statement of its own."""
    for version in versions:
        conn.execute(ADD, (stream, version, Jsonb(data or {"to": "joy"})))


@pytest.fixture
def app(soulfra_database):
    """The role of the process."""
    with psycopg.connect(soulfra_database.app, autocommit=True) as conn:
        yield conn


@pytest.fixture
def superuser(soulfra_database):
    """Who may switch a trigger off."""
    with psycopg.connect(soulfra_database.admin, autocommit=True) as conn:
        yield conn


def faults(conn, stream=None):
    """What the log says of itself."""
    return conn.execute("SELECT stream, version, fault FROM log.verify(%s)", (stream,)).fetchall()


def test_an_event_is_the_next_of_its_stream(app):
    """Two streams do not know of each other; the statement's own rows count, too."""
    add(app, "loop:a", 1, 2)
    add(app, "loop:b", 1)
    [added] = app.execute(
        "SELECT log.append(jsonb_agg(jsonb_build_object('stream', s, 'version', n, 'type',"
        " 'tone_shifted', 'schema_version', 1, 'data', '{}'::jsonb, 'metadata', '{}'::jsonb)"
        " ORDER BY n, s)) FROM generate_series(1, 5) AS n, (VALUES ('loop:c'), ('loop:d')) AS v (s)"
    ).fetchone()

    counted = "SELECT stream, count(*), max(version) FROM log.events GROUP BY 1 ORDER BY 1"
    assert app.execute(counted).fetchall() == [
        ("loop:a", 2, 2), ("loop:b", 1, 1), ("loop:c", 5, 5), ("loop:d", 5, 5)]  # fmt: skip
    assert added == 10
    placed = "SELECT stream FROM log.events WHERE stream >= 'loop:c' ORDER BY position"
    assert app.execute(placed).fetchall() == [("loop:c",), ("loop:d",)] * 5
    assert faults(app) == []


@pytest.mark.parametrize(("version", "at"), [(1, 2), (2, 2), (4, 2), (9, 2)])
def test_another_version_is_refused_with_both(app, version, at):
    """What was expected, and what is: whoever was slower can look again."""
    add(app, "loop:a", 1, 2)

    said = f"stream loop:a: wrong version: expected {version - 1}, is {at}"
    with pytest.raises(errors.SerializationFailure, match=said):
        add(app, "loop:a", version)
    assert faults(app) == []


def test_of_two_at_once_one_is_refused(app, soulfra_database):
    """The second waits for the first to commit, and then is not the next any more."""
    add(app, "loop:a", 1)
    with psycopg.connect(soulfra_database.app) as first:
        add(first, "loop:a", 2, by="first")
        app.execute("SET lock_timeout = '200ms'")
        with pytest.raises(errors.LockNotAvailable):
            add(app, "loop:a", 2, by="second")
        first.commit()
    app.execute("RESET lock_timeout")
    with pytest.raises(errors.SerializationFailure):
        add(app, "loop:a", 2, by="second")

    said = app.execute("SELECT data FROM log.events WHERE version = 2").fetchall()
    assert said == [({"by": "first"},)]


@pytest.mark.parametrize("way_in", ["app", "owner", "admin"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log.events SET data = '{}'",
        "DELETE FROM log.events",
        "TRUNCATE log.events",
    ],
)
def test_what_happened_is_not_changed(app, soulfra_database, way_in, statement):
    """Not by the process, which has no right; not by the owner nor the superuser: a trigger."""
    add(app, "loop:a", 1, 2)
    refused = errors.InsufficientPrivilege if way_in == "app" else errors.RestrictViolation
    with (
        psycopg.connect(getattr(soulfra_database, way_in)) as conn,
        pytest.raises(refused),
    ):
        conn.execute(statement)

    assert app.execute("SELECT count(*) FROM log.events").fetchone() == (2,)


def test_nobody_says_when_and_after_what(app):
    """The one way in asks for neither; there is no other."""
    app.execute(
        "SELECT log.append(jsonb_build_array(jsonb_build_object('stream', 'loop:a', 'version', 1,"
        " 'type', 'tone_shifted', 'schema_version', 1, 'data', '{}'::jsonb, 'metadata',"
        " '{}'::jsonb, 'position', 7, 'transaction_id', 1, 'recorded_at', '2020-01-01', 'sha256',"
        " '\\x00')))"
    )
    [row] = app.execute("SELECT transaction_id > 1, recorded_at > now() - interval '1 min',"
                        " length(sha256) FROM log.events").fetchall()  # fmt: skip
    assert row == (True, True, 32)
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(
            "INSERT INTO log.events (stream, version, type, schema_version, data)"
            " VALUES ('loop:a', 2, 'tone_shifted', 1, '{}')"
        )


def test_what_is_based_on_something_old_is_refused(app):
    """Nothing of it is added; a stream that is not there yet is at 0."""
    add(app, "loop:a", 1, 2)
    new = [{"stream": "loop:b", "version": 1, "type": "tone_shifted", "schema_version": 1,
            "data": {}, "metadata": {}}]  # fmt: skip
    for based_on in ({"loop:a": 1}, {"loop:a": 3}, {"loop:a": 2, "loop:c": 1}):
        with pytest.raises(errors.SerializationFailure, match="wrong version: expected"):
            app.execute("SELECT log.append(%s, %s)", (Jsonb(new), Jsonb(based_on)))
    assert app.execute("SELECT count(*) FROM log.events").fetchone() == (2,)

    app.execute("SELECT log.append(%s, %s)", (Jsonb(new), Jsonb({"loop:a": 2, "loop:c": 0})))
    assert app.execute("SELECT count(*) FROM log.events").fetchone() == (3,)


CHANGES = {
    "data": 'data = data || \'{"to": "grief"}\'',
    "metadata": 'metadata = \'{"by": "eve"}\'',
    "type": "type = 'loop_dissolved'",
    "schema_version": "schema_version = 2",
    "recorded_at": "recorded_at = recorded_at + interval '1 microsecond'",
    "sha256": "sha256 = set_byte(sha256, 31, 255 - get_byte(sha256, 31))",
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_change_by_hand_is_found(app, superuser, column):
    """Whoever can switch the trigger off cannot make the hashes agree again unseen."""
    add(app, "loop:a", 1, 2, 3)
    add(app, "loop:b", 1, 2)
    with superuser.transaction():
        superuser.execute("ALTER TABLE log.events DISABLE TRIGGER events_keep")
        superuser.execute(
            f"UPDATE log.events SET {CHANGES[column]} WHERE stream = 'loop:a' AND version = 2"
        )
        superuser.execute("ALTER TABLE log.events ENABLE TRIGGER events_keep")

    assert ("loop:a", 2, "changed") in faults(app)
    assert {stream for stream, _, _ in faults(app)} == {"loop:a"}
    assert faults(app, "loop:b") == []


def test_an_event_that_is_gone_is_found(app, superuser):
    """By the hole that it left."""
    add(app, "loop:a", 1, 2, 3)
    with superuser.transaction():
        superuser.execute("ALTER TABLE log.events DISABLE TRIGGER events_keep")
        superuser.execute("DELETE FROM log.events WHERE version = 2")
        superuser.execute("ALTER TABLE log.events ENABLE TRIGGER events_keep")

    assert faults(app) == [("loop:a", 3, "gap")]


def cut(superuser, stream, version):
    """Take the end of a life out."""
    with superuser.transaction():
        superuser.execute("ALTER TABLE log.events DISABLE TRIGGER events_keep")
        superuser.execute(
            "DELETE FROM log.events WHERE stream = %s AND version >= %s", (stream, version)
        )
        superuser.execute("ALTER TABLE log.events ENABLE TRIGGER events_keep")


@pytest.mark.parametrize("left", [0, 1, 2])
def test_the_end_of_a_life_is_missed(app, superuser, left):
    """By the answer that told of it: of the last event, of some, of all of them."""
    add(app, "voting:a", 1, 2, 3)
    answer = '{"entity": "voting", "id": "a", "version": 3, "told": {}}'
    app.execute(
        "INSERT INTO log.commands (command_id, name, body_sha256, answer)"
        " VALUES (gen_random_uuid(), 'cast-vote', sha256(''), %s)", (answer,)
    )  # fmt: skip
    assert faults(app) == []
    cut(superuser, "voting:a", left + 1)

    assert faults(app) == faults(app, "voting:a") == [("voting:a", 3, "end missing")]
    assert faults(app, "voting:b") == []


def test_a_life_goes_on_in_its_order_whoever_appends_twice(app, soulfra_database):
    """Readers go by transaction: who has appended does not go on from what is newer."""
    with psycopg.connect(soulfra_database.app) as first:
        add(first, "loop:a", 1)
        add(app, "loop:b", 1)
        with pytest.raises(errors.SerializationFailure, match="loop:b: went on in a later"):
            add(first, "loop:b", 2)
        first.rollback()
        add(first, "loop:b", 2)
        add(first, "loop:b", 3)
    assert faults(app) == []


def test_old_commands_are_forgotten_a_few_at_a_time(app, superuser):
    """Those of the last days are known; the days are those that are declared."""
    superuser.execute(
        "INSERT INTO log.commands (command_id, name, body_sha256, answer, done_at)"
        " SELECT gen_random_uuid(), 'whisper', sha256(''), '{}', now() - n * interval '1 day'"
        " FROM generate_series(0, %s) AS n", (COMMAND_DAYS + 4,)
    )  # fmt: skip
    forget = "SELECT log.forget_commands(3)"

    assert [app.execute(forget).fetchone() for _ in range(3)] == [(3,), (2,), (0,)]
    [(left, oldest)] = app.execute(
        "SELECT count(*), max(now() - done_at) FROM log.commands"
    ).fetchall()
    assert (left, oldest.days) == (COMMAND_DAYS, COMMAND_DAYS - 1)
