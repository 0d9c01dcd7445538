"""Whatever is done to the files of a trail is found, with its file and line."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from apps.governance.trail.files import listing
from apps.governance.trail.journal import Journal
from apps.governance.trail.keep import pack
from apps.governance.trail.line import Tip, link, seal
from apps.governance.trail.verify import Known, verify
from schemas.governance.audit import Trail
from schemas.governance.files import TrailManifest

FIRST = date(2026, 2, 20)
OLD, CURRENT = "audit_log-2026-02-20.jsonl", "audit_log.jsonl"


def body(number: int) -> bytes:
    """What happened."""
    return json.dumps({"event_id": f"e-{number}", "payload": {}}).encode()


@pytest.fixture
def trail(tmp_path):
    """Three days of five lines, the first one packed; and what Postgres knows of them."""
    now, path, anchors = datetime(2026, 2, 20, 12, tzinfo=UTC), tmp_path / CURRENT, {}
    for day in range(3):
        journal = Journal(path, lambda at=now + timedelta(days=day): at)
        journal.open()
        journal._day = FIRST + timedelta(days=max(0, day - 1))
        journal.write([body(number) for number in range(day * 5, day * 5 + 5)])
        if day < 2:
            anchors[journal.tip.seq] = (FIRST + timedelta(days=day), journal.tip.hash)
        tip = journal.tip
        journal.close()
    pack(listing(path)[0])
    return path, Known(tip, anchors)


def found(path, known) -> list[tuple]:
    """Where and what."""
    seen = verify(Trail.AUDIT_LOG, path, known)
    assert seen.found == len(seen.findings)
    assert seen.is_whole == (not seen.findings)
    return [(each.file, each.line, each.what) for each in seen.findings]


def change(path, do) -> None:
    """Have other lines in a file."""
    if path.suffix == ".gz":
        path.write_bytes(
            gzip.compress(b"".join(do(gzip.decompress(path.read_bytes()).splitlines(True))))
        )
    else:
        path.write_bytes(b"".join(do(path.read_bytes().splitlines(keepends=True))))


def test_what_was_written_is_whole(trail):
    """Over days, packed or not; a line that is being written is none yet."""
    path, known = trail
    with path.open("ab") as file:
        file.write(b'{"event_id":"to')
    seen = verify(Trail.AUDIT_LOG, path, known)

    assert seen.is_whole
    assert (seen.files, seen.lines, seen.first_seq, seen.last_seq) == (3, 15, 1, 15)
    assert (seen.indexed_seq, seen.anchors) == (15, 2)
    assert [file.path.name for file in listing(path)] == [
        f"{OLD}.gz", "audit_log-2026-02-21.jsonl", CURRENT,
    ]  # fmt: skip


@pytest.mark.parametrize("name", [f"{OLD}.gz", "audit_log-2026-02-21.jsonl", CURRENT])
def test_an_edited_line_is_found(trail, name):
    """Also in a packed file."""
    path, known = trail
    change(path.with_name(name), lambda x: [*x[:2], x[2].replace(b"e-", b"E-"), *x[3:]])

    assert [(file, line) for file, line, _ in found(path, known)] == [(name, 3)]


def test_an_edited_line_with_a_new_hash_is_found(trail):
    """Where the next one does not follow it."""
    path, known = trail

    def edit(lines):
        said = link(lines[2].rstrip())
        return [*lines[:2], seal(body(99), Tip(said.seq - 1, said.prev))[0], *lines[3:]]

    change(path, edit)

    assert found(path, known) == [(CURRENT, 4, "line 14 does not follow line 13 as that is now")]


def test_a_chain_that_was_made_anew_is_found(trail):
    """Every hash fits, but Postgres anchored the end of the day."""
    path, known = trail
    tip, made = Tip(), []
    for number in range(5):
        line, tip = seal(body(number + 100), tip)
        made.append(line)
    change(path.with_name(f"{OLD}.gz"), lambda _: made)

    assert (
        f"{OLD}.gz",
        5,
        "line 5 is another than Postgres knew at the end of 2026-02-20",
    ) in found(path, known)


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (lambda x: [*x[:1], *x[2:]], (CURRENT, 2, "line 12 was before it removed")),
        (lambda x: [*x[:1], *x[4:]], (CURRENT, 2, "lines 12 to 14 were before it removed")),
        (lambda x: [*x[:2], x[1], *x[2:]], (CURRENT, 3, "line 12 comes after line 12")),
        (lambda x: [*x, b"{}\n"], (CURRENT, 6, "is no line of the chain")),
    ],
)
def test_lines_that_are_gone_or_added_are_found(trail, keep, said):
    """At the line after the gap."""
    path, known = trail
    change(path, keep)

    assert said in found(path, known)


def test_a_cut_tail_is_found(trail):
    """What Postgres indexed is not there any more."""
    path, known = trail
    change(path, lambda lines: lines[:2])

    assert found(path, known) == [
        (CURRENT, None,
         "line 15, which Postgres knew when it was indexed, is not there; it ends at 12")
    ]  # fmt: skip


def test_a_missing_day_is_found(trail):
    """In the middle, at the end, at the beginning, and all of them."""
    path, known = trail
    path.with_name("audit_log-2026-02-21.jsonl").unlink()
    assert (CURRENT, 1, "lines 6 to 10 were before it removed") in found(path, known)

    path.with_name(f"{OLD}.gz").unlink()
    assert found(path, known) == []  # a day that is past its time: the next one is anchored
    assert found(path, known._replace(anchors={})) == [
        (CURRENT, 1, "lines 1 to 10 were before it removed, and no day ended with line 10")
    ]

    path.unlink()
    assert len(found(path, known)) == 3


def test_days_with_fewer_rows_than_lines_are_found(tmp_path):
    """The index is what it should be, or it is said where not."""
    path, now = tmp_path / CURRENT, datetime.now(UTC)
    journal = Journal(path)
    journal.write([b'{"event_id":"e","recorded_at":"%s"}' % now.isoformat().encode()] * 3)
    known = Known(journal.tip, {}, {now.date(): 2})

    assert found(path, known) == [("audit.events", None, f"{now.date()}: 3 lines and 2 rows")]
    assert found(path, known._replace(rows={now.date(): 3})) == []


def test_a_packed_day_says_what_it_holds(trail):
    """And is there once."""
    path, known = trail
    made = TrailManifest.model_validate_json(
        path.with_name("audit_log-2026-02-20.json").read_bytes()
    )

    assert (made.first_seq, made.last_seq, made.lines, made.day) == (1, 5, 5, FIRST)
    assert made.hash == known.anchors[5][1]
    assert not path.with_name(OLD).exists()


def test_a_day_whose_packing_was_cut_short_is_read_once(trail):
    """The plain file counts until it is gone; packing it again ends it."""
    path, known = trail
    lines = gzip.decompress(path.with_name(f"{OLD}.gz").read_bytes())
    path.with_name(OLD).write_bytes(lines)
    path.with_name(f"{OLD}.gz").write_bytes(b"half")

    assert found(path, known) == []
    pack(listing(path)[0])
    assert found(path, known) == []
    assert gzip.decompress(path.with_name(f"{OLD}.gz").read_bytes()) == lines


def test_a_packed_day_that_spoilt_is_found(trail):
    """At its beginning or in its midst; the days after it are read all the same."""
    path, known = trail
    spoilt = path.with_name(f"{OLD}.gz")
    whole = spoilt.read_bytes()
    spoilt.write_bytes(whole[:-60])
    assert any(file == spoilt.name and "unpacked" in what for file, _, what in found(path, known))

    spoilt.write_bytes(b"half" + whole)
    seen = verify(Trail.AUDIT_LOG, path, known)
    assert (seen.files, seen.lines) == (2, 10)
    assert seen.findings[0].what == "cannot be unpacked"
