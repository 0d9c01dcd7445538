"""Noise is thinned out, always the same way, and what was left out is told."""

import asyncio
import json

import pytest

from apps.governance.audit import AuditLog, event
from apps.governance.sampling import Sampler
from schemas.errors import Refused
from schemas.governance.sampling import KEEP_ONE_IN

NOISY = next(iter(KEEP_ONE_IN))


def test_one_in_some_is_kept_and_the_rest_is_counted():
    """Kept and left out are all there were."""
    said = [event("lumen", NOISY, {"n": n}) for n in range(2_000)]
    sampler = Sampler()
    kept = sampler.kept(said)
    told = sum(each["payload"]["sampled"]["left_out"] for each in kept)

    assert 2_000 / KEEP_ONE_IN[NOISY] / 2 < len(kept) < 2_000 / KEEP_ONE_IN[NOISY] * 2
    assert len(kept) + told + sampler.left_out[NOISY] == 2_000
    assert kept[0]["payload"]["sampled"]["one_in"] == KEEP_ONE_IN[NOISY]
    again = Sampler().kept(said)
    assert [each["event_id"] for each in again] == [each["event_id"] for each in kept]


def test_whatever_is_not_named_is_kept_as_it_is():
    """The very same."""
    said = [event("lumen", kind, {}) for kind in ("check_in", "outcome", "identity_created")] * 50

    assert Sampler().kept(said) == said


@pytest.mark.parametrize(
    "kind", ["check_in", "check_in_conflict", "identity_created", "agent_status", "trail_opened"]
)
def test_what_counts_may_not_be_sampled(kind):
    """A policy that says so is refused at start."""
    with pytest.raises(Refused, match=kind):
        Sampler({kind: 2})


def test_the_trail_is_thinned_out(tmp_path):
    """Who waits for a line that is left out is answered."""
    audit = AuditLog(tmp_path / "audit_log.jsonl")
    said = [event(None, NOISY, {"n": n}) for n in range(200)]

    async def work():
        writer = asyncio.create_task(audit.run())
        for each in said:
            await audit.append([each])
        audit.close()
        await writer

    asyncio.run(work())
    lines = [json.loads(line) for line in audit.path.read_text().splitlines()]

    assert [x["event_id"] for x in lines] == [x["event_id"] for x in Sampler().kept(said)]
