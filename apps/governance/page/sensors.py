"""What was measured beside the anima, with the units that the contract declares."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from apps.declared.field import fields
from schemas.bridge import SensorData

SHOWN: Final[Mapping[str, str]] = {"Cel": "°C", "1": ""}
"""How people write a unit where UCUM writes it in another way."""
UNITS: Final = {
    field.name: field.quantity.unit for field in fields(SensorData) if field.quantity is not None
}


class Measured(NamedTuple):
    """One number with its unit."""

    name: str
    value: str
    unit: str


def measured(environment: Mapping[str, Any]) -> list[Measured]:
    """Each sensor that was sent, in the order of the declaration."""
    found = []
    for name, unit in UNITS.items():
        value = environment.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            words = name if unit == "1" else name.rpartition("_")[0]
            found.append(Measured(words.replace("_", " "), f"{value:g}", SHOWN.get(unit, unit)))
    return found
