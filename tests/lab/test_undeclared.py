"""Something that nothing declares, put into each store of a living house: the command names it."""

import json

import pytest

from schemas import ports

PLANTED = {
    "table core.notes", "column core.notes.a", "role eve", "property governance_graph.Tag.mood",
    "key stray:*", "file core.dump", "file notes.txt", "table by_hand",
}  # fmt: skip
MADE = (
    "CREATE TABLE core.notes (a integer)",
    "CREATE ROLE eve",
    """INSERT INTO governance_graph."Tag" (properties)
       VALUES ('{"name": "planted", "mood": 1}'::ag_catalog.agtype)""",
)
UNDONE = (
    "DROP TABLE IF EXISTS core.notes",
    "DROP ROLE IF EXISTS eve",
    """DELETE FROM governance_graph."Tag"
        WHERE ag_catalog.agtype_out(properties)::text LIKE '%planted%'""",
)


@pytest.fixture
def planted(standing):
    """One in each store; gone afterwards."""
    if not standing.hosts.lab:
        pytest.skip("not a lab")
    user = standing.hosts.pi[0].user
    file = f"{ports.GOVERNANCE_DATA_DIR}/core.dump"
    write = "sqlite3 -cmd '.timeout 5000' ~/.anima/anima.db '{}'"
    try:
        for statement in MADE:
            standing.sql(statement)
        standing.docker("exec", standing.called("redis"), "redis-cli", "SET", "stray:secret", "x")
        standing.docker("exec", standing.called("governance"), "touch", file)
        standing.ssh("touch .anima/notes.txt", user)
        standing.ssh(write.format("CREATE TABLE by_hand (a INTEGER)"), user)
        yield
    finally:
        for statement in UNDONE:
            standing.sql(statement)
        standing.docker("exec", standing.called("redis"), "redis-cli", "DEL", "stray:secret")
        standing.docker("exec", standing.called("governance"), "rm", "-f", file)
        standing.ssh("rm -f .anima/notes.txt", user)
        standing.ssh(write.format("DROP TABLE IF EXISTS by_hand"), user)


def test_what_nothing_declares_is_named(standing, planted):
    """In all six places, with exit code 4; the rest of a key is nobody's business."""
    said = standing.run(str(standing.bin / "abode"), "where", "--undeclared", "--json", check=False)
    found = {each["what"] for each in json.loads(said.stdout)["strays"]}

    assert said.returncode == 4
    assert found >= PLANTED
    assert "secret" not in said.stdout


def test_a_house_as_it_was_deployed_has_nothing_to_name(standing):
    """Exit code 0, and a sentence."""
    said = standing.run(str(standing.bin / "abode"), "where", "--undeclared", check=False)

    assert (said.returncode, said.stdout) == (0, "everything that lives is declared\n")


def test_a_store_that_is_silent_is_no_clean_one(standing):
    """Exit code 3: nothing is known of it."""
    if not standing.hosts.lab:
        pytest.skip("not a lab")
    redis = standing.called("redis")
    standing.docker("pause", redis)
    try:
        said = standing.run(str(standing.bin / "abode"), "where", "--undeclared", check=False)
    finally:
        standing.docker("unpause", redis)

    assert said.returncode == 3
    assert said.stderr.startswith("redis: ")
