"""The contract between Pi and Mac: what a check-in says and what a verdict answers.

``CheckIn`` accepts the first seed's message as it stands; the envelope (contract, agent,
boot_id, seq, recorded_at) is what our own Pi adds so that a repeat is known for one.
A released contract never changes (schemas/contracts); docs/bridge.md tells how a new one comes.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal, Self, get_args

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import from_json, to_json

from schemas.eisv import Anima, DrawingEisv, GovernanceEisv, Ratio, ReportedEisv
from schemas.quantity import Closed, Instant, Quantity
from schemas.table import Owner, Sensitivity

Contract = Literal[1, 2, 3]
RELEASED: Final[tuple[int, ...]] = get_args(Contract)
CONTRACT: Final[Contract] = 3
CHECK_IN_SINCE: Final[Mapping[tuple[str, str], int]] = {
    ("pi", "schema_version"): 2,
    ("", "monotonic_seconds"): 3,
    ("pi", "failures"): 3,
    ("pi", "outbox_bytes"): 3,
    ("pi", "outbox_oldest_seconds"): 3,
    ("pi", "thinned_checkins"): 3,
    ("pi", "gaps"): 3,
    ("pi", "db_bytes"): 3,
    ("pi", "written_bytes_today"): 3,
    ("pi", "backup_age_seconds"): 3,
    ("pi", "rss_bytes"): 3,
    ("pi", "clock_known"): 3,
}
"""By part, "" for the check-in itself, and name."""
VERDICT_SINCE: Final[Mapping[str, int]] = {"late": 2}
"""What came after contract 1, and with which: who speaks an older one neither says nor hears it."""

CHECK_IN_LIMIT_BYTES = 65_536
BATCH_PATH = "/v1/checkins/batch"
BATCH_KIND = "application/x-ndjson"
BATCH_LIMIT = 256
BATCH_LIMIT_BYTES = 262_144
"""How many check-ins, and how much of them, the Mac takes in one request."""
FAILURES_LIMIT = 32
GAPS_LIMIT = 8
CHECK_IN_EVERY_SECONDS = 60.0

AgentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
BootId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{7,63}$")]
Sequence = Annotated[int, Quantity("1", "outbox id on the Pi", low=0, high=2**63 - 1)]
Percent = Annotated[float, Quantity("%", "a share of the whole", low=0, high=100)]
Count = Annotated[int, Quantity("1", "a count", low=0, high=2**63 - 1)]
Bytes = Annotated[int, Quantity("By", "a size", low=0, high=2**63 - 1)]
Age = Annotated[float, Quantity("s", "the Pi's clock", low=0, high=1e12)]
SchemaVersion = Annotated[int, Quantity("1", "newest migration of anima.db", low=0, high=9999)]

SENSORS = (
    "cpu_temp_c",
    "ambient_temp_c",
    "humidity_pct",
    "pressure_hpa",
    "light_lux",
    "load_1m",
    "cpu_percent",
    "memory_percent",
    "disk_percent",
)


class SensorData(Closed):
    """What the Pi measured. A sensor that is not there is absent, never invented."""

    cpu_temp_c: Annotated[float, Quantity("Cel", "thermal zone", low=-40, high=125)] | None = None
    ambient_temp_c: Annotated[float, Quantity("Cel", "I2C", low=-40, high=85)] | None = None
    humidity_pct: Percent | None = None
    pressure_hpa: Annotated[float, Quantity("hPa", "I2C", low=300, high=1100)] | None = None
    light_lux: Annotated[float, Quantity("lx", "I2C", low=0, high=200_000)] | None = None
    load_1m: Annotated[float, Quantity("1", "/proc/loadavg", low=0, high=100_000)] | None = None
    cpu_percent: Percent | None = None
    memory_percent: Percent | None = None
    disk_percent: Percent | None = None
    sources: dict[str, str] | None = None
    drawing_eisv: DrawingEisv | None = None


class IdentityReport(Closed):
    """How often the creature woke and how long it lived, by its own count."""

    awakenings: Count
    alive_seconds: Annotated[float, Quantity("s", "anima.db identity", low=0)]


class Gap(Closed):
    """Check-ins that the Pi's outbox had no room for: so many of those from first to last."""

    first_seq: Sequence
    last_seq: Sequence
    count: Annotated[int, Quantity("1", "check-ins that will never come", low=1, high=2**63 - 1)]
    from_at: Instant
    upto_at: Instant


class PiHealth(Closed):
    """What the Pi could not do, so that nobody has to guess."""

    outbox_depth: Count = 0
    dropped_records: Count = 0
    rejected_checkins: Count = 0
    schema_version: SchemaVersion | None = None
    failures: (
        Annotated[
            dict[Annotated[str, StringConstraints(min_length=1, max_length=64)], Count],
            Field(max_length=FAILURES_LIMIT),
        ]
        | None
    ) = None
    """What went wrong since the process began, by kind."""
    outbox_bytes: Bytes | None = None
    outbox_oldest_seconds: Age | None = None
    thinned_checkins: Count | None = None
    """Check-ins that lost their detail for want of room, until a check-in that says so arrives."""
    gaps: Annotated[list[Gap], Field(max_length=GAPS_LIMIT)] | None = None
    """What is missing altogether, until a check-in that says so arrives."""
    db_bytes: Bytes | None = None
    written_bytes_today: Bytes | None = None
    backup_age_seconds: Age | None = None
    rss_bytes: Bytes | None = None
    clock_known: bool | None = None


class Message(Closed):
    """What crosses the bridge. ``owner`` says it; ``kept`` is where, and for how long."""

    owner: ClassVar[Owner]
    kept: ClassVar[str]
    fresh_seconds: ClassVar[float | None]
    sensitivity: ClassVar[Sensitivity]

    def __init_subclass__(
        cls,
        *,
        owner: Owner,
        kept: str,
        fresh_seconds: float | None = None,
        sensitivity: Sensitivity = "internal",
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.owner, cls.kept = owner, kept
        cls.fresh_seconds, cls.sensitivity = fresh_seconds, sensitivity


class CheckIn(
    Message,
    owner="pi",
    kept="in the Pi's outbox until answered, then as core.agent_state",
    fresh_seconds=5 * CHECK_IN_EVERY_SECONDS,
    sensitivity="personal",
):
    """One report of an agent, sent every minute and kept until it is acknowledged."""

    contract: Contract = 1
    agent: AgentName | None = None
    boot_id: BootId | None = None
    seq: Sequence | None = None
    recorded_at: Instant | None = None
    monotonic_seconds: (
        Annotated[float, Quantity("s", "CLOCK_BOOTTIME of the Pi", low=0, high=1e12)] | None
    ) = None
    anima: Anima
    eisv: ReportedEisv | None = None
    sensor_data: SensorData = Field(default_factory=SensorData)
    identity: IdentityReport | None = None
    pi: PiHealth | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """Its key, and that it keeps to its contract."""
        if (self.boot_id is None) != (self.seq is None):
            raise ValueError("boot_id and seq belong together: send both or neither")
        for (part, name), since in CHECK_IN_SINCE.items():
            inner = getattr(self, part) if part else self
            if since > self.contract and inner and name in inner.model_fields_set:
                where = f"{part}/{name}" if part else name
                raise ValueError(f"{where}: unknown in contract {self.contract}")
        return self

    def told(self) -> bytes:
        """What was sent, as JSON, its members in the order of the fields."""
        return self.__pydantic_serializer__.to_json(self, exclude_unset=True)

    def said(self, told: bytes | None = None) -> bytes:
        """What a repeat must say again, whichever contract it speaks; what later ones added is not.

        Its hash lies in core.agent_state: for a check-in of contract 1 it never changes.
        ``told`` spares making it again.
        """
        text = told or self.told()
        since = 1
        for name in ("contract", "agent"):  # they come first, and hold no comma
            if name in self.model_fields_set:
                since = text.index(b",", since) + 1
        left = b"{" + text[since:]
        if not any(name.encode() in left for _, name in CHECK_IN_SINCE):
            return left
        members = from_json(left)
        for part, name in CHECK_IN_SINCE:
            inner = members.get(part) if part else members  # null, if that was said
            if inner:
                inner.pop(name, None)
        return to_json(members)


class Action(StrEnum):
    """What the agent may do until its next check-in."""

    PROCEED = "proceed"
    PAUSE = "pause"


class Margin(StrEnum):
    """How far the nearest edge is."""

    COMFORTABLE = "comfortable"
    TIGHT = "tight"
    WARNING = "warning"
    CRITICAL = "critical"


class Edge(StrEnum):
    """The limits that a verdict is measured against."""

    RISK = "risk"
    COHERENCE = "coherence"
    VOID = "void"


class Verdict(Message, owner="mac", kept="in core.agent_state, with its check-in"):
    """The answer to a check-in. Given only once the check-in is on disk.

    ``late``: a newer one came before it, so nothing steps from it (docs/bridge.md says what is
    newer).
    """

    success: Literal[True] = True
    contract: Contract = 1
    action: Action
    margin: Margin
    reason: str
    nearest_edge: Edge
    resolved_agent_id: str
    eisv: GovernanceEisv
    coherence: Ratio
    risk_score: Ratio
    repeated: bool = False
    late: bool | None = Field(default=None, exclude_if=lambda late: late is None)

    @model_validator(mode="after")
    def _keeps_to_its_contract(self) -> Self:
        for name, since in VERDICT_SINCE.items():
            if (getattr(self, name) is None) != (since > self.contract):
                verb = "is missing" if since <= self.contract else "is unknown"
                raise ValueError(f"{name}: {verb} in contract {self.contract}")
        return self

    def spoken_in(self, contract: Contract) -> "Verdict":
        """The same verdict in a contract that is not newer than its own."""
        if contract == self.contract:
            return self
        later = {name: None for name, since in VERDICT_SINCE.items() if since > contract}
        return self.model_copy(update={"contract": contract, **later})
