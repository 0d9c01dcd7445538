"""The real client's message, in both its shapes, as the CheckIn that it means."""

from typing import Any

from pydantic_core import to_json

from apps.bridge.body import decode, read
from schemas.bridge import CheckIn
from schemas.errors import Refused

ARGUMENTS = frozenset({
    "client_session_id", "agent_name", "agent_id", "agent_uuid", "continuity_token",
    "complexity", "confidence", "ethical_drift", "response_text", "response_mode",
    "sensor_data", "parameters", "trajectory_signature",
})  # fmt: skip
BLOCK = frozenset({"eisv", "anima", "environment", "identity", "drawing_eisv", "experiential"})
IDENTITY = frozenset({"total_awakenings", "total_alive_seconds", "alive_ratio", "age_seconds"})


def check_in(arguments: dict[str, Any]) -> CheckIn:
    """The check-in of a tool call. What the client derives itself is taken but not kept."""
    _known(arguments, ARGUMENTS, "arguments")
    block = _block(arguments)
    _known(block, BLOCK, "sensor_data")
    said: dict[str, Any] = {key: block[key] for key in ("anima", "eisv") if key in block}
    sensors = dict(_mapping(block.get("environment", {}), "sensor_data/environment"))
    if block.get("drawing_eisv") is not None:
        sensors["drawing_eisv"] = block["drawing_eisv"]
    said["sensor_data"] = sensors
    if block.get("identity") is not None:
        told = _mapping(block["identity"], "sensor_data/identity")
        _known(told, IDENTITY, "sensor_data/identity")
        said["identity"] = {
            "awakenings": told.get("total_awakenings"),
            "alive_seconds": told.get("total_alive_seconds"),
        }
    return read(CheckIn, to_json(said), "sensor_data")


def complexity(arguments: dict[str, Any]) -> float | None:
    """What the client calls complexity, if it says so; in [0, 1]."""
    value = arguments.get("complexity")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Refused(f"arguments: complexity: {value!r:.40} is not a number in [0, 1]")
    return float(value)


def _block(arguments: dict[str, Any]) -> dict[str, Any]:
    given = arguments.get("sensor_data")
    if given is None:
        given = _parameter(arguments.get("parameters"))
    if isinstance(given, str):
        given = decode(given, "sensor_data")
    return _mapping(given, "sensor_data")


def _parameter(parameters: Any) -> Any:
    if not isinstance(parameters, list):
        raise Refused("arguments: sensor_data: is missing")
    for entry in parameters:
        if isinstance(entry, dict) and entry.get("key") == "sensor_data":
            return entry.get("value")
    raise Refused("arguments: parameters: no entry has the key 'sensor_data'")


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"{where}: is not an object")
    return value


def _known(given: dict[str, Any], known: frozenset[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise Refused(f"{where}: unknown key {key!r:.80}")
