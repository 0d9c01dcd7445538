"""What became of reads, counted since the process began: ``/health`` and ``/metrics`` show it."""

from dataclasses import asdict, dataclass

from schemas.soulfra.metrics import CACHE


@dataclass(slots=True)
class Counts:
    """Each only grows; schemas/soulfra/metrics.py says what it means."""

    hits: int = 0
    absent: int = 0
    misses: int = 0
    joined: int = 0
    bypassed: int = 0
    cold: int = 0
    fresh: int = 0
    read: int = 0
    lost: int = 0
    unput: int = 0
    untold: int = 0
    away: int = 0
    opened: int = 0

    def said(self) -> dict[str, int]:
        """All of them, by name."""
        return asdict(self)

    @property
    def hit_rate(self) -> float | None:
        """Of the reads that Redis might have answered, the share that it did."""
        hits = self.hits + self.absent
        asked = hits + self.misses + self.joined + self.bypassed + self.cold
        return hits / asked if asked else None

    def exposed(self) -> str:
        """As Prometheus reads it."""
        lines = []
        for name, value in self.said().items():
            metric = CACHE[name]
            lines += [
                f"# HELP {metric.name.removesuffix('_total')} {metric.says}",
                f"# TYPE {metric.name.removesuffix('_total')} {metric.kind}",
                f"{metric.name} {value}",
            ]
        return "\n".join(lines) + "\n"
