"""``abode legacy retire``: the dead move with a manifest, whole or not at all, and come back."""

import ctypes
import json
import mmap
import os
import shutil
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.legacy import kill_list, openers, retire
from apps.legacy.cutover import Cutover, cutover
from apps.legacy.manifest import Manifest
from apps.legacy.restore import undo
from apps.ops import cli
from schemas.errors import Diverged, Refused
from tests.legacy.directory import aged, make

AT = datetime(2026, 2, 20, tzinfo=UTC)
CUTOVER = Cutover(AT, is_proven=False)
DEAD = {
    "activity", "agents", "governance_new.db-shm", "governance_new.db-wal", "knowledge.db",
    "knowledge.db-shm", "knowledge.db-shm.__migrated__", "knowledge.db-wal",
    "knowledge.db-wal.__migrated__", "knowledge_graph.db",
}  # fmt: skip
"""The kill list of the first seed, but for the two files whose rows must have come over first."""


@pytest.fixture
def data(tmp_path):
    """An old directory before the cutover, with a dead directory that has depth."""
    data = make(tmp_path / "data", "A", 20)
    (data / "agents/deep/empty").mkdir(parents=True)
    (data / "agents/deep/b.json").write_text('{"b": 0.0}')
    return aged(data)


def moved(done):
    """The paths that were moved."""
    return {item.path for item in done.items}


def refused(done):
    """Why each of the others was not."""
    return {left.path.rstrip("/"): left.why for left in done.refused}


def test_the_dead_move_and_the_living_stay(data, state):
    """Same bytes, same times, under their own paths in a dated archive beside the directory."""
    before = state(data)
    done = retire.retire(data, CUTOVER)
    after, archive = state(data), Path(done.manifest).parent

    assert moved(done) == DEAD
    assert done.refused == []
    assert archive.parent == data.with_name("data-archive")
    assert archive.name == datetime.now(UTC).date().isoformat()
    assert before == after | state(archive / "files")
    assert {"governance.db", "audit_log.jsonl", "tool_usage.jsonl"} <= after.keys()
    assert (archive / "files/agents/deep/empty").is_dir()


def test_the_manifest_says_what_moved_and_why(data, state):
    """Path, bytes, sha256, mtime of every file below a thing, and the reason."""
    before = state(data)
    done = retire.retire(data, CUTOVER)
    told = Manifest.model_validate_json(Path(done.manifest).read_bytes())
    files = {file.path: file for item in told.items for file in item.files}

    assert (told.state, told.directory, told.cutover_at) == ("retired", str(data), AT)
    assert {name: (f.sha256, f.mtime_ns) for name, f in files.items()} == {
        name: before[name] for name in before if name.split("/")[0] in DEAD
    }
    assert files["governance_new.db-shm"].size_bytes == 32_768
    assert all(item.why for item in told.items)
    assert next(i for i in told.items if i.path == "agents").folders == [
        "agents/deep", "agents/deep/empty",
    ]  # fmt: skip


def test_a_second_run_finds_nothing(data):
    """And makes no second manifest."""
    first = retire.retire(data, CUTOVER)
    second = retire.retire(data, CUTOVER)

    assert (second.items, second.refused, second.manifest) == ([], [], None)
    assert list(data.with_name("data-archive").glob("*/manifest.json")) == [Path(first.manifest)]


def test_a_dry_run_writes_nothing(data, state):
    """It says what the run then does."""
    before = state(data.parent)
    dry = retire.retire(data, CUTOVER, dry_run=True)

    assert state(data.parent) == before
    assert not data.with_name("data-archive").exists()
    assert moved(dry) == moved(retire.retire(data, CUTOVER))


def test_what_was_written_since_the_cutover_stays(data):
    """Also when it is one file deep in a dead directory."""
    late = int((AT + timedelta(seconds=1)).timestamp() * 1e9)
    for name in ("knowledge.db", "agents/deep/b.json"):
        os.utime(data / name, ns=(late, late))
    done = retire.retire(data, CUTOVER)

    assert refused(done) == {
        "knowledge.db": "knowledge.db was written after the cutover",
        "agents": "agents/deep/b.json was written after the cutover",
    }
    assert moved(done) == DEAD - {"knowledge.db", "agents"}


@contextmanager
def mapped(path):
    """A file in memory whose handle is closed; mmap of the library keeps it open."""
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    with path.open("rb") as file:
        at = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
    try:
        yield
    finally:
        libc.munmap(at, 4096)


def test_what_a_process_has_open_stays(data):
    """By a handle or only mapped; the process is named."""
    with (
        (data / "agents/old_agent.json").open(),
        mapped(data / "governance_new.db-shm"),
    ):
        done = retire.retire(data, CUTOVER)
    who = f"is open: process {os.getpid()} "

    assert refused(done).keys() == {"agents", "governance_new.db-shm"}
    assert all(who in why for why in refused(done).values())


def closed(*_):
    """A process of somebody else's."""
    raise PermissionError


def test_a_process_that_cannot_be_looked_into_is_seen_all_the_same(data, monkeypatch):
    """The kernel leases no file that somebody else has open, in whatever container."""
    monkeypatch.setattr(openers, "_held", closed)
    with (data / "agents/old_agent.json").open():
        done = retire.retire(data, CUTOVER)

    assert refused(done) == {"agents": f"agents/old_agent.json is open: {openers.UNSEEN}"}


def test_without_the_kernels_word_an_unseen_process_is_no_proof(data, monkeypatch):
    """Then nothing is known, and nothing moves."""
    monkeypatch.setattr(openers, "_held", closed)
    monkeypatch.setattr(openers, "_is_alone", lambda _: None)
    with pytest.raises(Refused, match="who has it open is not known"):
        retire.retire(data, CUTOVER)

    assert not list(data.with_name("data-archive").glob("*/manifest.json"))


@pytest.mark.skipif(shutil.which("lsof") is None, reason="no lsof")
def test_where_there_is_no_proc_lsof_is_asked(data, monkeypatch):
    """As on a Mac."""
    monkeypatch.setattr(openers, "PROC", data)
    with (data / "agents/old_agent.json").open():
        done = retire.retire(data, CUTOVER)

    assert refused(done) == {"agents": f"agents/old_agent.json is open: process {os.getpid()}"}
    assert moved(done) == DEAD - {"agents"}


def test_what_inspect_does_not_understand_stays(data):
    """A stranger, rows without their database, a database in a dead directory."""
    (data / "notes.bin").write_bytes(b"\0\1")
    (data / "governance_new.db-wal").write_bytes(bytes(4096))
    (data / "activity/kept.db").write_bytes((data / "governance.db").read_bytes())
    aged(data)
    done = retire.retire(data, CUTOVER)

    assert refused(done).keys() == {"notes.bin", "governance_new.db-wal", "activity"}
    assert all("inspect does not understand it" in why for why in refused(done).values())


def test_what_a_manifest_cannot_say_stays(data):
    """A link is not followed and not lost."""
    (data / "agents/deep/link").symlink_to("/etc/passwd")
    done = retire.retire(data, CUTOVER)

    assert refused(done) == {"agents": "agents/deep/link is neither a file nor a directory"}
    assert (data / "agents/deep/link").is_symlink()


def test_files_whose_rows_came_over_are_dead_after_the_proof_only(data):
    """By word alone they stay; what the seed keeps stays for ever."""
    done = retire.retire(data, Cutover(AT, is_proven=True))

    assert moved(done) == DEAD | {"tool_usage.jsonl", "knowledge_graph.json"}
    assert (data / "governance.db").exists()
    assert (data / "audit_log.jsonl").exists()


def test_who_writes_between_the_look_and_the_rename_keeps_the_file(data, monkeypatch):
    """It is put back with what was written, and refused."""
    rename = retire.rename

    def meanwhile(source, target):
        if source == data / "knowledge.db":
            source.write_text("a row")
        rename(source, target)

    monkeypatch.setattr(retire, "rename", meanwhile)
    done = retire.retire(data, CUTOVER)

    assert (data / "knowledge.db").read_text() == "a row"
    assert refused(done) == {"knowledge.db": "was changed while it was looked at"}
    assert moved(done) == DEAD - {"knowledge.db"}
    assert "knowledge.db" not in {i.path for i in retire.manifests.read(Path(done.manifest)).items}


def test_undo_puts_every_byte_back(data, state):
    """Bytes, times, names and empty directories; a second undo finds nothing to do."""
    before = state(data)
    folders = sorted(str(path) for path in data.rglob("*") if path.is_dir())
    done = retire.retire(data, CUTOVER)
    back = undo(data, Path(done.manifest))

    assert state(data) == before
    assert sorted(str(path) for path in data.rglob("*") if path.is_dir()) == folders
    assert moved(back) == DEAD
    assert undo(data, Path(done.manifest)).items == []


def test_retired_again_after_an_undo_is_a_run_of_its_own(data):
    """Its manifest takes nothing from the first; the first stays undone."""
    first = retire.retire(data, CUTOVER)
    undo(data, Path(first.manifest))
    second = retire.retire(data, CUTOVER)

    assert moved(second) == DEAD
    assert Path(second.manifest).parent.name == Path(first.manifest).parent.name + ".2"
    assert undo(data, Path(first.manifest)).items == []


def test_undo_never_writes_over_anything(data, state):
    """Somebody made a file anew at the place: nothing moves."""
    done = retire.retire(data, CUTOVER)
    (data / "knowledge.db").write_text("new")
    before = state(data.parent)

    with pytest.raises(Refused, match=r"knowledge\.db: is there already"):
        undo(data, Path(done.manifest))
    assert state(data.parent) == before


def test_undo_refuses_an_archive_that_was_changed(data, state):
    """One byte is enough; nothing moves."""
    done = retire.retire(data, CUTOVER)
    (Path(done.manifest).parent / "files/agents/deep/b.json").write_text('{"b": 0.1}')
    before = state(data.parent)

    with pytest.raises(Diverged, match="agents: is not what was retired"):
        undo(data, Path(done.manifest))
    assert state(data.parent) == before


def test_two_runs_do_not_meet(data):
    """The second is told of the first."""
    with (
        retire.alone(retire.archive_of(data)),
        pytest.raises(Refused, match="another run is at it"),
    ):
        retire.retire(data, CUTOVER)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("2026-02-20T12:00:00", "does not say where"),
        ("yesterday", "is no instant"),
        ("2999-01-01T00:00:00Z", "is not over yet"),
    ],
)
def test_a_cutover_is_an_instant_that_is_over(said, why):
    """No offset is guessed."""
    with pytest.raises(Refused, match=why):
        cutover(said)


def run(monkeypatch, capsys, *words):
    """The command; its exit code and its JSON."""
    monkeypatch.setattr(sys, "argv", ["abode", "legacy", "retire", *map(str, words), "--json"])
    with pytest.raises(SystemExit) as ended:
        sys.exit(cli.main())
    return ended.value.code, json.loads(capsys.readouterr().out)


def test_the_command_says_it_as_json_and_by_its_exit_code(data, monkeypatch, capsys):
    """0 when nothing is refused, 4 when something is; undo takes the manifest that was said."""
    at = ("--cutover", AT.isoformat())
    code, told = run(monkeypatch, capsys, data, *at)
    assert (code, told["contract"], len(told["items"])) == (0, 1, len(DEAD))

    code, back = run(monkeypatch, capsys, data, "--undo", told["manifest"])
    assert (code, len(back["items"])) == (0, len(DEAD))

    (data / "notes.bin").write_bytes(b"\0\1")
    code, told = run(monkeypatch, capsys, data, *at, "--dry-run")
    assert (code, told["is_dry"], [left["path"] for left in told["refused"]]) == (
        4, True, ["notes.bin"],
    )  # fmt: skip


def test_the_kill_list_is_the_seeds(data):
    """Nothing that is alive is on it, nothing that is dead is missing."""
    listed = kill_list.kill_list(data, CUTOVER)

    assert {item.path for item in listed.items} == DEAD
