"""The cache of a checkout does not grow without end."""

import os

from apps.lab import cache


def test_the_newest_three_of_each_kind_stay(tmp_path):
    """Files and directories; what has another name is not ours to remove."""
    kinds = ("anima-{}.tar.gz", "postgres-age-{}.tar.gz", "wheels-mac-3.13-x86_64-{}")
    for age in range(5):
        for kind in kinds:
            entry = tmp_path / kind.format(f"{age:016x}")
            entry.touch() if entry.suffix else entry.mkdir()
            if entry.is_dir():
                (entry / "some.whl").touch()
            os.utime(entry, (1000 - age, 1000 - age))
    (tmp_path / ".wheels-mac-3.13-x86_64-0123456789abcdef").mkdir()
    (tmp_path / "notes.txt").touch()
    gone = cache.prune(tmp_path)

    assert sorted(gone) == sorted(kind.format(f"{age:016x}") for kind in kinds for age in (3, 4))
    assert len(list(tmp_path.iterdir())) == 3 * 3 + 2
    assert cache.prune(tmp_path) == []


def test_no_cache_is_nothing_to_do(tmp_path):
    """Before the first deploy."""
    assert cache.prune(tmp_path / "cache") == []
