"""Somebody is forgotten whose loops are of a month that was put into an archive."""

import gzip

import psycopg
import pytest

from apps.archive import archive
from apps.soulfra.months import bring_back, prune
from apps.soulfra.rebuild import rebuild
from tests.database.soulfra.privacy.conftest import ADA, EVE
from tests.database.soulfra.privacy.test_forgotten import forgets
from tests.database.soulfra.test_prune import FIRST, in_january
from tests.database.soulfra.test_rebuild import content

LOOPS = ("ada-fork", "ada-hail", "ada-rain")


@pytest.fixture
def owner(people):
    """Of a database whose January is over."""
    with psycopg.connect(people.owner, autocommit=True, options="-c timezone=UTC") as conn:
        in_january(conn)
        yield conn


def archived(folder):
    """All that the archive's files say."""
    files = (gzip.decompress(path.read_bytes()) for path in folder.glob("*.csv.gz"))
    return b"\n".join((*files, *(path.read_bytes() for path in folder.glob("*.json")))).decode()


def test_an_archive_has_no_texts_and_says_of_no_unsigned_loop_whose_it_is(owner, tmp_path):
    """They follow from the log when the month comes back."""
    before = content(owner)
    rows = prune(owner, FIRST, tmp_path)
    said = archived(tmp_path)

    assert rows["loop_owners"] == 2
    assert "ada-hail" in said
    assert "s1." not in said
    assert not [line for line in said.splitlines()
                if "ada-hail" in line and (str(ADA) in line or line.count("a-ada"))]  # fmt: skip
    assert bring_back(owner, FIRST, tmp_path) == rows
    assert content(owner) == before


def test_who_is_forgotten_meanwhile_stays_so_when_the_month_comes_back(
    run, people, owner, tmp_path
):
    """Every store is told of loops that Postgres has not; what comes back is as a replay has it."""
    prune(owner, FIRST, tmp_path)
    asked = []

    async def elsewhere(of):
        asked.append(of)
        return []

    done, failed, report = run(forgets(people, ADA, elsewhere=elsewhere))
    bring_back(owner, FIRST, tmp_path)

    assert (done, failed) == (1, 0)
    assert [(of.user_id, of.agents, of.loops) for of in asked] == [(ADA, ("a-ada",), LOOPS)]
    places = {each["place"]: (each["count"], each["how"]) for each in report["places"]}
    assert places["log.events.data"] == (6, "unreadable")
    assert places["soulfra.loops.whisper_origin"] == (0, "rewritten")
    assert places["archive/soulfra/loops_2026_01"] == (3, "unreadable")
    texts = owner.execute("SELECT loop_id FROM soulfra.loops WHERE whisper_origin IS NOT NULL")
    assert sorted(texts.fetchall()) == [("eve-hail",), ("eve-rain",)]
    assert rebuild(owner).differing == ()


def test_an_archive_of_an_older_release_brings_nothing_back_that_was_forgotten(
    run, people, owner, tmp_path
):
    """It has texts, and says whose the unsigned are: neither is taken, and that goes."""
    old = {}
    for table in ("loops", "loop_owners"):
        folder = tmp_path / "old"
        old[table] = archive(owner, f"soulfra.{table}", folder, f"{table}_2026_01").rows
    prune(owner, FIRST, tmp_path)
    for path in folder.iterdir():
        path.replace(tmp_path / path.name)
    assert str(ADA) in archived(tmp_path)
    run(forgets(people, ADA))

    assert bring_back(owner, FIRST, tmp_path)["loops"] == old["loops"]
    assert rebuild(owner).differing == ()
    assert str(EVE) in archived(tmp_path)
    assert not list(tmp_path.glob("loop_owners*"))
