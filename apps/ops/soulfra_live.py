"""What happens in soulfra, on the operator's machine: from the log, or as one of a group."""

import asyncio
import shlex
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import psycopg

from apps.hosts import in_force
from apps.ops.migrate import reached
from apps.ops.ways import ways
from apps.soulfra.feed import page, settled_until
from apps.soulfra.log import Place
from schemas.errors import HouseError, Refused, Unreachable
from schemas.soulfra.live import Message, StreamName
from schemas.soulfra.server import READER

AT_ONCE: Final = 500
POLL_SECONDS: Final = 0.2
Show = Callable[[Message], None]


def listened(root: Path, after: str | None, streams: Collection[StreamName], show: Show) -> None:
    """Show what comes, or what came after an event and then what comes; it does not end."""
    since = None if after is None else Place.read(after)

    async def run(url: str) -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
            await conn.execute("SET TIME ZONE 'UTC'")
            place = await settled_until(conn) if since is None else since
            while True:
                found = await page(conn, place, AT_ONCE, streams)
                for told in found.told:
                    show(Message.model_validate_json(told.message))
                place = found.place
                if found.looked_at < AT_ONCE:
                    await asyncio.sleep(POLL_SECONDS)

    with reached(*in_force(root), "soulfra", READER) as url:
        try:
            asyncio.run(run(url))
        except psycopg.OperationalError as error:
            said = str(error).strip().partition("\n")[0]
            raise Unreachable(f"soulfra: {said}", "abode status") from None


def tailed(root: Path, stream: StreamName, group: str, after: str | None, show: Show) -> None:
    """Show what a group has not handled, and what comes: as one of it, beside the process."""
    hosts, _ = in_force(root)
    reach = ways(hosts)
    words = [*reach.soulfra, "python", "-m", "apps.soulfra.tail", stream, "--group", group]
    words += ["--from", str(Place.read(after))] if after else []
    command = [*reach.over, shlex.join(words)] if reach.over else words
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as far:
        if far.stdin is None or far.stdout is None or far.stderr is None:
            raise Unreachable("soulfra: no pipe")
        try:
            for line in far.stdout:
                show(Message.model_validate_json(line))
            said = far.stderr.read().strip()
        finally:
            far.stdin.close()  # it ends by itself: docker would leave it there
    if far.returncode:
        raise _error(far.returncode, said)


def _error(code: int, said: str) -> HouseError:
    *_, last = [line for line in said.splitlines() if line[:1] != " "] or [f"exit {code}"]
    if code == Refused.exit_code:
        return Refused(last)
    return Unreachable(f"soulfra: {last}", "abode status")
