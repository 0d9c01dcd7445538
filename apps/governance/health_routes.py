"""GET /health, /health/live, /health/ready and /metrics: for people, supervisors and Prometheus."""

from pydantic_core import to_json

from apps.bridge.web import Answer
from apps.governance.health import Health
from apps.governance.numbers import TYPE, Numbers
from apps.governance.web import Request, Routes
from schemas.governance.calls.health import Overall

RETRY = {"retry-after": "2"}


def health_routes(health: Health, numbers: Numbers) -> Routes:
    """The four paths; 503 is for whoever only looks at the status."""

    async def whole(_: Request) -> Answer:
        seen = await health.look()
        critical = seen.status is Overall.CRITICAL
        return Answer(seen.model_dump_json().encode(), 503 if critical else 200)

    async def live(_: Request) -> Answer:
        said = {"alive": health.is_alive, "last_probe_seconds": round(health.age, 1)}
        return Answer(to_json(said), 200 if health.is_alive else 503)

    async def ready(_: Request) -> Answer:
        is_ready = await health.is_ready()
        status = 200 if is_ready else 503
        return Answer(to_json({"ready": is_ready}), status,
                      headers={} if is_ready else RETRY)  # fmt: skip

    async def metrics(_: Request) -> Answer:
        return Answer(numbers.page(health.last, health.age), kind=TYPE)

    return {
        "/health": {"GET": whole},
        "/health/live": {"GET": live},
        "/health/ready": {"GET": ready},
        "/metrics": {"GET": metrics},
    }
