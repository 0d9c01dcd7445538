"""Sensing: real files, other trees, absent sensors, failing drivers."""

import sys
import threading
import time
import types

import pytest

from apps.anima import apart, board, i2c
from apps.anima.apart import Apart
from apps.anima.failures import Failures
from apps.anima.feelings import FEELINGS, decide_alone, feel, report
from apps.anima.readings import FRESH_SECONDS, UNITS, Reading, ages, as_sensor_data, reading, sense
from schemas.bridge import SENSORS, Action, Margin, SensorData
from schemas.eisv import Anima, ReportedEisv

MEMINFO = "MemTotal:  1000 kB\nMemFree:  100 kB\nMemAvailable:  400 kB\n"


@pytest.fixture
def root(tmp_path):
    """A little /proc and /sys."""
    put(tmp_path, "proc/loadavg", "0.52 0.58 0.59 1/467 12345\n")
    put(tmp_path, "proc/stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1 1\n")
    put(tmp_path, "proc/meminfo", MEMINFO)
    put(tmp_path, "sys/class/thermal/thermal_zone0/temp", "41000\n")
    put(tmp_path, "sys/class/thermal/thermal_zone1/temp", "53070\n")
    return tmp_path


def put(root, name, text):
    """Write one file of the tree."""
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _values(root, failures=None, sensors=None):
    taken = sense(sensors or board.sensors(root, root), failures or Failures("test"))
    return {one.name: (one.value, one.unit, one.source) for one in taken}


def test_the_board_is_read_with_units_and_sources(root):
    """Each value says where it came from."""
    values = _values(root)

    assert values["cpu_temp_c"] == (53.07, "Cel", "/sys/class/thermal/thermal_zone1")
    assert values["load_1m"] == (0.52, "1", "/proc/loadavg")
    assert values["memory_percent"] == (60.0, "%", "/proc/meminfo")
    assert 0 < values["disk_percent"][0] < 100
    assert "cpu_percent" not in values


def test_the_processors_share_is_a_difference(root):
    """Of the second reading to the first: 50 of 200 ticks were not idle."""
    sensors = board.sensors(root, root)
    _values(root, sensors=sensors)
    put(root, "proc/stat", "cpu  130 0 120 840 110 0 0 0 0 0\n")

    assert _values(root, sensors=sensors)["cpu_percent"][0] == pytest.approx(25.0)


def test_a_missing_sensor_is_absent_and_no_failure(root):
    """A container has no thermal zone; nothing is invented for it."""
    for file in root.glob("sys/class/thermal/*/temp"):
        file.unlink()
    failures = Failures("test")

    assert "cpu_temp_c" not in _values(root, failures)
    assert failures.total == 0


def test_a_broken_sensor_is_counted_and_the_others_are_read(root, capsys):
    """One line for the cause, however often it happens."""
    put(root, "proc/loadavg", "rubbish\n")
    put(root, "sys/class/thermal/thermal_zone1/temp", "999000\n")
    failures = Failures("test")
    for _ in range(3):
        values = _values(root, failures)

    assert set(values) == {"memory_percent", "disk_percent"}
    assert failures.counts == {"/proc/loadavg": 3, "/sys/class/thermal": 3}
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("cgroup", "files", "percent"),
    [
        ("0::/", {"memory.max": "512000", "memory.current": "306000"}, 50.0),
        ("0::/", {"memory.max": "max"}, 60.0),
        ("0::/", {"memory.max": "9999999", "memory.current": "1"}, 60.0),
        ("0::/a/b.scope", {"a/memory.max": "512000", "a/memory.current": "178000"}, 25.0),
        ("0::/system.slice/anima.service",
         {"system.slice/anima.service/memory.max": "1000",
          "system.slice/anima.service/memory.current": "999"}, 60.0),
        ("4:memory:/docker/1", {"memory/memory.limit_in_bytes": "512000",
                                "memory/memory.usage_in_bytes": "306000"}, 50.0),
    ],
)  # fmt: skip
def test_memory_is_that_of_the_container_if_it_is_smaller(root, cgroup, files, percent):
    """v2 and v1; the cache that can be given back is not in use; our own unit's cap is no host."""
    put(root, "proc/self/cgroup", cgroup + "\n")
    for name, text in files.items():
        put(root, f"sys/fs/cgroup/{name}", text + "\n")
        stat = (root / "sys/fs/cgroup" / name).with_name("memory.stat")
        stat.write_text("inactive_file 50000\ntotal_inactive_file 50000\n")

    assert _values(root)["memory_percent"][0] == pytest.approx(percent)


def test_this_very_machine_can_be_read():
    """No tree of ours: the kernel's."""
    names = set(_values(board.Path("/")))

    assert {"load_1m", "memory_percent", "disk_percent"} <= names


class Chips:
    """A bus with a BME280 and an LTR559 on it, as registers: the drivers are the real ones."""

    AIR, LIGHT = 0x76, 0x23

    def __init__(self):
        self.registers = {self.AIR: bytearray(256), self.LIGHT: bytearray(256)}
        self.is_loose = False
        air, light = self.registers[self.AIR], self.registers[self.LIGHT]
        air[0xD0] = 0x60
        # The worked example of Bosch's data sheet: 25.08 Cel, 100653.27 Pa.
        numbers = (27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
        for at, number in zip(range(0x88, 0xA0, 2), numbers, strict=True):
            air[at : at + 2] = (number & 0xFFFF).to_bytes(2, "little")
        air[0xF7:0xFA] = (415148 << 4).to_bytes(3, "big")
        air[0xFA:0xFD] = (519888 << 4).to_bytes(3, "big")
        air[0xE1:0xE3] = (362).to_bytes(2, "little")  # humidity is then raw x 362 / 65536
        air[0xFD:0xFF] = (9000).to_bytes(2, "big")
        light[0x86] = 0x92
        light[0x8C] = 0b00000100  # new light data
        light[0x88:0x8C] = (30).to_bytes(2, "little") + (70).to_bytes(2, "little")

    def read_i2c_block_data(self, address, register, length):
        """As smbus2 reads."""
        if self.is_loose:
            raise OSError(121, "Remote I/O error")
        return list(self.registers[address][register : register + length])

    def write_i2c_block_data(self, address, register, values):
        """As smbus2 writes; a reset is done at once."""
        if (address, register) == (self.LIGHT, 0x80):
            values = [values[0] & ~0b10]
        self.registers[address][register : register + len(values)] = bytes(values)


@pytest.fixture
def chips(monkeypatch):
    """The chips on bus 1, whoever opens it."""
    bus = Chips()
    monkeypatch.setattr("smbus2.SMBus", lambda number: bus if number == 1 else None)
    return bus


def test_the_hats_chips_are_read_by_their_own_drivers(chips):
    """Bosch's worked example comes out as Bosch says; the light as the driver's formula says."""
    failures = Failures("test")
    values = _values(None, failures, i2c.sensors())

    assert failures.counts == {}
    assert values["ambient_temp_c"] == (pytest.approx(25.08, abs=0.005), "Cel", "i2c-1 bme280")
    assert values["pressure_hpa"] == (pytest.approx(1006.5327, abs=0.001), "hPa", "i2c-1 bme280")
    assert values["humidity_pct"][0] == pytest.approx(9000 * 362 / 65536)
    # 30 of 100 counts are infrared: below 0.45 the first pair of coefficients, 50 ms, gain 4.
    lux = (70 * 17743 + 30 * 11059) / (50 / 100) / 4 / 10000
    assert values["light_lux"] == (pytest.approx(lux), "lx", "i2c-1 ltr559")


def test_light_that_was_not_measured_is_absent(chips):
    """Neither the driver's first 0 nor its last value is a measurement."""
    sensors = i2c.sensors()
    for is_new in (False, True, False):
        chips.registers[Chips.LIGHT][0x8C] = 0b100 * is_new
        assert ("light_lux" in _values(None, None, sensors)) is is_new


def test_a_chip_that_comes_loose_is_left_alone_for_a_minute_and_found_again(chips):
    """Each is counted once a minute; when it is back it is set up anew."""
    failures, sensors = Failures("test"), i2c.sensors()
    assert len(_values(None, failures, sensors)) == 4
    chips.is_loose = True
    for _ in range(1 + i2c.RETRY_READINGS):
        assert _values(None, failures, sensors) == {}
    assert failures.counts == {"i2c-1 bme280": 1, "i2c-1 ltr559": 1}

    _values(None, failures, sensors)
    assert failures.counts == {"i2c-1 bme280": 2, "i2c-1 ltr559": 2}
    chips.is_loose = False
    for _ in range(i2c.RETRY_READINGS):
        _values(None, failures, sensors)
    assert len(_values(None, failures, sensors)) == 4


def test_a_board_without_the_driver_packages_says_so(monkeypatch):
    """ANIMA_I2C=1 on a board that has none: absent, counted, alive."""
    for name in ("smbus2", "bme280", "ltr559"):
        monkeypatch.setitem(sys.modules, name, None)
    failures = Failures("test")

    assert _values(None, failures, i2c.sensors()) == {}
    assert failures.total == 2


class Hanging:
    """A driver that waits for a bus until it is let go."""

    source = "i2c-1 test"

    def __init__(self):
        self.free = threading.Event()
        self.free.set()

    def read(self):
        """One value, if the bus lets it."""
        self.free.wait()
        yield reading("light_lux", 120.0, self.source)


def until(is_so):
    """Wait for another thread, two seconds at most."""
    end = time.monotonic() + 2
    while not is_so() and time.monotonic() < end:
        time.sleep(0.002)
    assert is_so()


def test_a_driver_that_hangs_does_not_hold_up_the_loop(monkeypatch, capsys):
    """Its last reading ages out and is absent; the silence is counted; later it is back."""
    monkeypatch.setattr(apart, "FRESH_SECONDS", 0.05)
    failures, bus = Failures("test"), Hanging()
    beside = Apart("i2c-1", [bus], failures)
    assert sense([beside], failures) == []  # asked, not waited for
    until(lambda: sense([beside], failures))

    until(lambda: not beside._wanted.is_set())
    bus.free.clear()
    began = time.monotonic()
    sense([beside], failures)
    time.sleep(0.06)
    assert sense([beside], failures) == []
    assert time.monotonic() - began < 0.5
    assert failures.counts == {"i2c-1": 1}
    assert "no answer" in capsys.readouterr().out

    bus.free.set()
    until(lambda: sense([beside], failures))


def test_a_reading_that_is_too_old_is_absent_and_counted():
    """A cached value is no measurement, whoever kept it."""
    now = time.monotonic()
    old, older = (
        Reading("load_1m", 1.0, "1", "test", now - age) for age in (FRESH_SECONDS - 1, 10.1)
    )
    failures = Failures("test")
    sensor = types.SimpleNamespace(source="cache", read=lambda: [old, older])

    assert sense([sensor], failures) == [old]
    assert failures.counts == {"cache": 1}


def test_an_age_is_told_when_it_is_not_of_this_moment():
    """By name, in seconds."""
    one, two = (Reading(name, 1.0, "1", "t", 7.04) for name in ("load_1m", "cpu_percent"))

    assert ages([one], 9.0) == {}
    assert ages([one, two], 11.55) == {"load_1m": 4.5, "cpu_percent": 4.5}


def test_every_sensor_of_the_contract_has_a_unit():
    """And readings fit the contract's keys."""
    assert tuple(UNITS) == SENSORS
    data = as_sensor_data([reading("load_1m", 0.5, "/proc/loadavg")])
    assert SensorData.model_validate(data).sources == {"load_1m": "/proc/loadavg"}


def test_feelings_are_weighted_over_what_exists():
    """Weights renormalise; a straight line between the two ends, clamped outside."""
    cool = feel([reading(n, v, "t") for n, v in (("cpu_temp_c", 50), ("memory_percent", 20))])

    assert cool.warmth == pytest.approx((50 - 25) / (75 - 25))
    assert cool.clarity == 1
    assert cool.stability == pytest.approx((0.3 * 35 / 40 + 0.3) / 0.6)
    assert cool.presence == 1


def test_a_feeling_without_readings_is_not_invented():
    """No anima at all rather than a made-up one."""
    assert feel([]) is None
    assert feel([reading("humidity_pct", 50, "t")]) is None


def test_the_weights_of_each_feeling_sum_to_one():
    """And name sensors that exist."""
    for parts in FEELINGS.values():
        assert sum(weight for _, weight, _, _ in parts) == pytest.approx(1)
        assert {name for name, *_ in parts} <= set(SENSORS)


def test_the_mapped_eisv_has_the_form_of_february():
    """E warmth, I clarity, S 1 - stability, V .3 (1 - presence)."""
    eisv = report(Anima(warmth=0.4, clarity=0.8, stability=0.9, presence=0.9))

    assert (eisv.E, eisv.I) == (0.4, 0.8)
    assert pytest.approx((0.1, 0.03)) == (eisv.S, eisv.V)


@pytest.mark.parametrize(
    ("I", "S", "V", "action", "margin"),
    [
        (0.8, 0.1, 0.0, Action.PROCEED, Margin.TIGHT),
        (0.8, 0.1, -0.2, Action.PROCEED, Margin.COMFORTABLE),
        (0.35, 0.1, 0.0, Action.PAUSE, Margin.WARNING),
        (0.25, 0.1, 0.0, Action.PAUSE, Margin.CRITICAL),
        (0.8, 0.65, 0.0, Action.PAUSE, Margin.WARNING),
        (0.8, 0.1, 0.3, Action.PAUSE, Margin.CRITICAL),
    ],
)
def test_alone_the_creature_judges_by_the_nearest_edge(I, S, V, action, margin):
    """Risk .60, coherence .40, void .15; critical from .1 past the edge."""
    decision = decide_alone(ReportedEisv(E=0.5, I=I, S=S, V=V), "down")

    assert (decision.action, decision.margin) == (action, margin)
    assert decision.is_local
    assert "down" in decision.reason
