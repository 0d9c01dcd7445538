"""The I2C sensors of the Pi's hat: BME280 (air) and LTR559 (light), on bus 1.

The drivers are imported and opened at the first reading, and again after a failure, so that
a sensor plugged in later is found and a board without the packages says so.
"""

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from apps.anima.readings import Reading, Sensor, reading

BUS = 1
RETRY_READINGS = 30
"""Readings to skip after a failure: a minute at one reading every two seconds."""

MEASURE_SECONDS = 0.12
"""What a BME280 takes at most, by its data sheet, at the driver's oversampling of 16."""


class _Device:
    """A driver that is opened late and left alone for a while after it failed."""

    def __init__(self, source: str, open_driver: Callable[[], Any]) -> None:
        self.source = source
        self._open = open_driver
        self._driver: Any = None
        self._skip = 0

    def read(self) -> Iterator[Reading]:
        if self._skip:
            self._skip -= 1
            return
        try:
            self._driver = self._driver or self._open()
            yield from self.measure(self._driver)
        except Exception:
            self._driver, self._skip = None, RETRY_READINGS
            raise

    def measure(self, driver: Any) -> Iterator[Reading]:
        raise NotImplementedError


class Air(_Device):
    """Temperature, humidity and pressure."""

    def measure(self, driver: Any) -> Iterator[Reading]:
        """``ambient_temp_c``, ``humidity_pct``, ``pressure_hpa``, of one measurement."""
        driver.update_sensor()
        yield reading("ambient_temp_c", driver.temperature, self.source)
        yield reading("humidity_pct", driver.humidity, self.source)
        yield reading("pressure_hpa", driver.pressure, self.source)


class Light(_Device):
    """Ambient light."""

    def measure(self, driver: Any) -> Iterator[Reading]:
        """``light_lux``, of a measurement that is new: the driver begins with 0, and repeats."""
        if driver._ltr559.get("ALS_PS_STATUS").als_data:  # noqa: SLF001  it tells no other way
            yield reading("light_lux", driver.get_lux(), self.source)


def sensors() -> list[Sensor]:
    """The hat's sensors, none of them opened yet."""
    return [Air(f"i2c-{BUS} bme280", _open_air), Light(f"i2c-{BUS} ltr559", _open_light)]


def _open_air() -> Any:
    bus = import_module("smbus2").SMBus(BUS)
    driver = import_module("bme280").BME280(i2c_dev=bus)
    driver.setup(mode="forced")
    # The first measurement may be read before it has begun, and is then no measurement.
    driver.update_sensor()
    time.sleep(MEASURE_SECONDS)
    return driver


def _open_light() -> Any:
    return import_module("ltr559").LTR559(i2c_dev=import_module("smbus2").SMBus(BUS))
