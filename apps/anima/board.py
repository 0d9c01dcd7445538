"""The board's own sensors: temperature, load, memory, processor and disk, from the kernel."""

import os
from collections.abc import Iterator
from pathlib import Path

from apps.anima.readings import Reading, Sensor, reading


class Temperature:
    """The hottest thermal zone; a board or container without zones has no temperature."""

    def __init__(self, root: Path) -> None:
        self.source = "/sys/class/thermal"
        self._zones = root / "sys/class/thermal"

    def read(self) -> Iterator[Reading]:
        """``cpu_temp_c``."""
        zones = {zone: int(zone.read_text()) for zone in self._zones.glob("thermal_zone*/temp")}
        if zones:
            zone = max(zones, key=lambda zone: zones[zone])
            source = f"{self.source}/{zone.parent.name}"
            yield reading("cpu_temp_c", zones[zone] / 1000, source)


class Load:
    """The one-minute load."""

    def __init__(self, root: Path) -> None:
        self.source = "/proc/loadavg"
        self._file = root / "proc/loadavg"

    def read(self) -> Iterator[Reading]:
        """``load_1m``."""
        yield reading("load_1m", float(self._file.read_text().split()[0]), self.source)


class Processor:
    """The share of time not spent idle since the last reading; the first gives nothing."""

    def __init__(self, root: Path) -> None:
        self.source = "/proc/stat"
        self._file = root / "proc/stat"
        self._before: tuple[int, int] | None = None

    def read(self) -> Iterator[Reading]:
        """``cpu_percent``."""
        with self._file.open() as file:
            times = [int(word) for word in file.readline().split()[1:9]]
        total, idle = sum(times), times[3] + times[4]
        before, self._before = self._before, (total, idle)
        if before and total > before[0]:
            share = 1 - (idle - before[1]) / (total - before[0])
            yield reading("cpu_percent", 100 * min(max(share, 0), 1), self.source)


class Memory:
    """Memory in use: of the machine, or of the container around us if that is smaller.

    The limit of our own systemd unit is not the machine's, so the leaf ``*.service`` is skipped.
    """

    def __init__(self, root: Path) -> None:
        self.source = "/proc/meminfo"
        self._root = root

    def read(self) -> Iterator[Reading]:
        """``memory_percent``."""
        lines = (self._root / "proc/meminfo").read_text().splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        total = sizes["MemTotal"]
        used, source = total - sizes["MemAvailable"], self.source
        for group in self._groups():
            bound = _bound(group)
            if bound and bound[0] < total:
                total, used, source = *bound, f"cgroup {group.relative_to(self._root)}"
        yield reading("memory_percent", min(100 * used / total, 100), source)

    def _groups(self) -> Iterator[Path]:
        """The control groups around us, from the innermost outwards."""
        try:
            lines = (self._root / "proc/self/cgroup").read_text().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            _, controllers, name = line.split(":", 2)
            if controllers not in {"", "memory"}:
                continue
            base = self._root / "sys/fs/cgroup" / controllers
            parts = [part for part in name.split("/") if part]
            if parts and parts[-1].endswith(".service"):
                parts.pop()
            for depth in range(len(parts), -1, -1):
                yield base.joinpath(*parts[:depth])


def _bound(group: Path) -> tuple[int, int] | None:
    """Limit and use of a control group in bytes (v2, then v1), without reclaimable cache."""
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            bound = (group / limit).read_text().strip()
            if bound == "max":
                return None
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            in_use = int((group / used).read_text()) - int(stat.get(cache, 0))
        except FileNotFoundError:
            continue
        return int(bound), max(in_use, 0)
    return None


class Disk:
    """How full the file system of the creature's home is, as df counts it."""

    def __init__(self, home: Path) -> None:
        self.source = f"statvfs {home}"
        self._home = home

    def read(self) -> Iterator[Reading]:
        """``disk_percent``."""
        disk = os.statvfs(self._home)
        used = disk.f_blocks - disk.f_bfree
        if used + disk.f_bavail:
            yield reading("disk_percent", 100 * used / (used + disk.f_bavail), self.source)


def sensors(home: Path, root: Path = Path("/")) -> list[Sensor]:
    """Every sensor a board has without extra hardware; ``root`` is another tree in tests."""
    return [Temperature(root), Load(root), Processor(root), Memory(root), Disk(home)]
