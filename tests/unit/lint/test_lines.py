"""The lines and the queries of this checkout pass, and what is exempt is known."""

from apps.lint import lines
from apps.lint.exempt import EXEMPT
from apps.lint.squawk import squawk


def test_nothing_is_wrong():
    """Our rules and squawk's, on every migration and every query."""
    assert [str(each) for each in lines.found()] == []


def test_squawk_sees_what_locks_a_table(tmp_path):
    """Where it stands, counted as an editor counts."""
    file = tmp_path / "0009.add-cups.sql"
    file.write_text("-- cups\nALTER TABLE core.cups ALTER COLUMN size TYPE bigint;\n")

    assert [(each.line, each.rule) for each in squawk([str(file)])] == [(2, "changing-column-type")]


def test_a_rollback_may_drop_what_was_made(tmp_path):
    """A migration may not."""
    for name in ("0009.add-cups.sql", "0009.add-cups.rollback.sql"):
        (tmp_path / name).write_text("DROP TABLE core.cups;\n")

    seen = list(squawk(str(file) for file in tmp_path.iterdir()))

    assert [each.rule for each in seen] == ["ban-drop-table"]
    assert seen[0].path.endswith("0009.add-cups.sql")


def test_an_exemption_that_nothing_needs_is_wrong(monkeypatch):
    """Or the next one hides behind it."""
    monkeypatch.setitem(EXEMPT, ("0001.create-cups.sql", "select-star"), "it is gone")

    assert [each.what for each in lines.found()] == ["0001.create-cups.sql needs no select-star"]


def test_every_exemption_has_a_reason():
    """In words."""
    assert all(len(why.split()) > 2 for why in EXEMPT.values())
