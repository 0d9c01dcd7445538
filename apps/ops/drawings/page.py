"""The page: the same pieces as the sheet, in one file that needs nothing but a browser."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from apps.ops.drawings.shapes import Shown
from apps.ops.drawings.sheet import shares
from apps.ops.show import span

TEMPLATE = Path(__file__).with_name("page.html")
MORE = ("pixels", "satisfaction", "energy", "curiosity", "engagement", "fatigue", "piece_uid")


def page(pieces: Sequence[Shown], folder: Path, title: str, about: str) -> str:
    """HTML; the pictures are in it."""
    eras = sorted({str(piece.record.era) for piece in pieces})
    hide = 'body:has([value="{0}"]:checked) article:not(.{0}) {{ display: none }}'
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(title),
        about=escape(about),
        rules="\n".join(hide.format(era) for era in eras),
        eras="".join(_choice(era) for era in ("", *eras)),
        cards="\n".join(_card(piece, folder) for piece in pieces),
    )


def _choice(era: str) -> str:
    checked = "" if era else " checked"
    return f'<label><input type="radio" name="era" value="{era}"{checked}>{era or "all"}</label>'


def _card(piece: Shown, folder: Path) -> str:
    record = piece.record
    bars = "".join(
        f"<div><dt>{name}</dt><dd>{getattr(record, name):.2f}"
        f'<meter value="{share:.3f}">{share:.2f}</meter></dd></div>'
        for name, share in shares(piece).items()
    )
    more = "<br>".join(f"{name.replace('_', ' ')} {_shown(getattr(record, name))}" for name in MORE)
    return (
        f'<article class="{record.era}">{_picture(piece, folder)}'
        f'<h2>{record.era}<time datetime="{record.finished_at.isoformat()}">'
        f"{record.finished_at:%d %b %Y %H:%M} UTC</time></h2>"
        f"<p>{record.completion_reason}, {record.marks} marks, {span(record.duration_seconds)}, "
        f"{escape(piece.pi)}</p><dl>{bars}</dl>"
        f"<details><summary>more numbers</summary>{more}</details></article>"
    )


def _picture(piece: Shown, folder: Path) -> str:
    try:
        data = (folder / piece.picture).read_bytes() if piece.picture else b""
    except OSError:
        data = b""
    if not data:
        return '<div class="none"></div>'
    said = f"a {piece.record.era} piece of {piece.record.marks} marks"
    return f'<img alt="{said}" src="data:image/png;base64,{b64encode(data).decode()}">'


def _shown(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else escape(str(value))
