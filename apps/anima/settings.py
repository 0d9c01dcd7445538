"""What the anima process must be told: read from the environment once, closed, refused if odd."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import SecretStr, StringConstraints, ValidationError, field_validator

from apps.anima.archives import LIMIT_BYTES as ARCHIVES_BYTES
from apps.anima.card import BUDGET_BYTES
from apps.anima.outbox import LIMIT_BYTES
from schemas.bridge import AgentName
from schemas.errors import Refused
from schemas.ports import ANIMA_CONFIG_DIR
from schemas.quantity import Closed, Quantity

CREDENTIAL = "governance_token"
"""The name under which systemd hands the token over (LoadCredential)."""
TOKEN_FILE = "GOVERNANCE_TOKEN_FILE"  # noqa: S105  the name of a variable
HINT = f"it is set in {ANIMA_CONFIG_DIR}/anima.env, which the deploy writes"

BOARD = "board"
"""The source that is the board's own sensors."""

Every = Annotated[float, Quantity("s", "environment", low=0.001, high=3600)]


class Settings(Closed):
    """Everything the process is told. Field ``home`` is the variable ANIMA_HOME, and so on."""

    home: Path
    """Directory of anima.db and canvas.json."""
    agent: AgentName
    governance_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s?#@]+$")]
    governance_token: SecretStr
    draw_every_seconds: Every = 1.0
    sense_every_seconds: Every = 2.0
    check_in_every_seconds: Every = 60.0
    state_every_seconds: Every = 60.0
    record_every_marks: Annotated[int, Quantity("{mark}", "environment", low=1, high=10_000)] = 10
    commit_every_seconds: Every = 30.0
    """How long a row of history may wait for the commit of another."""
    write_budget_bytes: Annotated[
        int, Quantity("By", "environment: a day, docs/card.md", low=2**20, high=2**50)
    ] = BUDGET_BYTES
    archive_limit_bytes: Annotated[
        int, Quantity("By", "environment: all archives, docs/clock.md", low=0, high=2**50)
    ] = ARCHIVES_BYTES
    seed: int | None = None
    i2c: bool = False
    source: Annotated[str, StringConstraints(pattern=r"^(board|replay:/.+)$")] = BOARD
    """The sensors, or ``replay:`` and the absolute path of a recorded series."""
    feelings: Path | None = None
    """Weights of the feelings; without it feelings.toml at home, if that is there."""
    name: Annotated[str, StringConstraints(pattern=r"^\S(.{0,62}\S)?$")] | None = None
    """What the creature is called; without it, as before."""
    outbox_limit_bytes: Annotated[
        int, Quantity("By", "environment", low=1_048_576, high=4_294_967_296)
    ] = LIMIT_BYTES
    """What may wait for governance; beyond it, it is thinned (docs/bridge.md)."""

    @field_validator("home", "feelings")
    @classmethod
    def _is_absolute(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_absolute():
            raise ValueError("must be an absolute path")
        return path


VARIABLES = {
    name.upper() if name.startswith("governance") else f"ANIMA_{name.upper()}": name
    for name in Settings.model_fields
    if name != "governance_token"
}


def read(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment; the first thing wrong is refused by its key."""
    for key in environment:
        if key.startswith("ANIMA_") and key not in VARIABLES:
            import difflib  # noqa: PLC0415  only wanted on the way out

            near = difflib.get_close_matches(key, VARIABLES, n=1, cutoff=0.8)
            known = ", ".join(sorted(VARIABLES))
            raise Refused(
                f"{key}: unknown key",
                hint=f"did you mean {near[0]!r}?" if near else f"keys are {known}",
            )
    told: dict[str, object] = {
        field: environment[key] for key, field in VARIABLES.items() if key in environment
    }
    try:
        return Settings.model_validate({**told, "governance_token": _token(environment)})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0])
        key = next((key for key, name in VARIABLES.items() if name == field), field)
        is_silent = first["type"] == "missing" or "@" in str(first["input"])  # user:password@
        got = "" if is_silent else f", got {first['input']!r}"
        raise Refused(f"{key}: {first['msg'].lower()}{got}", hint=HINT) from None


def _token(environment: Mapping[str, str]) -> SecretStr:
    """The bearer token out of its file; never out of the environment itself."""
    if directory := environment.get("CREDENTIALS_DIRECTORY"):
        file = Path(directory) / CREDENTIAL
    elif TOKEN_FILE in environment:
        file = Path(environment[TOKEN_FILE])
    else:
        hint = f"run under systemd with LoadCredential={CREDENTIAL}, or set {TOKEN_FILE}"
        raise Refused("governance token: no file is named", hint=hint)
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not ASCII"
        raise Refused(f"{file}: {reason}", hint="it holds the governance token") from None
    if not token or not token.isprintable() or " " in token:
        raise Refused(f"{file}: is not a token", hint="one line, no spaces")
    return SecretStr(token)
