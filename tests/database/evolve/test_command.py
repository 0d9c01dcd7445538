"""What an operator types: words, exit codes, one object for programs."""

import json
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from apps.ops import cli, evolve_cli
from schemas.errors import HouseError
from tests.database.evolve.conftest import GUIDE, asked


class Said(NamedTuple):
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def abode(tiny, made, evolution, monkeypatch):
    """The command, with the test's own line instead of the house's."""
    evolution("loops-mythology", GUIDE)
    monkeypatch.setattr(evolve_cli, "line_of", lambda _: tiny)
    monkeypatch.setenv("COLUMNS", "160")

    def call(verb, *words):
        database = () if verb == "write" else ("--database", made.owner)
        done = CliRunner().invoke(cli.app, ["evolve", "tiny", verb, *words, *database], input="")
        if not isinstance(done.exception, HouseError):
            return Said(done.exit_code, done.stdout, done.stderr)
        # What `main` makes of it.
        error = done.exception
        return Said(error.exit_code, done.stdout, f"{done.stderr}{error}\n")

    return call


def test_the_way_there(abode, made):
    """A status before, in the middle and after, and what each run says."""
    said = json.loads(abode("status", "--json").stdout)
    assert (said["settled"], said["evolutions"][0]["state"]) == (True, "declared")

    done = abode("run", "loops-mythology", "--to", "fill", "--rows-per-batch", "700")
    assert done.returncode == 0
    assert done.stdout == (
        "add: column\nfill: rows\nfilled 3,000 of 3,000 rows\nnext: constrain: check\n"
    )
    assert "add: column" in done.stderr
    half = abode("status", "--check")
    assert half.returncode == 5
    assert "begun" in half.stdout
    assert "3,000 of 3,000" in half.stdout

    ran = json.loads(abode("run", "loops-mythology", "--to", "switch", "--json").stdout)
    assert ran["did"] == ["check", "validate", "not-null", "index idx_loops_mythology", "switch"]
    assert ran["stands"]["state"] == "switched"
    assert ran["stands"]["rows_per_second"] > 0
    done = abode("undo", "loops-mythology", "--to", "switch")
    assert done.stdout == "the switch of loops-mythology is taken back\n"
    abode("run", "loops-mythology", "--to", "switch")
    done = abode("run", "loops-mythology", "--to", "drop")
    assert done.stdout == "drop: drop\n"
    assert abode("status", "--check").returncode == 0
    assert abode("run", "loops-mythology", "--to", "drop").stdout.endswith("nothing to do\n")


def test_the_ways_it_can_fail(abode, made):
    """Each with its code, in three beats."""
    cases = {
        ("run", "loops"): (2, "no evolution 'loops'\n  hint: declared are loops-mythology\n"),
        ("run", "loops-mythology", "--to", "end"): (2, "'end': no such step\n  hint: steps are"),
        ("run", "loops-mythology", "--to", "drop"): (2, "is not switched yet\n  hint: run it"),
        ("undo", "loops-mythology"): (2, "has not begun"),
        ("undo", "loops-mythology", "--to", "fill"): (2, "no way back to there\n  hint: ways are"),
    }
    for words, (code, said) in cases.items():
        done = abode(*words)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    wrong = json.loads(abode("run", "loops", "--json").stdout)
    assert (wrong["kind"], wrong["exit_code"]) == ("refused", 2)


def test_an_undo_asks(abode, made):
    """Without a terminal it wants to be told; it says what goes."""
    abode("run", "loops-mythology", "--to", "fill")
    done = abode("undo", "loops-mythology", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["destroys"] == [
        {"table": "soulfra.loops", "column": "mythology_id", "count": 3000}
    ]
    assert "hint: pass --yes" in done.stderr

    assert abode("undo", "loops-mythology", "--yes").stdout == "loops-mythology is undone\n"
    assert asked(made.owner, "SELECT count(*) FROM ledger._abode_evolution") == [(0,)]


def test_the_files_are_as_declared(abode, tiny):
    """Or are named, and written."""
    assert abode("write", "loops-mythology", "--check").returncode == 0
    path = tiny.folder / "0002.add-loops-mythology.sql"
    path.write_text("-- other")
    done = abode("write", "loops-mythology", "--check")
    assert (done.returncode, done.stdout) == (5, f"differs {path}\n")
    assert abode("write", "loops-mythology").stdout == f"wrote {path}\n"
    assert "ensure" in path.read_text()
