"""What ``[pi.settings]`` of hosts.toml tells the process on a Pi, or why it would not take it."""

import difflib
import json

from pydantic import ValidationError

from apps.anima.settings import Settings
from schemas.errors import Refused
from schemas.hosts import PiHost

ELSEWHERE = {
    "home": "pi.user",
    "agent": "pi.agent",
    "governance_url": "pi.governance_url",
    "governance_token": "nothing: the deploy makes it",
    "draw_every_seconds": "pi.draw_every_seconds",
    "i2c": "pi.i2c",
    "name": "pi.creature",
}
"""Fields of Settings that the deploy says itself, and what to say in hosts.toml instead."""
SETTABLE = tuple(field for field in Settings.model_fields if field not in ELSEWHERE)


def told(pi: PiHost) -> dict[str, str]:
    """The variables of a Pi's own settings; the first thing wrong is refused by its key."""
    place = f"hosts.toml: {pi.name}: settings."
    for name in pi.settings:
        if name in ELSEWHERE:
            raise Refused(f"{place}{name}: has its own key", f"say {ELSEWHERE[name]}")
        if name not in SETTABLE:
            near = difflib.get_close_matches(name, SETTABLE, n=1)
            known = f"keys are {', '.join(sorted(SETTABLE))}"
            raise Refused(
                f"{place}{name}: unknown key", f"did you mean {near[0]!r}?" if near else known
            )
    said = pi.settings | {
        "home": pi.home,
        "agent": pi.agent,
        "governance_url": pi.governance_url,
        "governance_token": "-",
        "name": pi.creature,
    }
    try:
        # As JSON: strict, so that true is no number and "20" none either.
        Settings.model_validate_json(json.dumps(said), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0])
        where = f"{place}{field}" if field in pi.settings else f"hosts.toml: {ELSEWHERE[field]}"
        reason = first["msg"].removeprefix("Value error, ")
        raise Refused(
            f"{where}: {reason}, got {first['input']!r}", "see docs/anima.md, Settings"
        ) from None
    for name, value in pi.settings.items():
        if isinstance(value, str) and not value.isprintable():
            raise Refused(
                f"{place}{name}: is not one printable line, got {value!r}",
                "an environment file holds printable text",
            )
    return {f"ANIMA_{name.upper()}": str(value) for name, value in pi.settings.items()}
