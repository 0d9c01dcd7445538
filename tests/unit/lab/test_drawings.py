"""abode drawings: fetched once, checked, shown; what the Pi let go stays here."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from apps.anima.canvas import Canvas
from apps.anima.finished import Finished
from apps.anima.gallery import Gallery
from apps.anima.store import Store
from apps.migrate import runner
from apps.migrate.lines import line
from apps.ops.drawings import command, fetch
from apps.ops.drawings.shapes import Drawings

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOSTS = """
[mac]
name = "mac"

[[pi]]
name = "pi"
agent = "lumen"
governance_url = "http://mac:8767"
ssh = { hostname = "127.0.0.1", user = "abode", port = 9 }
"""
SSH = """#!/bin/sh
[ -e {home}/off ] && {{ echo 'ssh: no route' >&2; exit 255; }}
for last; do :; done
echo "$last" >>{home}/said
cd {home} && exec sh -c "$last"
"""
ERAS = ("gestural", "pointillist", "field", "geometric", "resonance")


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An anima.db as a deploy leaves it."""
    file = tmp_path_factory.mktemp("empty") / "anima.db"
    runner.apply(line("anima"), str(file))
    return file


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, empty):
    """A Pi's home; seven pieces are finished there."""
    home = tmp_path_factory.mktemp("drawn")
    (home / ".anima").mkdir()
    shutil.copy(empty, home / ".anima")
    finish(home, range(7))
    return home


@pytest.fixture
def pi(tmp_path, monkeypatch, drawn):
    """The same, reached by a stand-in for ssh."""
    home = Path(shutil.copytree(drawn, tmp_path / "pi"))
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(SSH.format(home=home))
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("LAB", raising=False)
    (tmp_path / "hosts.toml").write_text(HOSTS)
    return home


def finish(home, numbers):
    """What the Pi does with finished pieces, by the very code that does it there."""
    store = Store(home / ".anima" / "anima.db", "lumen")
    store.start()
    gallery = Gallery(home / ".anima", store.record_finished)
    for number in numbers:
        canvas, rng = Canvas(), Random(number)
        for _ in range(500):
            canvas.paint(rng.randrange(240), rng.randrange(240), (200, 90, rng.randrange(256)))
        at = NOW + timedelta(hours=number)
        gallery.take(
            Finished(
                f"{rng.getrandbits(64):016x}", at - timedelta(hours=4), at, ERAS[number % 5],
                "composed", 800 + number, canvas.count, 14_400.0, 1 / 3, 0.2, 0.001, -0.1, 0.47,
                0.1, 0.19, 0.3, 0.7, 0.75,
            ),
            canvas,
        )  # fmt: skip
    assert store.close(5)


MAIN = """
import pathlib, sys
from apps.ops import cli
cli.ROOT = pathlib.Path({root!r})
sys.argv = ["abode", "drawings", *{words!r}]
sys.exit(cli.main())
"""


def run(tmp_path, *words, **env):
    """The word as an operator types it, from a checkout of our own."""
    return subprocess.run(
        [sys.executable, "-c", MAIN.format(root=str(tmp_path), words=words)], cwd=ROOT,
        capture_output=True, text=True, check=False, timeout=60,
        env=dict(os.environ) | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"} | env,
    )  # fmt: skip


def told(tmp_path, last=60):
    """What it finds; in this process, for it is quicker."""
    return command.look(*command.in_force(tmp_path), last, lambda _: None)


def test_what_was_drawn_is_fetched_and_shown(tmp_path, pi):
    """Every number exactly, every picture byte for byte, newest first."""
    done = run(tmp_path, "--json")
    first = Drawings.model_validate_json(done.stdout)
    folder = Path(first.folder)
    theirs = {file.name: file.read_bytes() for file in (pi / ".anima" / "drawings").iterdir()}
    ours = {file.name: file.read_bytes() for file in (folder / "pi").glob("*.png")}

    assert (done.returncode, done.stderr) == (0, "pi: 7 of 7 pictures\n")
    assert first.is_whole
    assert ours == theirs
    assert [piece.record.marks for piece in first.pieces] == list(range(806, 799, -1))
    assert {piece.record.E for piece in first.pieces} == {1 / 3}
    assert first.pis[0].fetched == 7
    assert first.pis[0].fetched_bytes == sum(map(len, ours.values()))


def test_nothing_is_fetched_twice_and_what_is_new_is(tmp_path, pi):
    """Only the new, and what is no longer whole here."""
    first = told(tmp_path)
    assert told(tmp_path).pis[0].fetched == 0
    finish(pi, [7])
    damaged = Path(first.folder) / first.pieces[3].picture
    data = bytearray(damaged.read_bytes())
    data[50] ^= 1
    damaged.write_bytes(data)
    short = Path(first.folder) / first.pieces[4].picture
    short.write_bytes(short.read_bytes()[:-1])
    again = told(tmp_path)

    assert again.pis[0].fetched == 3
    assert again.known == 8
    data[50] ^= 1
    assert damaged.read_bytes() == data


def test_what_the_pi_let_go_stays_here(tmp_path, pi, empty):
    """Pictures and rows, also when the Pi was set up anew."""
    told(tmp_path)
    for file in (pi / ".anima" / "drawings").iterdir():
        file.unlink()
    shutil.copy(empty, pi / ".anima")
    after = told(tmp_path)

    assert after.is_whole
    assert (after.known, after.pis[0].records, after.pis[0].pictures) == (7, 0, 0)
    assert all(piece.picture for piece in after.pieces)


def test_a_pi_that_is_off_hides_nothing_that_is_here(tmp_path, pi):
    """Exit 3, its reason, and all that was fetched before."""
    told(tmp_path)
    (pi / "off").touch()
    after = told(tmp_path)
    done = run(tmp_path)

    assert (after.is_whole, done.returncode) == (False, 3)
    assert after.pis[0].reason == "ssh: no route"
    assert len(after.pieces) == 7
    assert "unreachable ssh: no route" in done.stdout


def test_an_interrupted_fetch_goes_on_where_it_was(tmp_path, pi, monkeypatch):
    """Two pictures a go; the second go fails, and what came before stays."""
    monkeypatch.setattr(fetch, "BATCH", 2)
    real, goes = fetch._run, []

    def once(words):
        goes.append(words)
        if len(goes) == 3:
            raise OSError("the line went dead")
        return real(words)

    monkeypatch.setattr(fetch, "_run", once)
    cut = told(tmp_path)
    monkeypatch.setattr(fetch, "_run", real)
    whole = told(tmp_path)

    assert (cut.pis[0].fetched, cut.pis[0].reason) == (2, "the line went dead")
    assert (whole.pis[0].fetched, whole.is_whole) == (5, True)


def test_a_picture_that_does_not_come_whole_is_not_kept(tmp_path, pi, monkeypatch):
    """Its sum is not the Pi's: told, and fetched again the next time."""
    real = fetch._run

    def flipped(words):
        said = bytearray(real(words))
        if b"\n\n" in said:
            said[said.index(b"IDAT") + 10] ^= 1
        return bytes(said)

    monkeypatch.setattr(fetch, "_run", flipped)
    broken = told(tmp_path)
    monkeypatch.setattr(fetch, "_run", real)
    after = told(tmp_path)

    assert (broken.pis[0].fetched, broken.pis[0].broken) == (6, 1)
    assert not broken.is_whole
    assert (after.pis[0].fetched, after.is_whole) == (1, True)


def test_a_name_that_is_none_of_ours_is_left_where_it_is(tmp_path, pi):
    """Neither listed nor fetched: no name of theirs can be an option or a path."""
    for name in ("--checkpoint=1.png", "x.png", "20261120T120000Z-field-00000000.png;id.png"):
        (pi / ".anima" / "drawings" / name).write_text("x")
    after = told(tmp_path)

    assert after.pis[0].pictures == 7
    assert len(list((Path(after.folder) / "pi").glob("*.png"))) == 7


def test_the_sheet_and_the_page_show_every_piece(tmp_path, pi):
    """One card each, in its place on the sheet; the page asks for nothing from elsewhere."""
    first = told(tmp_path, 6)
    folder = Path(first.folder)
    with Image.open(folder / first.sheet) as sheet:
        colours = sheet.crop((36 + 12, 92 + 12, 36 + 252, 92 + 252)).getcolors(65536)
    html = (folder / first.page).read_text()
    seen = Seen()
    seen.feed(html)

    assert sum(count for count, (red, _, _) in colours if red == 200) == 500 - overlaps(6)
    assert (seen.counts["article"], seen.counts["img"]) == (6, 6)
    assert all(source.startswith("data:image/png;base64,") for source in seen.sources)
    assert "http" not in html
    assert all(f"{piece.record.marks} marks" in html for piece in first.pieces)
    assert "the newest 6 of 7 pieces" in html


def overlaps(number):
    """Pixels that a seeded piece painted twice."""
    canvas, rng = Canvas(), Random(number)
    for _ in range(500):
        canvas.paint(rng.randrange(240), rng.randrange(240), (200, 90, rng.randrange(256)))
    return 500 - canvas.count


class Seen(HTMLParser):
    """Counts what a page holds."""

    def __init__(self):
        super().__init__()
        self.counts, self.sources = {}, []

    def handle_starttag(self, tag, attrs):
        """One more of it."""
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.sources += [value for name, value in attrs if name in {"src", "href"}]


def test_without_any_piece_there_is_no_sheet(tmp_path, pi, empty):
    """A new house: told so, and nothing is made."""
    shutil.copy(empty, pi / ".anima")
    for file in (pi / ".anima" / "drawings").iterdir():
        file.unlink()
    first = told(tmp_path)

    assert (first.is_whole, first.sheet, first.page, first.known) == (True, None, None, 0)


def test_the_table_has_no_colour_when_none_is_wanted(tmp_path, pi):
    """NO_COLOR, even at a terminal; the newest is the first row, whole in 80 columns."""
    done = run(tmp_path, NO_COLOR="1", FORCE_COLOR="1", COLUMNS="80")
    rows = [text for text in done.stdout.splitlines() if "composed" in text]

    assert done.returncode == 0
    assert "\x1b[3" not in done.stdout
    assert [row.split()[2] for row in rows] == [f"{hour}:00" for hour in range(18, 11, -1)]
    assert max(len(row.rstrip()) for row in rows) <= 80
    assert done.stdout.splitlines()[-1].endswith("/drawings/index.html")


def test_a_damaged_file_of_records_here_is_set_aside(tmp_path, pi):
    """The Pi still has them."""
    first = told(tmp_path)
    (Path(first.folder) / "pi" / "records.json").write_text("[{")
    after = told(tmp_path)

    assert after.known == 7
    assert (Path(first.folder) / "pi" / "records.json.damaged-1").read_text() == "[{"
    assert json.loads((Path(first.folder) / "pi" / "records.json").read_text())
