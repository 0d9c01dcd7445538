"""The least that keeps a row every two seconds: sqlite3, WAL, FULL, and nothing else."""

import sqlite3
import time

db = sqlite3.connect("/bench/plain.db", isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
db.execute(
    "CREATE TABLE IF NOT EXISTS state_history (id INTEGER PRIMARY KEY, timestamp TEXT,"
    " warmth REAL, clarity REAL, stability REAL, presence REAL, sensors TEXT)"
)
while True:
    row = (time.time(), 0.4, 0.8, 0.9, 0.9, '{"cpu_temp_c": 53.1, "load_1m": 0.2}')
    db.execute(
        "INSERT INTO state_history (timestamp, warmth, clarity, stability, presence, sensors)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        row,
    )
    time.sleep(2)
