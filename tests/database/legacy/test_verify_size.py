"""Memory is bounded whatever the size: ABODE_LEGACY_ROWS lines and rows; `make soak-legacy` more."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.legacy.directory import make

ROOT = Path(__file__).resolve().parents[3]
ROWS = int(os.environ.get("ABODE_LEGACY_ROWS", "3000"))
MIB = 200


def test_memory_is_bounded_whatever_the_size(house, tmp_path, capsys):
    """Of a whole directory, in a process of its own."""
    folder = make(tmp_path / "data", "B", ROWS)
    house.bring(folder)
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("verified.py")), house.database.owner,
         str(folder)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    took = json.loads(done.stdout)
    with capsys.disabled():
        sys.stdout.write(f"\n{took}\n" if ROWS > 10_000 else "")

    assert took["differing"] == 0, took["first"]
    assert took["rows"] > 3 * ROWS
    assert took["mib"] < MIB
