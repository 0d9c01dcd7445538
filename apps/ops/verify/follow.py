"""Follow one check-in of each Pi from its loop to every store, and hold both sides together."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

from apps.bridge.body import read_check_in
from apps.ops.verify import asked, both_lines, mac_lines, pi_lines
from apps.ops.verify.asked import Key
from apps.ops.verify.found import settled
from apps.ops.verify.said import NEEDS, Line, Mark, Name, Verified
from schemas.errors import HouseError
from schemas.hosts import Hosts, PiHost

Note = Callable[[str], None]


def verify(hosts: Hosts, wait: float, given: Key | None, note: Note) -> Verified:
    """Every Pi at once; ``given`` names a check-in that was made before."""
    now = datetime.now(UTC)
    with ThreadPoolExecutor() as pool:
        ways = [pool.submit(_way, hosts, pi, wait, given, note) for pi in hosts.pi]
    found = [way.result() for way in ways]
    return Verified(
        asked_at=now,
        lab=hosts.lab.name if hosts.lab else None,
        marks=[mark for mark, _ in found if mark],
        lines=[line for _, lines in found for line in lines],
    )


def _way(
    hosts: Hosts, pi: PiHost, wait: float, given: Key | None, note: Note
) -> tuple[Mark | None, list[Line]]:
    if given is None and wait:
        note(f"{pi.name}: waiting for {pi.agent}'s next check-in, {wait:.0f} s at most")
    told = asked.watch(pi, wait, given.seq if given else 0)
    said: dict[str, Any] = told.said if isinstance(told.said, dict) else {}
    mark = _mark(pi, said, wait, given)
    key = Key(mark.boot_id, mark.seq) if mark else None
    newest = _newest(said)
    body = mark.sha256 if mark else None
    mac = asked.mac(hosts, pi.agent, key, newest)
    lines = pi_lines.of_pi(told, mark)
    lines |= mac_lines.of_mac(mac, key, body)
    row = mac_lines.row_of(mac, key)
    is_drawn = row is not None and row["drawing"] is not None and "after" in said
    step = asked.step(pi, row["drawing"], row["recorded_at"]) if is_drawn and row else None
    lines["drawing_eisv"] = both_lines.drawing(mac.rows, row, step)
    lines["verdict"] = both_lines.verdict(said or None, mac_lines.row_of(mac, newest))
    on_pi: set[Name] = {*pi_lines.NAMES, "verdict"}
    where = {name: pi.name if name in on_pi else hosts.mac.name for name in NEEDS}
    return mark, settled(lines, pi.agent, where)


def _mark(pi: PiHost, said: dict[str, Any], wait: float, given: Key | None) -> Mark | None:
    """What is followed: what was given, what the loop made while we looked, or the newest."""
    if given or not wait:
        key = given or _newest(said)
        how: Literal["given", "newest"] = "given" if given else "newest"
        return Mark(agent=pi.agent, boot_id=key.boot_id, seq=key.seq, how=how) if key else None
    made, condition = said.get("made"), said.get("condition")
    if made is None or condition is None:
        return None
    boot_id, digest = _told(made["body"]) if made["body"] else (None, None)
    return Mark(agent=pi.agent, boot_id=boot_id or condition["boot_id"], seq=made["seq"],
                how="followed", sha256=digest)  # fmt: skip


def _told(body: str) -> tuple[str | None, str | None]:
    """Of what lay in the outbox: whose boot it says, and its hash as governance makes it."""
    try:
        said, told = read_check_in(body.encode())
    except HouseError:
        return None, None  # of a newer contract; governance's answer says what is wrong
    return said.boot_id, sha256(b"%s|%s" % (said.said(told), str(None).encode())).hexdigest()


def _newest(said: dict[str, Any]) -> Key | None:
    """The newest check-in that the running process made; none while it waits."""
    condition, newest = said.get("condition"), said.get("newest")
    return Key(condition["boot_id"], newest) if condition and newest else None
