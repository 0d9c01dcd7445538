"""--json prints one closed object per verb, and each way to fail has its own exit code."""

import fcntl
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from apps.migrate import shapes
from apps.migrate.__main__ import main
from apps.migrate.check import Report
from apps.migrate.errors import Edited, Locked, Pending
from schemas.errors import Diverged, HouseError, Refused, Unreachable

ROOT = Path(__file__).parents[3]


@pytest.fixture
def asked(tiny, database, monkeypatch, capsys):
    """Ask the command about the tiny line; gives its exit code and what it printed."""
    monkeypatch.setattr("apps.migrate.__main__.line", lambda _: tiny)

    def ask(verb, *words):
        where = [] if verb == "new" else ["--file", database]
        code = main(["tiny", verb, *words, *where, "--json"])
        return code, capsys.readouterr().out

    return ask


def test_every_verb_prints_its_shape(asked, tiny, database):
    """Read back by the very model, which takes no unknown key."""
    Path(database).touch()
    code, said = asked("plan")
    planned = shapes.Planned.model_validate_json(said)
    assert (code, planned.direction, len(planned.steps)) == (0, "forward", 2)
    assert planned.steps[1].ensures[0].startswith("SELECT count(*) = 1")

    code, said = asked("apply")
    assert (code, shapes.Apply.model_validate_json(said).ran) == (0, tiny.migrations())
    code, said = asked("status", "--check")
    assert (code, shapes.Status.model_validate_json(said).settled) == (0, True)

    code, said = asked("plan", "--rollback", "2")
    planned = shapes.Planned.model_validate_json(said)
    assert (planned.direction, planned.steps[0].sql) == (
        "back",
        tiny.sql("0002.add-handle", back=True),
    )

    with closing(sqlite3.connect(database)) as connection:
        connection.execute("INSERT INTO cups (handle) VALUES ('x')")
        connection.commit()
    code, said = asked("rollback", "--yes")
    done = shapes.Rollback.model_validate_json(said)
    assert (code, done.undone) == (0, ("0002.add-handle",))
    assert done.destroyed == (shapes.Destroyed(table="cups", column="handle", count=1),)
    assert done.snapshots[0].exists()

    code, said = asked("apply")
    assert shapes.Apply.model_validate_json(said).backup.exists()
    code, said = asked("new", "add-lid")
    assert (code, [f.name for f in shapes.New.model_validate_json(said).files]) == (
        0, ["0003.add-lid.sql", "0003.add-lid.rollback.sql"],
    )  # fmt: skip


def test_check_prints_its_shape_and_exits_four(asked, database):
    """The report of the drift check; clean is 0."""
    asked("apply")
    code, said = asked("check")
    assert (code, Report.model_validate_json(said).clean) == (0, True)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE stray (id INTEGER)")
    code, said = asked("check")
    assert (code, Report.model_validate_json(said).clean) == (Diverged.exit_code, False)


def test_what_goes_wrong_is_an_object_too(asked, tiny, database):
    """With its code, and with what a rollback would have destroyed."""
    code, said = asked("status", "--check")
    assert (code, shapes.Wrong.model_validate_json(said).kind) == (3, "unreachable")
    Path(database).touch()
    assert asked("status", "--check")[0] == Pending.exit_code == 5
    code, said = asked("rollback")
    assert (code, shapes.Wrong.model_validate_json(said).kind) == (2, "refused")
    asked("apply")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("INSERT INTO cups (handle) VALUES ('x')")
        connection.commit()
    code, said = asked("rollback")
    wrong = shapes.Wrong.model_validate_json(said)
    assert (code, wrong.kind) == (Refused.exit_code, "unconfirmed")
    assert wrong.destroys == (shapes.Destroyed(table="cups", column="handle", count=1),)

    with Path(f"{database}.migrate.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        code, said = asked("rollback", "--yes", "--wait", "0.1")
    assert (code, shapes.Wrong.model_validate_json(said).kind) == (Locked.exit_code, "locked")

    (tiny.folder / "0001.create-cups.rollback.sql").write_text("SELECT 1;")
    code, said = asked("apply", "--again")
    assert (code, shapes.Wrong.model_validate_json(said).kind) == (Edited.exit_code, "edited")
    assert asked("status", "--check")[0] == Edited.exit_code == 6


def test_every_error_has_a_kind_and_a_code_of_its_own():
    """Nothing of the family is unknown to JSON; the hint is kept."""
    codes = [each.exit_code for each in (Refused, Unreachable, Diverged, Pending, Edited, Locked)]
    assert codes == [2, 3, 4, 5, 6, 7]
    for each in (Refused, Unreachable, Diverged, Pending, Edited, Locked):
        said = shapes.wrong("tiny", each("what", hint="next"))
        assert (said.exit_code, said.hint) == (each.exit_code, "next")
    assert issubclass(Locked, HouseError)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("remove-lid", "verbs are create, add"), ("add-Lid", "verb-object in lower case"),
     ("add-cups 2", "not a migration name"), ("create-cups", "there is a create-cups already")],
)  # fmt: skip
def test_a_new_name_must_be_lawful(asked, tiny, name, complaint, capsys):
    """And nothing is written when it is not."""
    code, said = asked("new", name)

    wrong = shapes.Wrong.model_validate_json(said)
    assert code == 2
    assert complaint in f"{wrong.message} {wrong.hint}"
    assert len(tiny.migrations()) == 2


def test_a_new_pair_is_refused_until_it_is_filled_in(asked, tiny):
    """Its promise is false: it cannot be applied by mistake."""
    asked("new", "add-lid")

    code, said = asked("apply")
    assert code == 2
    assert "did not do what it promises: SELECT false" in said


@pytest.mark.parametrize(
    "words", [["--wait", "0"], ["--tries", "x"], ["--statement-timeout", "-1"]]
)
def test_a_flag_without_sense_is_refused(words, tmp_path):
    """By the command line itself."""
    with pytest.raises(SystemExit) as ended:
        main(["anima", "apply", *words, "--file", str(tmp_path / "x.db")])
    assert ended.value.code == 2


def test_an_apply_with_nothing_to_do_imports_neither_yoyo_nor_pydantic(tmp_path):
    """They take longer than the answer."""
    database = str(tmp_path / "anima.db")
    assert main(["anima", "apply", "--file", database]) == 0
    script = (
        "import sys; from apps.migrate.__main__ import main; main(['anima', 'apply', '--file', "
        f"{database!r}]); print({{'yoyo', 'pydantic', 'sqlparse', 'psycopg'}} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env={"PYTHONPATH": str(ROOT)} | dict(os.environ),
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "anima: nothing to do\nset()\n"


@pytest.mark.parametrize(
    ("verb", "shape"),
    [("status", shapes.Status), ("plan", shapes.Planned), ("apply", shapes.Apply),
     ("rollback", shapes.Rollback), ("check", Report), ("new", shapes.New),
     ("adopt", shapes.Adopt), ("error", shapes.Wrong)],
)  # fmt: skip
def test_the_page_names_every_key(verb, shape):
    """docs/migrate.md, read as an operator does, in the order of the model."""
    page = (ROOT / "docs/migrate.md").read_text().partition("## --json")[2]
    starts = (f"| {verb} ", f"| `{verb}` ")
    (row,) = (line for line in page.splitlines() if line.startswith(starts))
    top = re.sub(r"[:(] ?[\[(]?`.*?[\])]", "", row.split("|")[2])
    assert re.findall(r"`(\w+)`", top) == list(shape.model_fields)
    assert shape.model_config["extra"] == "forbid"


def test_the_pages_name_every_exit_code():
    """Both of them."""
    for page in ("docs/migrate.md", "docs/errors.md"):
        text = (ROOT / page).read_text()
        assert all(f"\n| {code} | " in text for code in (0, 2, 3, 4, 5, 6, 7)), page
