"""Schemathesis asks every operation of our own OpenAPI for what it promises, and for what not."""

import json
import warnings

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from schemas.bridge import BATCH_KIND, BATCH_PATH

EXAMPLES = 12
ALWAYS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@schemathesis.serializer(BATCH_KIND)
def one_line(_, value):
    """What is generated for one check-in, as a batch of one."""
    return value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n"


@schemathesis.deserializer(BATCH_KIND)
def outcome(_, response):
    """The answer to a batch of one."""
    return json.loads(response.content)


@schemathesis.check
def rejection(ctx, response, case):
    """What is not as declared is refused; in a batch, by the answer to its line."""
    if case.operation.path != BATCH_PATH or response.status_code != 200:
        return negative_data_rejection(ctx, response, case)
    line = json.loads(response.content)
    assert 400 <= line["status"] < 500, line
    return None


MODES = {GenerationMode.POSITIVE: ALWAYS, GenerationMode.NEGATIVE: (*ALWAYS, rejection)}


@pytest.fixture(scope="module")
def described(governance):
    """The operations, as GET /v1/openapi.json describes them."""
    status, _, text = governance.ask("GET", "/v1/openapi.json")
    assert status == 200
    schema = schemathesis.openapi.from_dict(json.loads(text))
    return [result.ok() for result in schema.get_all_operations()]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_every_operation_keeps_what_it_promises(governance, strangers, described, mode):
    """Its statuses, its content type and its schema; what is not as described is refused."""
    base = f"http://127.0.0.1:{governance.local}"
    faults = {}
    for operation in described:
        if mode is GenerationMode.NEGATIVE and not operation.body:
            continue  # nothing can be asked wrongly

        @settings(
            max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case) -> None:
            answer = case.call(base_url=base, headers={"X-Agent-Id": strangers.somebody_new()})
            assert answer.status_code != 429
            case.validate_response(answer, checks=list(MODES[mode]))

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ask()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001  all are told at the end
            faults[operation.label] = str(error)

    assert not faults, "\n\n".join(f"{where}\n{fault}" for where, fault in faults.items())
    assert len(described) > 5
