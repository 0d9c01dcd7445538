"""What a sensor gives: a value that says its unit, where it came from and how old it is."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from apps.anima.failures import Failures
from schemas.bridge import SENSORS, SensorData

UNITS = {
    "cpu_temp_c": "Cel",
    "ambient_temp_c": "Cel",
    "humidity_pct": "%",
    "pressure_hpa": "hPa",
    "light_lux": "lx",
    "load_1m": "1",
    "cpu_percent": "%",
    "memory_percent": "%",
    "disk_percent": "%",
}
"""The unit of every sensor the contract knows."""

FRESH_SECONDS = 10.0
"""A reading that is older is absent: the last value of a sensor that hangs is no measurement."""
SAID_SECONDS = 3.0
"""An age above this is recorded with the reading; below it is the moment itself."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value; ``name`` is one of ``schemas.bridge.SENSORS``."""

    name: str
    value: float
    unit: str
    source: str
    taken: float
    """Monotonic, in seconds: a clock that is set does not change an age."""

    def age(self, now: float) -> float:
        """Seconds from its taking to ``now``, which is monotonic."""
        return now - self.taken


def reading(name: str, value: float, source: str) -> Reading:
    """A reading taken now."""
    return Reading(name, value, UNITS[name], source, time.monotonic())


class Sensor(Protocol):
    """Something that can be read. It gives nothing when it is not there."""

    source: str

    def read(self) -> Iterable[Reading]:
        """The readings of this moment; raises when the sensor fails."""
        ...


def sense(sensors: Iterable[Sensor], failures: Failures) -> list[Reading]:
    """Read every sensor. One that fails, is out of its range or too old is counted and absent."""
    readings: list[Reading] = []
    for sensor in sensors:
        try:
            for taken in sensor.read():
                SensorData.model_validate({taken.name: taken.value})
                if taken.age(time.monotonic()) > FRESH_SECONDS:
                    failures.note(sensor.source, f"{taken.name}: older than {FRESH_SECONDS:g} s")
                else:
                    readings.append(taken)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            failures.note(sensor.source, f"{first['loc'][0]}: {first['msg']}")
        except Exception as error:  # noqa: BLE001  drivers raise what they like; it is counted
            failures.note(sensor.source, error)
    return readings


def as_sensor_data(readings: Iterable[Reading], felt_from: str | None = None) -> dict[str, object]:
    """The readings as keys of ``SensorData``, with the source of each.

    ``felt_from`` is the source of the anima where it was not felt from these readings.
    """
    found = {taken.name: taken for taken in readings}
    data: dict[str, object] = {name: found[name].value for name in SENSORS if name in found}
    sources = {name: found[name].source for name in SENSORS if name in found}
    data["sources"] = sources if felt_from is None else {**sources, "anima": felt_from}
    return data


def ages(readings: Iterable[Reading], now: float) -> dict[str, float]:
    """The age in seconds of each reading that is not of this moment; ``now`` is monotonic."""
    old = {taken.name: round(taken.age(now), 1) for taken in readings}
    return {name: age for name, age in old.items() if age > SAID_SECONDS}
