"""The words ``abode soulfra live`` and ``abode soulfra tail``."""

import sys
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas.soulfra.live import Message, StreamName

ROOT = Path(__file__).resolve().parents[2]
From = Annotated[
    str | None, typer.Option("--from", help="An event's id: all that came after it, then the rest.")
]
Lines = Annotated[bool, typer.Option("--json", help="A line of JSON for each.")]


def _streams(incomplete: str) -> list[str]:
    from schemas.soulfra.live import StreamName  # noqa: PLC0415  # keeps completion quick

    return [name for name in StreamName if name.startswith(incomplete)]


def live(
    stream: Annotated[
        list[str] | None, typer.Argument(help="All without one.", autocompletion=_streams)
    ] = None,
    since: From = None,
    as_json: Lines = False,
) -> None:
    """Show what happens as it happens: loops, blessings, clusters. Ends with Ctrl-C."""
    from apps.ops.soulfra_live import listened  # noqa: PLC0415
    from schemas.soulfra.live import StreamName  # noqa: PLC0415

    names = [_stream(each) for each in stream or list(StreamName)]
    try:
        listened(ROOT, since, names, _shown(as_json=as_json))
    except KeyboardInterrupt:
        raise typer.Exit from None


def tail(
    stream: Annotated[str, typer.Argument(help="As loop:created.", autocompletion=_streams)],
    group: Annotated[str, typer.Option("--group", help="Whose work it is, shared by its members.")],
    since: From = None,
    as_json: Lines = False,
) -> None:
    """Handle a stream as one of a group: what is shown here no other member gets."""
    from apps.ops.soulfra_live import tailed  # noqa: PLC0415

    try:
        tailed(ROOT, _stream(stream), group, since, _shown(as_json=as_json))
    except KeyboardInterrupt:
        raise typer.Exit from None


def _stream(said: str) -> "StreamName":
    from schemas.errors import Refused  # noqa: PLC0415
    from schemas.soulfra.live import StreamName  # noqa: PLC0415

    try:
        return StreamName(said)
    except ValueError:
        raise Refused(f"no stream {said!r}", f"streams are {', '.join(StreamName)}") from None


def _shown(*, as_json: bool) -> "Callable[[Message], None]":
    def show(message: "Message") -> None:
        if as_json:
            line = message.model_dump_json()
        else:
            said = message.data.model_dump(mode="json")
            facts = ", ".join(f"{key} {value}" for key, value in said.items())
            at = message.recorded_at.astimezone(UTC)
            line = f"{at:%Y-%m-%d %H:%M:%S}  {message.stream:16}  {message.id:>12}  {facts}"
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    return show
