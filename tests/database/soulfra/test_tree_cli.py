"""`abode soulfra drift`, `snapshot` and `archive` on the house that stands."""

import json

import pytest

from schemas import ports

COMMAND = "import sys; from apps.ops.cli import main; sys.exit(main())"


@pytest.fixture
def abode(standing):
    """Exit code, output and errors of a command."""

    def run(*words):
        python = str(standing.bin / "python")
        done = standing.run(python, "-c", COMMAND, "soulfra", *words, check=False)
        return done.returncode, done.stdout, done.stderr

    return run


def test_drift_is_told_to_eyes_and_programs(standing, abode):
    """Of all; of one that is not there it is said; counted anew it is the same."""
    code, said, _ = abode("drift", "--json")
    before = json.loads(said)
    code_anew, said, _ = abode("drift", "--anew", "--json")
    after = json.loads(said)

    assert code == code_anew == 0
    assert before["threshold"] == 1
    for name in ("agents", "loops", "more"):
        assert after[name] >= before[name]
    assert "volatility" in abode("drift")[1]
    assert abode("drift", "agent:nobody-at-all")[0] == 2
    assert "does not drift" in abode("drift", "user:x")[2]


def test_a_document_that_is_gone_is_named_and_comes_back(standing, abode):
    """The check exits 4 until it is made anew, by the command or by the process."""
    abode("snapshot")
    path = f"{ports.SOULFRA_DATA_DIR}/consensus/voting_active.json"
    standing.docker("exec", standing.called("soulfra"), "rm", path)
    code, said, why = abode("snapshot", "--check")
    if code == 0:  # the process was faster
        assert "voting_active" not in said
    else:
        assert code == 4
        assert "consensus/voting_active.json: missing" in why
    code, said, _ = abode("snapshot", "--json")

    assert code == 0
    assert json.loads(said)["made"]["made_anew"] >= 1
    assert abode("snapshot", "--check", "--json")[0] == 0


def test_the_archive_is_proven(standing, abode):
    """What there is of it; again it is nothing more."""
    assert abode("archive")[0] == 0
    assert json.loads(abode("archive", "--json")[1]) == {"archived": []}
    assert abode("archive", "--verify") == (0, "every archive is as it was written\n", "")
