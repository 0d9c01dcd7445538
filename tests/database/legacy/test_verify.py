"""After a backfill the house holds what the old stores held; one byte that differs is named."""

from pathlib import Path

import pytest

from apps.legacy.verify.verify import verify
from tests.legacy.directory import make


@pytest.mark.parametrize("variant", ["A", "B"])
def test_a_backfill_of_nasty_data_verifies(house, tmp_path, variant):
    """Every count and checksum, and the graph's hash."""
    folder = make(tmp_path / "data", variant, 400)
    house.bring(folder)
    said = verify(house.database.owner, Path(folder))

    for d in said.differences[:40]:
        print(d)
    for t in (*said.tables, *said.graph, *said.sources):
        print(t)
    assert said.is_equal
