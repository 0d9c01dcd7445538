"""python tests/bench/adopt.py [ROWS]: adopt a February file of the real size, and tell how long."""

import resource
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from apps.migrate.adopt import adopt
from apps.migrate.lines import line

FEBRUARY = Path(__file__).parents[1] / "unit" / "migrate" / "february.sql"
ROWS, SENSORS = 214_503, 240
"""As many feelings as the real file had, each as heavy: 141 MB."""


def main() -> None:
    """Build, adopt, say."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "anima.db"
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            sql = FEBRUARY.read_text()
            db.executescript(sql.replace(":rows", str(rows)).replace(":sensors", str(SENSORS)))
        size = file.stat().st_size / 1e6
        began = time.monotonic()
        done = adopt(line("anima"), str(file), "America/Denver")
        took = time.monotonic() - began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    said = f"adopted {sum(done.rows.values())} rows, {size:.0f} MB in {took:.2f} s"
    sys.stdout.write(f"{said}, at most {memory:.0f} MB of memory\n")


if __name__ == "__main__":
    main()
