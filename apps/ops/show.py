"""A status as tables for a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table

from apps.ops.status import Status


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
        shown = "[red]unreachable[/]" if outbox.depth is None else f"{outbox.depth} waiting"
        rows.add_row("outbox", outbox.host, shown)
    addresses = Table("what", "where")
    for address in status.addresses:
        addresses.add_row(address.what, address.where)
    return Group(hosts, services, rows, addresses)


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
