"""The weights of the feelings, where they are not ours: ``feelings.toml``.

A feeling that is named there is made of what stands there, and of nothing else::

    [warmth]
    cpu_temp_c = { weight = 0.5, zero = 25, one = 75 }
    ambient_temp_c = { weight = 0.5, zero = 10, one = 32 }
"""

import math
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from apps.anima.feelings import FEELINGS, Feelings, Part
from schemas.bridge import SENSORS, SensorData
from schemas.errors import Refused

FILE = "feelings.toml"
KEYS = ("weight", "zero", "one")
TOLERANCE = 1e-9


def weights(file: Path | None, home: Path) -> Feelings:
    """The feelings of ``file``, else of feelings.toml at home if it is there, else ours."""
    path = file or home / FILE
    if file is None and not path.exists():
        return FEELINGS
    import tomllib  # noqa: PLC0415  only where there is such a file

    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}", hint="ANIMA_FEELINGS names it") from None
    except ValueError as error:
        raise Refused(f"{path}: {error}", hint="it must be TOML") from None
    read = _Reader(path)
    return {**FEELINGS, **{name: read.feeling(name, parts) for name, parts in said.items()}}


class _Reader:
    """Refuses by path and key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def feeling(self, name: str, parts: Any) -> tuple[Part, ...]:
        if name not in FEELINGS:
            self._refuse(name, "is no feeling", f"feelings are {', '.join(FEELINGS)}")
        if not isinstance(parts, dict) or not parts:
            self._refuse(name, "has no readings", "name at least one")
        made = tuple(self._part(f"{name}.{sensor}", sensor, part) for sensor, part in parts.items())
        total = math.fsum(weight for _, weight, _, _ in made)
        if abs(total - 1) > TOLERANCE:
            self._refuse(name, f"the weights sum to {total:.10g}, not to 1")
        return made

    def _part(self, key: str, sensor: str, part: Any) -> Part:
        if sensor not in SENSORS:
            self._refuse(key, "is no sensor", f"sensors are {', '.join(SENSORS)}")
        if not isinstance(part, dict) or set(part) != set(KEYS):
            self._refuse(key, f"must say {', '.join(KEYS)} and nothing else")
        for name in KEYS:
            number = part[name]
            if isinstance(number, bool) or not isinstance(number, int | float):
                self._refuse(f"{key}.{name}", f"{number!r} is not a number")
        weight, zero, one = (float(part[name]) for name in KEYS)
        if not 0 < weight <= 1:
            self._refuse(f"{key}.weight", f"{weight:g} is not above 0 and at most 1")
        if zero == one:
            self._refuse(key, f"zero and one are both {zero:g}")
        for name, value in (("zero", zero), ("one", one)):
            try:
                SensorData.model_validate({sensor: value})
            except ValidationError as error:
                first = error.errors(include_url=False)[0]["msg"].lower()
                self._refuse(f"{key}.{name}", f"{value:g}: {first}")
        return sensor, weight, zero, one

    def _refuse(self, key: str, what: str, hint: str | None = None) -> NoReturn:
        raise Refused(f"{self._path}: {key}: {what}", hint=hint)
