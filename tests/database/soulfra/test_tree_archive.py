"""The archive: months that are over, once, proven; and who is forgotten is in none of it."""

import gzip
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from apps.soulfra.privacy.forgetting import Entities
from apps.soulfra.tree.archive import archive, months, verify
from apps.soulfra.tree.forget import Documents, forget
from apps.soulfra.tree.keep import Keeper
from apps.soulfra.tree.sealed import path_of, read
from schemas.errors import Diverged
from schemas.soulfra import documents as d
from tests.database.soulfra.test_tree import everything, faults

NEXT = datetime.now(UTC).replace(day=1) + timedelta(days=45)
"""When this month has been over for long enough."""


@pytest.fixture
def conn(soulfra_database):
    """As the process connects."""
    with psycopg.connect(
        soulfra_database.app, autocommit=True, options="-c timezone=UTC -c search_path=pg_catalog"
    ) as made:
        yield made


@pytest.fixture
def root(tmp_path):
    """A volume of its own."""
    return tmp_path / "volume"


def lines(root, kind):
    """All that is archived of a kind."""
    found = []
    for place in sorted(root.glob(f"archive/{kind}/*.json")):
        manifest = read(place, d.Archived)
        with gzip.open(place.parent / manifest.file, "rt") as text:
            found += map(json.loads, text)
    return found


def test_a_month_is_archived_once_when_it_is_over(lived, conn, root, ask):
    """Every whisper, every dissolved cluster and its story; the same again writes nothing."""
    assert archive(conn, root) == []  # this month goes on
    made = archive(conn, root, NEXT)
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*.*")}

    assert {each.kind for each in made} == {"chatlogs", "mythology", "dissolved_clusters"}
    assert archive(conn, root, NEXT) == []
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*.*")} == before
    assert [(e["loop_id"], e["whisper"]) for e in lines(root, "chatlogs")] == ask(
        "SELECT loop_id, whisper_origin FROM soulfra.loops WHERE whisper_origin IS NOT NULL"
        " ORDER BY created_at, loop_id"
    )
    gone = ask("SELECT cluster_id FROM soulfra.clusters WHERE status = 'dissolved'"
               " ORDER BY dissolved_at, cluster_id")  # fmt: skip
    for kind in ("dissolved_clusters", "mythology"):
        assert [(e["cluster_id"],) for e in lines(root, kind)] == gone
    assert gone
    chat = next(each for each in made if each.kind == "chatlogs")
    said = lines(root, "chatlogs")
    assert chat.rows == len(said)
    assert (chat.first_at, chat.last_at) == tuple(
        datetime.fromisoformat(said[n]["at"]) for n in (0, -1)
    )
    assert (chat.transaction_id, chat.position) == ask(
        "SELECT transaction_id, position FROM log.events"
        " ORDER BY transaction_id DESC, position DESC LIMIT 1"
    )[0]
    assert list(verify(root)) == []


def test_a_month_is_over_a_day_after_its_end():
    """In UTC, over the end of a year."""
    first = datetime(2026, 11, 17, tzinfo=UTC)

    def found(upto):
        return [f"{month:%Y-%m}" for month in months(first, datetime.fromisoformat(upto))]

    assert found("2026-11-30T23:59:59Z") == []
    assert found("2026-12-01T00:00:00Z") == ["2026-11"]
    assert found("2027-02-02T00:00:00Z") == ["2026-11", "2026-12", "2027-01"]
    assert list(months(None, NEXT)) == []


SPOILS = {
    "a byte of the lines": lambda gz, _: gz.write_bytes(
        gz.read_bytes()[:40] + bytes([gz.read_bytes()[40] ^ 1]) + gz.read_bytes()[41:]
    ),
    "half of the lines": lambda gz, _: gz.write_bytes(gz.read_bytes()[: gz.stat().st_size // 2]),
    "no lines": lambda gz, _: gz.unlink(),
    "other lines": lambda gz, _: gz.write_bytes(
        gzip.compress(b"".join(gzip.decompress(gz.read_bytes()).splitlines(keepends=True)[1:]))
    ),
    "an altered manifest": lambda _, place: place.write_bytes(
        place.read_bytes().replace(b'"forgotten":0', b'"forgotten":1')
    ),
    "no manifest": lambda _, place: place.unlink(),
}


def test_whatever_is_spoilt_is_named(lived, conn, root):
    """Nothing is written over what may be all that there is; what no manifest tells of is half."""
    [chat, *_] = archive(conn, root, NEXT)
    place = path_of(root, d.Archived, "chatlogs", chat.month)
    gz = place.parent / chat.file
    was = gz.read_bytes(), place.read_bytes()
    for how, spoil in SPOILS.items():
        spoil(gz, place)
        found = [each.place for each in verify(root)]
        expected = gz if how == "no manifest" else place
        assert str(expected.relative_to(root)) in found, how
        if how == "an altered manifest":
            with pytest.raises(Diverged, match="its hash is of something else"):
                archive(conn, root, NEXT)
            with pytest.raises(Diverged, match="nobody knows whom it names"):
                forget(root, {"p1-agent-0"})
        gz.write_bytes(was[0])
        place.write_bytes(was[1])
    place.unlink()
    assert [each.kind for each in archive(conn, root, NEXT)] == ["chatlogs"]
    assert list(verify(root)) == []
    assert gz.read_bytes() == was[0]


PUT_AWAY = """
import os, sys, pathlib, psycopg
from datetime import datetime
from apps.soulfra.tree import archive as of
root, at = pathlib.Path(sys.argv[2]), int(sys.argv[3])
lines = 0
real = of.Tally.add
def add(self, line):
    global lines
    lines += 1
    if lines == at:
        os.kill(os.getpid(), 9)
    real(self, line)
of.Tally.add = add
with psycopg.connect(sys.argv[1], autocommit=True, options="-c timezone=UTC") as conn:
    of.archive(conn, root, datetime.fromisoformat(sys.argv[4]))
"""


@pytest.mark.parametrize("at", [2, 60, 120])
def test_killed_in_the_middle_it_goes_on(lived, conn, root, at):
    """While it writes, while it reads back: half a month is none, and is written again."""
    done = subprocess.run(
        [sys.executable, "-c", PUT_AWAY, lived.app, str(root), str(at), NEXT.isoformat()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    archive(conn, root, NEXT)

    assert list(verify(root)) == []
    assert len(list(root.glob("archive/*/*.jsonl.gz"))) == 3
    assert not list(root.rglob(".*.new"))


def test_who_is_forgotten_is_named_nowhere(lived, conn, root, ask):
    """No byte of an id in any document or archive; the report says where and how much."""
    Keeper(root).round(conn)
    archive(conn, root, NEXT)
    [(user, agents, loops)] = ask(
        "SELECT u.id::text, array_agg(DISTINCT a.agent_id), array_agg(DISTINCT l.loop_id)"
        "  FROM soulfra.users AS u JOIN soulfra.agents AS a ON a.owner_id = u.id"
        "  JOIN soulfra.loops AS l ON l.creator_id = u.id OR l.agent_id = a.agent_id"
        " WHERE u.id = (SELECT owner_id FROM soulfra.agents WHERE agent_id = 'p1-agent-0')"
        " GROUP BY u.id"
    )
    ids = {user, *agents, *loops}
    before = lines(root, "chatlogs")
    theirs = [e for e in before if ids & {e["loop_id"], e["creator_id"], e["agent_id"]}]
    report = dict(forget(root, ids))
    left = lines(root, "chatlogs")

    assert theirs
    assert len(left) == len(before) - len(theirs)
    [place] = [name for name in report if name.startswith("archive/chatlogs/")]
    assert report[place] == len(theirs)
    assert report[f"agents/{agents[0]}/state.json"] == 1
    assert {"ledger/transformations.json", "runtime/loop_state.json"} <= report.keys()
    assert list(verify(root)) == []
    for path in root.rglob("*.*"):
        raw = path.read_bytes()
        text = gzip.decompress(raw) if path.suffix == ".gz" else raw
        named = [one for one in ids if f'"{one}"'.encode() in text]
        assert not named, path
    for place in root.glob("archive/chatlogs/*.json"):
        manifest = read(place, d.Archived)
        assert (manifest.forgotten, manifest.file.split(".")[1]) == (len(theirs), "2")
    assert len(list(root.glob("archive/chatlogs/*.jsonl.gz"))) == 1
    assert forget(root, ids) == []
    assert archive(conn, root, NEXT) == []


def test_a_forgetting_of_the_house_reaches_documents(run, lived, conn, root, ask):
    """As the process asks it; again it finds nothing, and the person's agents have none anew."""
    keeper = Keeper(root)
    keeper.round(conn)
    [(user,)] = ask("SELECT owner_id FROM soulfra.agents WHERE agent_id = 'p1-agent-0'")
    agents = tuple(
        n for (n,) in ask("SELECT agent_id FROM soulfra.agents WHERE owner_id = %s", user)
    )
    of = Entities(user, agents, (), ())
    documents = Documents(root)
    first = run(documents(of))

    assert {f"agents/{name}/state.json" for name in agents} <= {each.place for each in first}
    assert {each.how for each in first} == {"rewritten"}
    assert run(documents(of)) == []
    with psycopg.connect(lived.admin) as owner:
        owner.execute(
            "UPDATE soulfra.users SET username = 'forgotten:' || id, email = 'forgotten:' || id"
            " WHERE id = %s", (user,))  # fmt: skip
    keeper.round(conn, everything=True)
    assert not [name for name in agents if (root / f"agents/{name}/state.json").exists()]
    assert faults(conn, root) == {}


def test_whoever_is_not_named_stays_as_they_were(lived, conn, root):
    """To forget nobody, or a stranger, writes nothing; a text that is spelled so is no name."""
    Keeper(root).round(conn)
    archive(conn, root, NEXT)
    before = everything(root), {p: p.stat().st_mtime_ns for p in root.rglob("*.*")}

    assert forget(root, set()) == forget(root, {"it rains", "once", "nobody"}) == []
    assert (everything(root), {p: p.stat().st_mtime_ns for p in root.rglob("*.*")}) == before


def test_documents_come_back_as_postgres_is(lived, conn, root):
    """They are no second truth: who is not forgotten there is in the next ones."""
    keeper = Keeper(root)
    keeper.round(conn)
    assert forget(root, {"p1-agent-0"})
    assert {"altered", "missing"} == set(faults(conn, root).values())
    keeper.round(conn)
    assert faults(conn, root) == {}


def test_a_forgetting_that_was_killed_is_run_again(lived, conn, root, monkeypatch):
    """After the new lines, before the manifest: the old is what is told; then all is as asked."""
    archive(conn, root, NEXT)

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("apps.soulfra.tree.archive.write", dies)
        with pytest.raises(KeyboardInterrupt):
            forget(root, {"p1-agent-0"})
    assert [each.why for each in verify(root)] == ["no manifest tells of it"]
    assert any(e["agent_id"] == "p1-agent-0" for e in lines(root, "chatlogs"))
    assert forget(root, {"p1-agent-0"})
    assert list(verify(root)) == []
    assert not any(e["agent_id"] == "p1-agent-0" for e in lines(root, "chatlogs"))
