"""Runs a page: its console and python blocks in their order, in a directory of its own.

``python -m tests.unit.eisv.page docs/eisv.md`` writes what they print into the page, and
the figures ``eisv-*`` that they draw beside it.
"""

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

BLOCK = re.compile(
    r"^```(console|python)\n(.*?)^```\n(?:\n```text\n.*?^```\n)?", re.MULTILINE | re.DOTALL
)


class Ran(NamedTuple):
    """One block: what the page says, and what it says when it is run."""

    said: str
    ran: str


def run(text, abode):
    """Every block; ``abode`` is the command: it takes words and gives code, stdout and stderr."""
    names = {}
    for block in BLOCK.finditer(text):
        kind, body = block.groups()
        yield Ran(block[0], console(body, abode) if kind == "console" else python(body, names))


def console(body, abode):
    """The lines that begin with a dollar, each followed by what it prints."""
    lines = []
    for line in body.splitlines():
        if line.startswith("$ abode "):
            code, out, err = abode(*shlex.split(line.removeprefix("$ abode ")))
            assert not code, f"{line}: exit {code}: {err}"
            lines += [line, *(each.rstrip() for each in (out + err).splitlines() if each.strip())]
    return "```console\n{}\n```\n".format("\n".join(lines))


def python(body, names):
    """What the snippet prints, in a block below it; none when it prints nothing."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(body, "the page", "exec"), names)  # noqa: S102
    said = printed.getvalue()
    shown = f"\n```text\n{said}```\n" if said else ""
    return f"```python\n{body}```\n{shown}"


def anew(text, abode):
    """The page with what its blocks print now."""
    for block in run(text, abode):
        text = text.replace(block.said, block.ran)
    return text


def data(specimen, folder):
    """The files that the page works on, in a directory."""
    specimen.nights(folder / "anima.db")
    for table in ("drawing_history", "state_history"):
        specimen.archived(folder / "anima.db", folder / "archive", before="2026-11-03", table=table)


if __name__ == "__main__":
    import os
    import tempfile

    sys.path.insert(0, str(Path(__file__).parent))
    import specimen

    from apps.ops import cli

    def abode(*asked):
        """The command, in this process."""
        sys.argv = ["abode", *asked]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = cli.main()
            except SystemExit as done:
                code = done.code
        return code, out.getvalue(), err.getvalue()

    page = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        data(specimen, Path(folder))
        page.write_text(anew(page.read_text(), abode))
        for figure in Path(folder).glob("eisv-*"):
            (page.parent / figure.name).write_bytes(figure.read_bytes())
