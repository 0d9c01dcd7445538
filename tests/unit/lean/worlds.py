"""The declarations twice: as everybody has them, and as the Pi's process does."""

import importlib
import random
import re
import sys
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

from apps import lean

MODULES = (
    "schemas.eisv", "schemas.bridge", "schemas.anima.tables", "schemas.anima.files",
    "apps.anima.settings", "apps.anima.piece",
)  # fmt: skip
TEXTS = (
    "lumen",
    "boot-0001",
    "1,2",
    "dot",
    "stroke",
    "http://mac:8767",
    "/home/anima",
    "naïve",
    "board",
)
ODD = (
    None, True, False, 0, 1, -1, 2, 0.5, 1.5, -3.0, 1e308, 2**70, float("nan"), float("inf"),
    "", " ", "0.5", "1_0", "yes", "true", "lumen\n", "x" * 200, "2026-11-29T00:00:00",
    "2026-11-29T00:00:00Z", "9999-12-31T23:59:59-10:00", [], [1], [1, 2, 3], {}, {"a": 1},
    {"a": [None]},
    "proceed", "pause", "opening", "resting", "gestural",
)  # fmt: skip


def is_ours(name: str) -> bool:
    """Whether a module is made anew for the other world."""
    top = name.split(".", maxsplit=1)[0]
    return top in {"schemas", "pydantic", "pydantic_core", "annotated_types"} or (
        name.startswith("apps.") and not name.startswith("apps.lean")
    )


def in_the_lean_world() -> list[ModuleType]:
    """The modules as the Pi's process imports them; this process keeps its own."""
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if is_ours(name)}
    try:
        lean.stand_in()
        return [importlib.import_module(name) for name in MODULES]
    finally:
        for name in [name for name in sys.modules if is_ours(name)]:
            del sys.modules[name]
        sys.modules.update(before)
        for name, module in before.items():  # a package that stayed holds its modules, too
            package, _, last = name.rpartition(".")
            if package and package not in before:
                setattr(sys.modules[package], last, module)


def models_of(modules: list[ModuleType]) -> dict[str, Any]:
    """Every model that is declared there, by the place where it is."""
    return {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if hasattr(value, "model_fields")
        and value.__module__ == module.__name__
        and value.model_fields
    }


REAL = models_of([importlib.import_module(name) for name in MODULES])
LEAN = models_of(in_the_lean_world())


class Maker:
    """Makes inputs that a JSON schema takes, and spoils them; same seed, same inputs."""

    def __init__(self, seed: int, schema: dict[str, Any]) -> None:
        self.chance, self._root = random.Random(seed), schema

    def make(self, schema: dict[str, Any] | None = None) -> Any:
        """What the schema takes, mostly."""
        schema, chance = self._root if schema is None else schema, self.chance
        if "$ref" in schema:
            return self.make(self._root["$defs"][schema["$ref"].rsplit("/", 1)[-1]])
        for key in ("anyOf", "allOf", "oneOf"):
            if key in schema:
                return self.make(chance.choice(schema[key]))
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return chance.choice(schema["enum"])
        return getattr(self, f"_{schema.get('type', 'any')}")(schema)

    def spoil(self, value: Any) -> Any:
        """One thing in it is odd, too much or missing."""
        chance = self.chance
        if isinstance(value, dict) and value and chance.random() < 0.8:
            key = chance.choice(sorted(value))
            what = chance.random()
            if what < 0.15:
                return {name: item for name, item in value.items() if name != key}
            if what < 0.25:
                return {**value, "not_a_field": 1}
            return {**value, key: self.spoil(value[key])}
        if isinstance(value, list) and value and chance.random() < 0.7:
            at = chance.randrange(len(value))
            return [*value[:at], self.spoil(value[at]), *value[at + 1 :]]
        return chance.choice(ODD)

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        needed = set(schema.get("required", ()))
        made = {
            name: self.make(each)
            for name, each in schema.get("properties", {}).items()
            if name in needed or self.chance.random() < 0.7
        }
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and not made:
            made = {text: self.make(more) for text in self.chance.sample(TEXTS, 2)}
        patterns = schema.get("patternProperties", {})
        for pattern, each in patterns.items():
            made |= {text: self.make(each) for text in TEXTS if re.search(pattern, text)}
        return made

    def _array(self, schema: dict[str, Any]) -> list[Any]:
        if "prefixItems" in schema:
            return [self.make(each) for each in schema["prefixItems"]]
        least = schema.get("minItems", 0)
        size = self.chance.randint(least, min(schema.get("maxItems", least + 3), least + 3))
        return [self.make(schema.get("items", {"type": "any"})) for _ in range(size)]

    def _number(self, schema: dict[str, Any]) -> float:
        low, high = schema.get("minimum", -10), schema.get("maximum", schema.get("minimum", 0) + 10)
        return self.chance.choice([low, high, self.chance.uniform(low, min(high, 1e9))])

    def _integer(self, schema: dict[str, Any]) -> int:
        low = int(schema.get("minimum", 0))
        return self.chance.randint(low, int(min(schema.get("maximum", low + 50), low + 50)))

    def _string(self, schema: dict[str, Any]) -> str:
        if schema.get("format") == "date-time":
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.chance.uniform(0, 1e8))
            return at.isoformat()
        fits = [text for text in TEXTS if re.search(schema.get("pattern", ""), text)]
        return self.chance.choice(fits or TEXTS)

    def _any(self, _schema: dict[str, Any]) -> Any:
        return self.chance.choice([None, 1, 0.25, "text", [1, "a"], {"a": {"b": None}}])

    def _boolean(self, _schema: dict[str, Any]) -> bool:
        return self.chance.random() < 0.5

    def _null(self, _schema: dict[str, Any]) -> None:
        return None
