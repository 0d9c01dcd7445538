"""A run killed at seeded moments, half of them between two calls of the database, half anywhere.

Shared by both engines; $ABODE_KILLS says how many, 25 in `make soak`.
"""

import os
import random
import time

from apps.migrate import runner
from apps.migrate.lines import Line

MIGRATIONS = 12
KILLS = int(os.environ.get("ABODE_KILLS") or 4)
ROUNDS = int(os.environ.get("ABODE_ROUNDS") or 2)
SEED = 20260220


def written(folder, engine):
    """A line whose every migration notes in a journal that it ran."""
    folder.mkdir()
    true = "true" if engine == "postgres" else "1"
    for number in range(1, MIGRATIONS + 1):
        name = f"{number:04}.create-t{number}"
        journal = "CREATE TABLE journal (name TEXT);\n" if number == 1 else ""
        (folder / f"{name}.sql").write_text(
            f"-- ensure: SELECT {true} FROM journal WHERE name = '{name}'\n{journal}"
            f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY);\n"
            f"INSERT INTO t{number} VALUES (1);\nINSERT INTO journal VALUES ('{name}');\n"
        )
        last = "DROP TABLE journal;" if number == 1 else ""
        (folder / f"{name}.rollback.sql").write_text(
            f"-- lossy: all of it\nDROP TABLE t{number};{last}\n"
        )
    return Line("tiny", engine, folder)


def moments(calls, seconds):
    """Pairs of how and when, the same in every run."""
    dice = random.Random(SEED)
    by_call = [("call", dice.randint(1, calls)) for _ in range(KILLS - KILLS // 2)]
    by_time = [("time", dice.uniform(0, seconds)) for _ in range(KILLS // 2)]
    return by_call + by_time


def again(line, database, back):
    """As it was before."""
    if back:
        runner.apply(line, database)
    elif runner.status(line, database).applied:
        runner.rollback(line, database, to="0000")


def measured(start, line, database, *back):
    """Calls and seconds of an apply, or a way back, that nobody kills."""
    process = start(line, database, *back, "count")
    _, calls = process.communicate(timeout=60)
    assert process.returncode == 0, calls
    again(line, database, back)
    process = start(line, database, *back, "ready")
    assert process.stdout.readline() == "ready\n"
    begun = time.monotonic()
    process.communicate(timeout=60)
    seconds = time.monotonic() - begun
    again(line, database, back)
    return int(calls), seconds


def killed(start, line, database, how, when, *back):
    """Kill it then; a moment that came too late is tried earlier."""
    while not _died(start, line, database, how, when, *back):
        again(line, database, back)
        when = when * 0.8 if how == "time" else int(when * 0.9)


def _died(start, line, database, how, when, *back):
    if how == "call":
        process = start(line, database, *back, str(when))
        process.communicate(timeout=60)
    else:
        process = start(line, database, *back, "ready")
        assert process.stdout.readline() == "ready\n"
        time.sleep(when)
        process.kill()
        process.communicate(timeout=60)
    return process.returncode == -9


def is_whole(query, line, database, ledger=""):
    """Tables, journal, marks, checksums and log say the same; gives what is applied."""
    marks = {row[0] for row in query(database, f"SELECT migration_id FROM {ledger}_yoyo_migration")}
    sums = {row[0] for row in query(database, f"SELECT migration_id FROM {ledger}_abode_checksum")}
    journal = []
    if marks:
        journal = [row[0] for row in query(database, "SELECT name FROM journal ORDER BY name")]
    assert journal == sorted(marks) == sorted(sums)
    assert marks == set(line.migrations()[: len(marks)])
    return len(marks)
