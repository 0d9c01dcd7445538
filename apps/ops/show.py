"""A status as tables for a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table

from apps.ops.status import Creature, Outbox, Shard, Status


def tables(status: Status) -> RenderableType:
    """Hosts, services, rows, addresses."""
    hosts = Table("host", "group", "address", "", title=f"lab {status.lab}" if status.lab else None)
    for host in status.hosts:
        said = "[green]answers[/]" if host.answers else f"[red]unreachable[/] {host.reason or ''}"
        hosts.add_row(host.name, host.group, host.address, said)
    services = Table("service", "host", "state", "health", "up", "image")
    for service in status.services:
        colour = "green" if service.is_well else "red"
        services.add_row(
            service.name,
            service.host,
            f"[{colour}]{service.state}[/]",
            service.health or "-",
            span(service.up_seconds),
            service.image or "-",
        )
    rows = Table("last row of", "host", "age")
    for row in status.last_rows:
        shown = span(row.age_seconds) if row.at else "no row yet"
        rows.add_row(row.table, row.host, shown if row.answers else "[red]unreachable[/]")
    for outbox in status.outboxes:
        shown = "[red]unreachable[/]" if outbox.depth is None else _waiting(outbox)
        rows.add_row("outbox", outbox.host, shown)
    shards = [_shards(status.shards)] if status.shards else []
    creatures = [creature(each) for each in status.creatures]
    addresses = Table("what", "where")
    for address in status.addresses:
        addresses.add_row(address.what, address.where)
    return Group(hosts, services, rows, *shards, *creatures, addresses)


def _shards(shards: Sequence[Shard]) -> Table:
    table = Table("shard", "line", "slots", "agents", "events behind")
    for each in shards:
        if not each.answers:
            said = f"[red]unreachable[/] {each.reason or ''}"
            table.add_row(each.name, each.version or "-", "-", "-", said)
            continue
        behind = (f"{name} {count}" for name, count in (each.behind or {}).items())
        counts = (str(each.slots), str(each.agents))
        table.add_row(each.name, each.version or "-", *counts, ", ".join(behind))
    return table


def _waiting(outbox: Outbox) -> str:
    told = [f"{outbox.depth} waiting"]
    for count, what in (
        (outbox.rejected, "rejected"),
        (outbox.missing, "gone for want of room"),
        (outbox.stripped, "without detail"),
    ):
        told += [f"[yellow]{count} {what}[/]"] if count else []
    return ", ".join(told)


def creature(seen: Creature) -> RenderableType:
    """What it says of itself, and beside it what is not as it should be."""
    table = Table("creature", seen.host)
    now = seen.condition
    if now is None:
        table.add_row("says", "[yellow]nothing: asleep, or of an older release[/]")
        return table
    does = "[green]draws[/]" if now.may_draw else "[yellow]pauses[/]"
    if now.reason:
        does += f" ({now.action}, says {now.decided_by}: {now.reason})"
    table.add_row("does", does)
    if now.anima:
        felt = now.anima.model_dump().items()
        table.add_row("feels", ", ".join(f"{name} {value:.2f}" for name, value in felt))
    table.add_row("piece", f"{now.era}, {now.arc_phase}: {now.marks} marks, {now.pixels} pixels")
    known = "known" if now.clock_known else "[yellow]not known[/] since the boot"
    table.add_row("time of day", known)
    if now.rss_bytes:
        table.add_row("memory", f"{now.rss_bytes / 1e6:.1f} MB")
    if now.db_bytes is not None:
        archives = f", archives {(now.archive_bytes or 0) / 1e6:.1f} MB"
        table.add_row("database", f"{now.db_bytes / 1e6:.1f} MB{archives}")
    age = now.backup_age_seconds
    table.add_row("backup", "none yet" if age is None else f"{span(age)} old")
    today, budget = now.written_bytes_today, now.write_budget_bytes
    colour = "red" if today > budget else "green"
    table.add_row("card", f"[{colour}]{today / 1e6:.1f}[/] of {budget / 1e6:.0f} MB today")
    table.add_row("latest", f"{1000 * now.late_seconds:.0f} ms behind, of five minutes")
    for name, counts in (("not done", now.failures), ("lost", now.dropped)):
        if counts:
            listed = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
            table.add_row(name, f"[red]{listed}[/]")
    return table


def span(seconds: float | None) -> str:
    """A span for the eye.

    >>> span(7500.0)
    '2 h 5 min'
    """
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds) // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
