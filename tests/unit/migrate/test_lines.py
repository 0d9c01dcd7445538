"""File names and contents of a line are checked before anything runs."""

import pytest

from apps.migrate.lines import ENGINES, Line, checksums, line
from schemas.errors import Refused


def test_a_well_formed_line_has_no_problems(tiny):
    """Two pairs, numbered from 0001, are in order."""
    assert not list(tiny.problems())
    assert tiny.migrations() == ("0001.create-cups", "0002.add-handle")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("0003.add-lid 2.sql", "not a migration name"),
        ("0003.add-lid.sql.icloud", "not a migration name"),
        ("0003.remove-lid.sql", "not a migration name"),
        ("0003.add-Lid.sql", "not a migration name"),
        ("3.add-lid.sql", "not a migration name"),
        ("__init__.py", "not a migration name"),
        ("post-apply.sql", "not a migration name"),
        ("0003.add-lid.sql", "has no 0003.add-lid.rollback.sql"),
        ("0003.add-lid.rollback.sql", "rolls nothing back"),
    ],
)
def test_a_stray_file_is_refused(tiny, name, complaint):
    """Yoyo would run it; we name it."""
    (tiny.folder / name).write_text("")

    with pytest.raises(Refused, match=complaint):
        tiny.check()


def test_a_copied_file_is_called_a_copy(tiny):
    """The hint says what to do about a Finder duplicate."""
    (tiny.folder / "0001.create-c 2.sql").write_text("")

    with pytest.raises(Refused, match="copied file; remove it"):
        tiny.check()


@pytest.mark.parametrize("number", ["0001", "0002", "0004"])
def test_a_gap_or_a_duplicate_number_is_refused(tiny, number):
    """Numbers are 0001, 0002, 0003 and so on."""
    for end in ("sql", "rollback.sql"):
        (tiny.folder / f"{number}.add-lid.{end}").write_text("")

    with pytest.raises(Refused, match="expected number"):
        tiny.check()


def test_a_migration_outside_a_transaction_is_refused(tiny):
    """Yoyo's directive would break the promise of all or nothing."""
    (tiny.folder / "0002.add-handle.sql").write_text("-- transactional: false\nVACUUM;")

    with pytest.raises(Refused, match="one transaction"):
        tiny.check()


def test_a_missing_folder_is_refused(tmp_path):
    """A line without a folder is a mistake, not an empty line."""
    with pytest.raises(Refused, match="no such folder"):
        Line("none", "sqlite", tmp_path / "none").check()


def test_an_unknown_line_is_refused_with_the_known_ones():
    """The message lists what exists."""
    with pytest.raises(Refused, match="lines are anima, governance"):
        line("animal")


@pytest.mark.parametrize("end", ["sql", "rollback.sql"])
def test_the_checksum_covers_the_file_and_its_rollback(tiny, end):
    """An edit of either is an edit."""
    before = tiny.checksum("0001.create-cups")
    with (tiny.folder / f"0001.create-cups.{end}").open("a") as file:
        file.write(" ")

    assert tiny.checksum("0001.create-cups") != before


@pytest.mark.parametrize("name", ENGINES)
def test_checksums_know_every_file_of_a_line(name):
    """What the running code may compare with the ledger."""
    assert tuple(checksums(name)) == (*line(name).migrations(), *line(name).post_applies())
    assert all(len(checksum) == 64 for checksum in checksums(name).values())


@pytest.mark.parametrize("word", ["COMMIT;", "  rollback;", "Commit and chain;"])
def test_a_file_that_ends_its_transaction_is_refused_by_line(tiny, word):
    """It would take the mark out of the migration's transaction."""
    file = tiny.folder / "0002.add-handle.sql"
    file.write_text(f"-- ensure: SELECT 1\nSELECT 1;\n{word}\nSELECT 2;")

    with pytest.raises(Refused, match=r"0002\.add-handle\.sql:3: only the runner ends"):
        tiny.check()


def test_a_dependency_comes_before(tiny):
    """Not itself, and nothing later."""
    file = tiny.folder / "0001.create-cups.sql"
    file.write_text("-- depends: 0002.add-handle\n-- ensure: SELECT 1\nSELECT 1;")

    with pytest.raises(Refused, match=r"depends on '0002\.add-handle', which does not come before"):
        tiny.check()


def test_labels_are_read_wherever_they_stand(tiny):
    """One line each, and only in comments of their own."""
    file = tiny.folder / "0002.add-handle.sql"
    file.write_text(
        "SELECT 1;\n  --  ensure :  SELECT 1  \n-- ensure: SELECT 2\nSELECT '-- ensure: 3'"
    )
    (tiny.folder / "0002.add-handle.rollback.sql").write_text("-- lossy: every handle\nSELECT 1;")

    assert tiny.ensures("0002.add-handle") == ("SELECT 1", "SELECT 2")
    assert tiny.lossy("0002.add-handle") == ("every handle",)
