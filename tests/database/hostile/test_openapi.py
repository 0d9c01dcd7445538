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

EXAMPLES = 12
ALWAYS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
MODES = {
    GenerationMode.POSITIVE: ALWAYS,
    GenerationMode.NEGATIVE: (*ALWAYS, negative_data_rejection),
}


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
