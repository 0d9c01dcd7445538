"""Which sensors there are, and what is felt from them."""

from collections.abc import Sequence
from pathlib import Path

from apps.anima import board
from apps.anima.baselines import Baselines
from apps.anima.failures import Failures
from apps.anima.feelings import feel
from apps.anima.readings import Reading, Sensor
from apps.anima.settings import BOARD, Settings
from apps.anima.weights import weights
from schemas.eisv import Anima


class Senses:
    """The sensors of one run: the board's and the hat's, or a series in their place."""

    def __init__(self, settings: Settings, failures: Failures) -> None:
        self._feelings = weights(settings.feelings, settings.home)
        self._replay = None
        self.baselines = Baselines()
        self.sensors: list[Sensor] = []
        if settings.source != BOARD:
            from apps.anima.replay import PREFIX, Replay  # noqa: PLC0415  never on a board

            self._replay = Replay(Path(settings.source.removeprefix(PREFIX)))
            self.sensors.append(self._replay)
            return
        self.sensors += board.sensors(settings.home)
        if settings.i2c:
            from apps.anima import i2c  # noqa: PLC0415  only with a hat
            from apps.anima.apart import Apart  # noqa: PLC0415

            self.sensors.append(Apart(f"i2c-{i2c.BUS}", i2c.sensors(), failures))

    @property
    def felt_from(self) -> str | None:
        """Where feelings come from that are not felt here: a series of them."""
        return self._replay.source if self._replay is not None and self._replay.feels else None

    def felt(self, readings: Sequence[Reading], every: float) -> Anima | None:
        """What is felt from these readings, which stand for ``every`` seconds.

        A series of feelings says it itself; None where it does not, or a feeling has no reading.
        """
        if self._replay is not None and self._replay.feels:
            return self._replay.felt
        felt = feel(readings, self._feelings)
        if felt is not None:
            felt = self.baselines.unsettle(felt, readings)
        self.baselines.follow(readings, every)
        return felt
