"""`abode where` for eyes and programs."""

from pathlib import Path

import pytest

from apps.declared.everything import tables
from apps.ops import where as places
from apps.ops import where_cli
from apps.ops.undeclared import Stray, Survey, in_catalog, in_folder, in_keys
from apps.ops.ways import ways
from apps.ops.where import find
from schemas.errors import Refused
from schemas.governance.calls.where import Live, WhereReply
from schemas.governance.keys import KEYS
from schemas.hosts import Hosts
from schemas.server import GOVERNANCE
from schemas.soulfra.shards import LIVES


def test_places_are_names_without_markdown():
    """A program compares them with what the database says."""
    assert find("core.agent_state")[0].found.place == "core.agent_state"
    assert not any("`" in str(each.found.model_dump()) for each in find(None))


def test_what_nothing_is_like_is_refused():
    """With what to do instead."""
    with pytest.raises(Refused) as refused:
        find("xyzzyplugh")

    assert refused.value.hint == "abode where lists all places"


HOSTS = {
    "lab": {"name": "dev", "home": "/x"},
    "pi": [
        {
            "agent": "lumen",
            "governance_url": "http://g:1",
            "ssh": {"hostname": "h", "user": "abode"},
        }
    ],
}


def test_commands_are_those_of_the_house():
    """Containers of this lab, and the Pi as the user that owns its data."""
    reach = ways(Hosts.model_validate(HOSTS))

    assert reach.postgres == ("docker", "exec", "-i", "dev-postgres-age")
    assert reach.pis["lumen"][-1] == "anima@h"
    assert find("core.probe", reach)[0].found.read == (
        "docker exec -i dev-postgres-age psql -U postgres -d governance -P pager=off -c"
        " 'SELECT singleton, updated_at FROM core.probe ORDER BY updated_at DESC LIMIT 5'"
    )


def test_what_agents_have_on_shards_is_read_there_too():
    """A person's row is at home alone; an agent's is where it lives."""
    reach = ways(Hosts.model_validate({**HOSTS, "mac": {"soulfra_shards": {"two": 5433}}}))
    agents = find("soulfra.agents", reach)[0].found
    users = find("soulfra.users", reach)[0].found

    assert agents.store == "Postgres soulfra on the Mac; of agents that are away on two"
    first, then = agents.read.split("; ")
    assert then == first.replace("dev-postgres-age", "dev-postgres-age-two")
    assert "two" not in users.store + users.read
    assert find("soulfra.agents")[0].found.store == "Postgres soulfra on the Mac"


def test_tables_of_lives_are_tables():
    """Whatever a shard is said to have is declared."""
    assert {table.table for table in tables("soulfra")} > LIVES


@pytest.mark.parametrize(
    ("home", "shard", "both"),
    [
        ((Live.THERE, 9.0), (Live.THERE, 2.0), (Live.THERE, 2.0)),
        ((Live.THERE, 9.0), (Live.EMPTY, None), (Live.THERE, 9.0)),
        ((Live.THERE, 9.0), (Live.SILENT, None), (Live.SILENT, None)),
        ((Live.THERE, None), (Live.MISSING, None), (Live.MISSING, None)),
        ((Live.EMPTY, None), (Live.EMPTY, None), (Live.EMPTY, None)),
    ],
)
def test_two_servers_say_how_one_place_is(home, shard, both):
    """The newest of both; nothing is known of what one of them does not say."""
    assert places.both(home, shard) == both


def test_a_mac_elsewhere_is_reached_over_ssh():
    """The inner command is one word of the outer one."""
    there = {
        **HOSTS,
        "mac": {"ssh": {"hostname": "mini", "user": "op"}, "docker_host": "unix:///d"},
    }
    command = find("governance_ro", ways(Hosts.model_validate(there)))[0].found.read

    assert command.startswith("ssh -o BatchMode=yes")
    assert "op@mini 'env PATH=" in command
    assert "DOCKER_HOST=unix:///d docker exec -i dev-postgres-age psql" in command


@pytest.mark.parametrize(
    ("printed", "live"),
    [
        (["12.5", "00000"], (Live.THERE, 12.5)),
        (["none", "00000"], (Live.THERE, None)),
        (["00000"], (Live.EMPTY, None)),
        (["42P01"], (Live.MISSING, None)),
        (["57014"], (Live.SILENT, None)),
        ([], (Live.SILENT, None)),
    ],
)
def test_what_psql_prints_is_understood(printed, live):
    """Seconds, and how the question ended."""
    assert places._of_psql({3: printed}, 3) == live


@pytest.mark.parametrize(
    ("printed", "live"),
    [
        (["done"], Live.EMPTY),
        (["none", "done"], Live.THERE),
        (["Parse error near line 3: no such table: x", "done"], Live.MISSING),
        (["Error: database is locked", "done"], Live.SILENT),
        ([], Live.SILENT),
    ],
)
def test_what_sqlite_prints_is_understood(printed, live):
    """Each question ends with a word; without it nobody answered."""
    assert places._of_sqlite({0: printed}, 0)[0] is live


def test_keys_that_are_none_of_ours_are_told_without_their_ends():
    """The rest of a key may open something."""
    found = ["session:secret-1", "probe:ab12", "sessions:secret-2", "sessions:secret-3", "loop"]

    assert [(each.what, each.detail) for each in in_keys(found)] == [
        ("key loop", "1 of them"), ("key sessions:*", "2 of them"),
    ]  # fmt: skip


def test_files_that_are_none_of_ours_are_told():
    """What lies beside a document and belongs there is not."""
    pi = ["anima.db", "anima.db-wal", "ballast", "canvas.json", "canvas.json.new", "notes.json",
          "anima.db.before-0008.20261120T200827.391478Z", "anima.db.migrate.lock",
          "backups/anima-000001-20261129T000000Z.whole.db", "anima.db.damage",
          "backups/anima-000002-20261129T010000Z.since-000001.db.part", "anima.db.damaged-1-wal",
          "anima.db.mended.old", "anima.db.proven", "feelings.toml", "drawings/x.png",
          "archive/events/x.csv.gz",
          "a/canvas.json"]  # fmt: skip
    mac = ["archive/events_2026_01.json", "archive/events_2026_01.csv.gz", "core.dump"]

    assert [each.what for each in in_folder(dict.fromkeys(pi, 0.0), "pi", "pi")] == [
        "file a/canvas.json", "file notes.json",
    ]  # fmt: skip
    assert [each.what for each in in_folder(dict.fromkeys(mac, 0.0), "governance", "g")] == [
        "file core.dump"
    ]
    theirs = ["runtime/loop_state.json", "agents/a/state.json", "agents/a/memory.sqlite-wal",
              "clusters/active/c.json", "archive/chatlogs/2026-10.1.jsonl.gz", "tree.json",
              "archive/chatlogs/2026-10.json", ".tree.lock", "runtime/loop_state.json.new",
              "runtime/odd.txt", "core.dump"]  # fmt: skip
    assert [each.what for each in in_folder(dict.fromkeys(theirs, 0.0), "soulfra", "s")] == [
        "file core.dump", "file runtime/odd.txt",
    ]  # fmt: skip


def test_a_catalog_s_strays_are_what_nothing_makes():
    """What is missing is another command's business."""
    there = {"table core.notes": "owner postgres", "role eve": "login"}
    found = in_catalog(there, GOVERNANCE)

    assert [(each.what, each.detail) for each in found] == [
        ("role eve", "login"), ("table core.notes", "owner postgres"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("strays", "silent", "code"),
    [
        ((), (), 0),
        ((Stray(store="redis", what="key x:*"),), (), 4),
        ((), ("redis: no answer",), 3),
        ((Stray(store="redis", what="key x:*"),), ("postgres: no answer",), 4),
    ],
)
def test_the_exit_code_tells(strays, silent, code, monkeypatch, capsys):
    """4 when something is not declared, 3 when something could not be asked."""
    monkeypatch.setattr(where_cli, "in_force", lambda _: (None, None))
    monkeypatch.setattr(where_cli, "survey", lambda _: Survey(strays=strays, silent=silent))

    assert where_cli.undeclared(Path(), as_json=False) == code
    assert where_cli.undeclared(Path(), as_json=True) == code
    assert ("everything that lives is declared" in capsys.readouterr().out) is (code == 0)


def test_without_a_house_the_declarations_answer(monkeypatch, capsys):
    """And say that no store was asked."""

    def none(_):
        raise Refused("no lab")

    monkeypatch.setattr(where_cli, "in_force", none)
    where_cli.where(Path(), "drawing_history", 1, as_json=True)
    said = WhereReply.model_validate_json(capsys.readouterr().out)
    assert (said.found[0].place, said.found[0].live) == ("drawing_history", Live.NOT_ASKED)
    where_cli.where(Path(), "drawing_history", 1, as_json=False)
    assert "now    not asked" in capsys.readouterr().out
    where_cli.where(Path(), "", 1, as_json=False)
    assert "core.probe" in capsys.readouterr().out


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.pattern)
def test_a_key_is_read_by_its_kind(key):
    """And its age is told only where what is left of its life tells it."""
    command = find(key.pattern)[0].found.read
    reads = {"string": "MGET", "list": "LRANGE", "stream": "XREVRANGE", "set": "SMEMBERS"}

    assert f"redis-cli {reads[key.kind]}" in command
    live, age = places._of_redis([str(key.lifetime_seconds - 5), "-1", "done"], key)
    assert (live, age) == (Live.THERE, 5 if key.begins_whole else None)
    assert places._of_redis(["done"], key) == (Live.EMPTY, None)
    assert places._of_redis([], key) == (Live.SILENT, None)
