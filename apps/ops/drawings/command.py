"""``abode drawings``: what was drawn, fetched from every Pi in force, to look at."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from apps import documents
from apps.hosts import in_force
from apps.ops.drawings import fetch as fetching
from apps.ops.drawings.page import page
from apps.ops.drawings.shapes import Drawings, Fetched, Shown
from apps.ops.drawings.sheet import sheet
from apps.ops.show import span
from schemas.hosts import Hosts

FOLDER = "drawings"
SHEET, PAGE = "sheet.png", "index.html"


def drawings(root: Path, last: int, *, as_json: bool) -> int:
    """Fetch, make sheet and page, tell; gives the exit code."""
    hosts, state = in_force(root)
    aside = Console(stderr=True, highlight=False)
    told = look(hosts, state, last, partial(aside.print, style="dim", markup=False))
    if as_json:
        sys.stdout.write(told.model_dump_json(indent=1) + "\n")
    else:
        _show(told, Console(highlight=False))
    return 0 if told.is_whole else 3


def look(hosts: Hosts, state: Path, last: int, say: Callable[[str], None]) -> Drawings:
    """Bring everything here up to date, and make the sheet and the page of the newest."""
    folder = state / FOLDER
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(fetching.fetch, pi, folder / pi.name, state, say) for pi in hosts.pi]
    fetched = tuple(each.result() for each in asked)
    every = _every(folder, hosts)
    pieces = every[:last]
    lab = hosts.lab.name if hosts.lab else None
    made = bool(pieces)
    if made:
        title, about = f"Drawn by {_names(hosts)}", _about(pieces, len(every))
        _save_sheet(folder, pieces, title, about)
        html = page(pieces, folder, title, about).encode()
        documents.replace_bytes(folder / PAGE, html, draft=f"{PAGE}.new")
    return Drawings(
        asked_at=datetime.now(UTC),
        lab=lab,
        folder=str(folder),
        sheet=SHEET if made else None,
        page=PAGE if made else None,
        pis=fetched,
        known=len(every),
        pieces=tuple(pieces),
    )


def _every(folder: Path, hosts: Hosts) -> list[Shown]:
    """Every piece that is known here, newest first."""
    found = []
    for pi in hosts.pi:
        for record in fetching.remembered(folder / pi.name).values():
            there = record.file is not None and (folder / pi.name / record.file).is_file()
            picture = f"{pi.name}/{record.file}" if there else None
            found.append(Shown(pi=pi.name, record=record, picture=picture))
    return sorted(found, key=lambda each: each.record.finished_at, reverse=True)


def _save_sheet(folder: Path, pieces: list[Shown], title: str, about: str) -> None:
    draft = folder / f"{SHEET}.new"
    sheet(pieces, folder, title, about).save(draft, format="PNG", optimize=True)
    draft.replace(folder / SHEET)


def _names(hosts: Hosts) -> str:
    return " and ".join(pi.agent.capitalize() for pi in hosts.pi)


def _about(pieces: list[Shown], known: int) -> str:
    first, last = pieces[-1].record.finished_at, pieces[0].record.finished_at
    of = f"the newest {len(pieces)} of {known} pieces" if len(pieces) < known else _count(known)
    days = (
        f"{first:%d %b %Y}" if first.date() == last.date() else f"{first:%d %b} to {last:%d %b %Y}"
    )
    return f"{of}, {days}"


def _count(number: int) -> str:
    return f"{number} piece{'s' * (number != 1)}"


def _show(told: Drawings, console: Console) -> None:
    many = len(told.pis) > 1
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    for name in (*["pi"] * many, "finished", "era", "reason"):
        table.add_column(name, no_wrap=True)
    for name in ("marks", "took", "E", "I", "S", "V", "C"):
        table.add_column(name, justify="right", no_wrap=True)
    for piece in told.pieces:
        one = piece.record
        table.add_row(
            *[piece.pi] * many,
            f"{one.finished_at:%d %b %H:%M}",
            one.era,
            one.completion_reason,
            str(one.marks),
            _took(one.duration_seconds),
            *(f"{x:.2f}".replace("0.", ".") for x in (one.E, one.I, one.S, one.V, one.C)),
        )
    if told.pieces:
        console.print(table)
    for pi in told.pis:
        console.print(_said(pi), soft_wrap=True)
    for name in filter(None, (told.sheet, told.page)):
        console.print(f"{told.folder}/{name}", soft_wrap=True, markup=False)


def _took(seconds: float) -> str:
    """Short, so that a row fits into 80 columns."""
    return span(seconds) if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _said(pi: Fetched) -> str:
    if not pi.answers:
        return f"{pi.pi}: [red]unreachable[/] {escape(pi.reason or '')}"
    broken = f", [red]{pi.broken} did not come whole[/]" if pi.broken else ""
    new = f"{pi.fetched} new, {pi.fetched_bytes / 1000:.0f} kB" if pi.fetched else "nothing new"
    return f"{pi.pi}: {_count(pi.records)} finished, {pi.pictures} pictures; {new}{broken}"
