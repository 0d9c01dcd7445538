"""What the Pi's process takes for pydantic: the part of it that our declarations use.

pydantic costs that process 14 of its 30 MB and half of its start. ``tests/unit/lean`` holds this
room against the real one, model by model; what deploys, migrates or serves uses the real one.
"""

import sys
from types import ModuleType

from apps.lean import constraints, model, values
from schemas.errors import Diverged

PYDANTIC = {
    "AfterValidator": constraints.AfterValidator,
    "AwareDatetime": constraints.AwareDatetime,
    "BaseModel": model.Model,
    "ConfigDict": dict,
    "Field": constraints.Field,
    "GetJsonSchemaHandler": object,
    "JsonValue": constraints.JsonValue,
    "SecretStr": values.SecretStr,
    "StringConstraints": constraints.StringConstraints,
    "ValidationError": values.ValidationError,
    "field_validator": model.field_validator,
    "model_validator": model.model_validator,
}
NAMES: dict[str, dict[str, object]] = {
    "pydantic": PYDANTIC,
    "pydantic.json_schema": {"JsonSchemaValue": dict},
    "pydantic_core": {
        "CoreSchema": dict,
        "from_json": values.from_json,
        "to_json": values.to_json,
    },
    "annotated_types": {
        "Ge": constraints.Ge,
        "GroupedMetadata": constraints.GroupedMetadata,
        "Le": constraints.Le,
        "Len": constraints.Len,
        "MaxLen": constraints.MaxLen,
        "MinLen": constraints.MinLen,
    },
}


def stand_in() -> None:
    """From now on, whoever imports pydantic in this process gets this room.

    Diverged if the real one is there already: a process has one of them.
    """
    if "pydantic" in sys.modules:
        raise Diverged("pydantic: is imported already", "stand in before anything else is imported")
    for name, content in NAMES.items():
        module = ModuleType(name, f"{name}, as far as the Pi needs it.")
        module.__dict__.update(content)
        sys.modules[name] = module
