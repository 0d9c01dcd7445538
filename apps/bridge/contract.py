"""``python -m apps.bridge.contract [--check]``: the JSON Schemas of every released contract.

A check-in's schema is what the Mac takes, a verdict's what it gives. What is written once stays:
the check compares meaning, not words, so that a sentence may become clearer.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from schemas.bridge import CHECK_IN_SINCE, RELEASED, VERDICT_SINCE, CheckIn, Verdict
from schemas.errors import Diverged, HouseError, Refused

FOLDER: Final = Path(__file__).resolve().parents[2] / "schemas" / "contracts"
WORDS: Final = frozenset({"description", "title", "x-source"})
Schema = dict[str, Any]


def schemas(contract: int) -> dict[str, Schema]:
    """The schemas of one contract as the models say them now, by file name."""
    check_in = CheckIn.model_json_schema(mode="validation")
    for (part, name), since in CHECK_IN_SINCE.items():
        if since > contract:
            del _part(check_in, part)["properties"][name]
    _prune(check_in)
    verdict = Verdict.model_json_schema(mode="serialization")
    for name, since in VERDICT_SINCE.items():
        if since > contract:
            del verdict["properties"][name]
        else:
            _never_null(verdict["properties"], name)
    verdict["required"] = list(verdict["properties"])
    # A check-in that names no contract speaks the first.
    check_in["required"] = [*(["contract"] if contract > 1 else []), *check_in["required"]]
    for schema in (check_in, verdict):
        schema["properties"]["contract"] = {"const": contract, "type": "integer"}
    said = {"check-in": check_in, "verdict": verdict}
    address = "https://json-schema.org/draft/2020-12/schema"
    return {f"{name}.schema.json": {"$schema": address, **schema} for name, schema in said.items()}


def differences(folder: Path = FOLDER) -> list[str]:
    """Every released schema that the models no longer say, one sentence each."""
    found = []
    for contract in RELEASED:
        for name, now in schemas(contract).items():
            file = folder / str(contract) / name
            if not file.is_file():
                found.append(f"{_at(file)}: is missing")
            elif where := _difference(_bare(json.loads(file.read_text())), _bare(now)):
                found.append(f"{_at(file)}: {where}: the models say something else")
    return found


def export(folder: Path = FOLDER) -> list[Path]:
    """Write what is not there yet; what is there is released."""
    written = []
    for contract in RELEASED:
        for name, now in schemas(contract).items():
            file = folder / str(contract) / name
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(now, indent=2) + "\n")
                written.append(file)
    return written


def main(words: Sequence[str]) -> int:
    """Export, then check; gives the exit code."""
    try:
        if words not in ([], ["--check"]):
            raise Refused(f"{' '.join(words)}: unknown", "say nothing, or --check")
        for file in [] if words else export():
            sys.stdout.write(f"wrote {_at(file)}\n")
        if found := differences():
            hint = "a released contract stays as it is: make a new number in schemas/bridge.py"
            raise Diverged("\n".join(found), hint)
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _part(schema: Schema, name: str) -> Schema:
    """The definition of a nested model that may be absent; without a name the message itself."""
    if not name:
        return schema
    refs = [choice["$ref"] for choice in schema["properties"][name]["anyOf"] if "$ref" in choice]
    found: Schema = schema["$defs"][refs[0].rpartition("/")[2]]
    return found


def _prune(schema: Schema) -> None:
    """Leave out the definitions that nothing speaks of, such as those of a later contract."""
    while True:
        told = json.dumps(schema)
        unused = [name for name in schema["$defs"] if f'"#/$defs/{name}"' not in told]
        if not unused:
            return
        for name in unused:
            del schema["$defs"][name]


def _never_null(properties: Schema, name: str) -> None:
    """The Python default stands for older contracts; in its own the field is always there."""
    kind = next(choice for choice in properties[name]["anyOf"] if choice != {"type": "null"})
    properties[name] = {**kind, "title": properties[name]["title"]}


def _bare(value: Any) -> Any:
    """A schema without its words. Properties may be called as words are: those stay."""
    if isinstance(value, list):
        return [_bare(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {name: _bare(inner) for name, inner in part.items()}
        if key in {"properties", "$defs"}
        else _bare(part)
        for key, part in value.items()
        if key not in WORDS
    }


def _difference(released: Any, now: Any, where: str = "") -> str | None:
    """The path to the first difference, or None."""
    if not (isinstance(released, dict) and isinstance(now, dict)):
        return None if released == now else where or "all of it"
    for key in sorted({*released, *now}):
        if key not in released or key not in now:
            return f"{where}/{key}"
        if inner := _difference(released[key], now[key], f"{where}/{key}"):
            return inner
    return None


def _at(file: Path) -> str:
    """The path as the operator types it."""
    root = FOLDER.parents[1]
    return str(file.relative_to(root) if file.is_relative_to(root) else file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
