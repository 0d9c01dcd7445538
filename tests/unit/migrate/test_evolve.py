"""What an evolution declares, the acts it is made of, and how fast its rows are filled."""

from pathlib import Path
from textwrap import dedent

import pytest

from apps.lint.finding import findings
from apps.lint.lines import RULES
from apps.lint.source import Source
from apps.lint.squawk import squawk
from apps.migrate.evolve.declared import Index, parsed, read
from apps.migrate.evolve.indexes import part_name
from apps.migrate.evolve.standing import Place, acts, left
from apps.migrate.evolve.throttle import LEAST, MOST, Pace
from apps.migrate.evolve.write import files, write
from apps.migrate.lines import Line, known_as, line
from schemas.errors import Refused
from tests.database.evolve.conftest import GUIDE, RENAME
from tests.database.evolve.halls import MOOD
from tests.database.evolve.test_references import GUILD

ROOT = Path(__file__).parents[3]
PLAIN = 'says = "x"\ntable = "a.b"\nmigration = "0002.add-c"\n[column]\nname = "c"\ntype = "text"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("says = ", r"at: Invalid value"),
        (PLAIN.replace('"a.b"', '"b"'), r"at: table: String should match pattern"),
        (PLAIN + "often = 3\n", r"at: column\.often: Extra inputs"),
        (PLAIN + "required = true\n", r"required needs a default, or a \[fill\]"),
        (
            PLAIN + 'required = true\ndefault = "1"\n[references]\ntable = "a.d"\ncolumn = "e"\n'
            'on_delete = "set null"\n',
            r"what is required cannot be set null on delete",
        ),
        (PLAIN + 'default = "1; DROP TABLE x"\n', r"at: column\.default"),
        (
            PLAIN + '[replaces]\ncolumn = "d"\ndefinition = "text"\nback = "c"\n'
            'drop = "0003.drop-d"\n',
            r"\[fill\] is missing",
        ),
    ],
)
def test_what_is_not_as_it_must_be_is_told_with_its_place(text, said):
    """And where a whole one is."""
    with pytest.raises(Refused, match=said):
        parsed("x", text, "at")


def test_the_one_of_the_document_is_whole():
    """As whoever reads it will copy it."""
    said = (ROOT / "docs/evolve.md").read_text().split("schema:\n\n")[1].split("\n\n`write`")[0]
    of = parsed("loops-mythology", dedent(said), "docs/evolve.md").of
    assert (of.column.name, of.replaces.drop, of.ends_with) == (
        "mythology_id",
        "0009.drop-loops-myth",
        "drop",
    )


def test_a_name_that_is_not_there(tmp_path):
    """Is told with those that are."""
    (tmp_path / "tiny.evolutions").mkdir()
    (tmp_path / "tiny.evolutions" / "b-c.toml").write_text(PLAIN)
    of = Line("tiny", "postgres", tmp_path / "tiny")
    assert read(of, "b-c").of.column.name == "c"
    with pytest.raises(Refused, match=r"no evolution '\.\./b-c'\n  hint: declared are b-c"):
        read(of, "../b-c")


def test_each_step_has_the_acts_that_it_needs():
    """A plain column is added and switched; a replaced one has all five."""
    assert acts(parsed("x", PLAIN, "").of) == [("add", "column"), ("switch", "switch")]
    of = parsed("x", RENAME, "").of
    assert [step for step, _ in acts(of)] == [
        "add", "fill", "constrain", "constrain", "constrain", "constrain", "switch", "drop",
    ]  # fmt: skip
    assert left(of, "rows", "constrain")[0] == ("constrain", "check")
    assert left(of, "drop", "drop") == []
    assert left(of, None, "add") == [("add", "column")]


def test_a_place_is_kept_as_it_was():
    """Through the ledger and back."""
    import json  # noqa: PLC0415

    place = Place("a.b", ("a.c",), ("1", "x"), 7, 6, 9, 1.5)
    assert Place.of(json.loads(place.text())) == place


def test_a_batch_is_as_big_as_may_be_held_so_long():
    """Quick ones grow, slow ones shrink, and none leaves its bounds."""
    pace = Pace()
    for _ in range(20):
        pace.after(pace.limit(), 0.001)
    assert pace.limit() == MOST
    for _ in range(30):
        pace.after(pace.limit(), 5.0)
    assert pace.limit() == LEAST
    assert Pace(rows=7).limit() == 7


def test_a_batch_that_takes_too_long_is_given_up_while_there_is_a_smaller_one():
    """So a row is not held for longer; the smallest takes what it takes."""
    pace = Pace()
    assert pace.held_ms() == 100
    for _ in range(10):
        pace.late()
    assert (pace.limit(), pace.held_ms()) == (LEAST, 0)


def test_pauses():
    """Half of the time by default; as told otherwise; a ceiling is above both."""
    assert Pace().after(500, 0.2) == pytest.approx(0.2)
    assert Pace(load=0.25).after(500, 0.2) == pytest.approx(0.6)
    assert Pace(pause_ms=10).after(500, 0.2) == pytest.approx(0.01)
    assert Pace(rows_per_second=100).after(500, 0.2) == pytest.approx(4.8)


def test_how_far_a_replica_is_behind():
    """By the age of what it has not seen; by what the server says where it says more."""
    pace = Pace(max_lag=1)
    assert pace.behind(lambda: (100, 100, None), now=0.0) == 0
    assert pace.behind(lambda: (200, 100, None), now=1.0) == 0
    assert pace.behind(lambda: (300, 100, None), now=3.0) == 2
    assert pace.behind(lambda: (400, 200, None), now=4.0) == 1
    assert pace.behind(lambda: (400, 400, 0.5), now=9.0) == 0.5
    assert pace.behind(lambda: (500, None, None), now=10.0) == 0


def test_no_two_parts_have_an_index_of_one_name():
    """However long their names are."""
    index = Index(name="i" * 50, columns=("a",))
    found = {part_name(index, f"soulfra.loops_of_a_very_long_name_2026_{n:02}") for n in range(12)}
    assert len(found) == 12
    assert all(len(name) <= 63 for name in found)


@pytest.mark.parametrize("text", [GUIDE.replace("varchar(100)", "text"), RENAME, MOOD, GUILD])
def test_what_is_written_is_lawful(tmp_path, text):
    """By our rules and squawk's; written again it is the same."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (tmp_path / "tiny.evolutions").mkdir()
    (tmp_path / "tiny.evolutions" / "x.toml").write_text(text)
    of = Line("tiny", "postgres", folder)
    written = write(of, "x")
    assert written
    assert write(of, "x") == ()
    texts = files(of, read(of, "x"))
    for name, said in texts.items():
        back = texts.get(name.replace(".sql", ".rollback.sql"))
        source = Source(name, said, "postgres", (), back)
        assert list(findings(RULES["postgres"], source)) == []
    assert [str(each) for each in squawk([str(path) for path in written])] == []
    written[0].write_text("edited")
    assert write(of, "x", check=True) == (written[0],)
    assert written[0].read_text() == "edited"


def test_a_process_says_which_schema_it_knows():
    """Its line, and the number of the newest migration."""
    assert known_as("soulfra") == f"soulfra@{line('soulfra').migrations()[-1][:4]}"
    assert known_as("soulfra of persons").startswith("soulfra of persons@")
    assert known_as("abode legacy") == "abode legacy"
