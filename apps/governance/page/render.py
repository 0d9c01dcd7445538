"""Rows into HTML. All text is escaped; what the browser may load and run is said in the headers."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from apps.bridge.web import Answer

TEMPLATES: Final = Path(__file__).with_name("templates")
CUT = 160
PAIRS = 8
WHOLE = 4_000
DIGEST: Final = re.compile("[0-9a-f]{32,}")
HIT: Final = re.compile("\x02([^\x02\x03]*)\x03")
HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Renderer:
    """The templates, all of them read at start: a fault in one is found then."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._of = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._of.globals.update(files=files, link=link)
        self._of.filters.update(
            number=number,
            age=age,
            instant=instant,
            marked=marked,
            pairs=pairs,
            whole=whole,
            cut=cut,
        )
        for name in self._of.list_templates():
            self._of.get_template(name)

    def answer(self, name: str, shown: Mapping[str, Any], status: int = 200) -> Answer:
        """A page."""
        html = self._of.get_template(name).render(now=datetime.now(UTC), **shown)
        return Answer(html.encode(), status, "text/html; charset=utf-8", dict(HEADERS))


def link(path: str, **query: object) -> str:
    """A path with its query; what is empty is left out.

    >>> link("/page/agent", id="a&b", span="")
    '/page/agent?id=a%26b'
    """
    told = {name: str(value) for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(told)}" if told else path


def number(value: float | None, digits: int = 2) -> str:
    """A number as people read it, a dash where there is none.

    >>> number(0.031), number(-0.001)
    ('0.03', '0.00')
    """
    if value is None:
        return "\N{EN DASH}"
    text = f"{value:.{digits}f}"
    text = text.removeprefix("-") if float(text) == 0 else text
    return text.replace("-", "\N{MINUS SIGN}")


def age(at: datetime, now: datetime) -> str:
    """How long ago, in one unit; the script counts on from there.

    >>> age(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC))
    '1 min ago'
    """
    seconds = max(0, int((now - at).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def instant(at: datetime) -> str:
    """To the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def marked(text: str) -> Markup:
    r"""What a search hit, marked; the text itself is escaped like any other.

    >>> marked("a <b> \x02c\x03")
    Markup('a &lt;b&gt; <mark>c</mark>')
    """
    plain, *hits = HIT.split(text)
    said = [escape(_bare(plain))]
    for hit, after in zip(hits[::2], hits[1::2], strict=True):
        said += [Markup("<mark>{}</mark>").format(hit), escape(_bare(after))]
    return Markup("").join(said)


def _bare(text: str) -> str:
    return text.replace("\x02", "").replace("\x03", "")


def cut(text: object, limit: int = CUT) -> str:
    """A text, or its beginning.

    >>> cut("abcdef", 4)
    'abc…'
    """
    said = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
    return said if len(said) <= limit else f"{said[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"


def pairs(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The first names and values of an object, each short enough for a line.

    >>> pairs({"risk": 0.26301, "sha256": "a" * 64})
    [('risk', '0.263'), ('sha256', 'aaaaaaaaaaaa…')]
    """
    return [(cut(name, 40), _brief(value)) for name, value in list(payload.items())[:PAIRS]]


def _brief(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str) and DIGEST.fullmatch(value):
        return f"{value[:12]}\N{HORIZONTAL ELLIPSIS}"
    return cut(value)


def whole(value: object) -> str:
    """JSON as people read it, up to some thousand characters."""
    return cut(json.dumps(value, ensure_ascii=False, indent=2), WHOLE)
