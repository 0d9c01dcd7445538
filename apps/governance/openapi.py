"""The doors in OpenAPI 3.1, made of the same models that read what comes and write what goes."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from apps.bridge.tools import Toolbox
from schemas.bridge import (
    BATCH_KIND,
    BATCH_LIMIT,
    BATCH_LIMIT_BYTES,
    BATCH_PATH,
    CheckIn,
    Verdict,
)
from schemas.governance.calls import Call, Refusal, VerdictRefusal
from schemas.governance.calls.health import HealthReply
from schemas.governance.calls.where import Where, WhereReply

PLACE = "#/components/schemas/{model}"
OBJECT = {"type": "object"}
REFUSED = {
    "400": "not JSON as we speak it",
    "401": "no token, or not one of ours",
    "403": "the token is another agent's, or has not the right",
    "404": "what was asked for is not there",
    "405": "another method",
    "408": "the body took too long",
    "409": "what is stored says otherwise",
    "413": "the body is too long",
    "415": "the body is not application/json",
    "422": "the body is not as declared",
    "429": "too many; Retry-After says when",
    "500": "a fault of ours",
    "503": "a store does not answer; Retry-After says when to send it again",
}

PLAIN = {
    "200": {"description": "so it is", "content": {"application/json": {"schema": OBJECT}}},
    "503": {"description": "it is not", "content": {"application/json": {"schema": OBJECT}}},
}
TEXT = {
    "200": {"description": "numbers", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


def document(toolbox: Toolbox, version: str) -> dict[str, Any]:
    """Every path, with the models of what it takes and gives."""
    asked = {CheckIn, *(tool.takes for tool in toolbox.values())}
    given = {Verdict, Refusal, VerdictRefusal, *(tool.gives for tool in toolbox.values())}
    given |= {HealthReply, WhereReply}
    models = [(m, "validation") for m in asked] + [(m, "serialization") for m in given]
    names, defined = models_json_schema(
        sorted(models, key=lambda one: (one[0].__name__, one[1])),  # type: ignore[arg-type]
        ref_template=PLACE,
    )

    def takes(model: type[BaseModel]) -> dict[str, Any]:
        return {"required": True, "content": _json(names[model, "validation"])}

    def answers(model: type[BaseModel], refusal: type[BaseModel] = Refusal) -> dict[str, Any]:
        wrong = _json(names[refusal, "serialization"])
        # At the door nobody knows yet what was asked for.
        plain = {
            "schema": {
                "anyOf": [wrong["application/json"]["schema"], names[Refusal, "serialization"]]
            }
        }
        refused = {
            c: {"description": d, "content": {"application/json": plain}}
            for c, d in REFUSED.items()
        }
        good = {"description": "done", "content": _json(names[model, "serialization"])}
        return {"200": good, **refused}

    paths: dict[str, Any] = {
        "/v1/checkins": {
            "post": {
                "operationId": "check_in",
                "summary": "A check-in, answered with a verdict once it is on disk.",
                "requestBody": takes(CheckIn),
                "responses": answers(Verdict),
            }
        },
        BATCH_PATH: {
            "post": {
                "operationId": "check_in_batch",
                "summary": f"Up to {BATCH_LIMIT} check-ins in {BATCH_LIMIT_BYTES} bytes, one on a"
                " line, oldest first. Each line of the answer is what its check-in would have got"
                " alone, once all are on disk: status, answer and, if it is to come later,"
                " retry_after.",
                "requestBody": {"required": True, "content": _lines(takes(CheckIn))},
                "responses": {
                    **answers(Verdict),
                    "200": {
                        "description": "an answer to each, in order",
                        "content": _lines(_outcome(answers(Verdict))),
                    },
                },
            }
        },
    }
    for tool in toolbox.values():
        refusal = VerdictRefusal if tool.is_verdict else Refusal
        paths[f"/v1/tools/{tool.name}"] = {
            "post": {
                "operationId": tool.name,
                "summary": tool.says,
                "x-right": tool.needs.value,
                "requestBody": takes(tool.takes),
                "responses": answers(tool.gives, refusal),
            }
        }
    critical = {"503": {"description": "critical", **answers(HealthReply)["200"]}}
    paths |= {
        "/health": _asked(
            "health",
            "How governance stands: 503 when it is critical.",
            {"200": answers(HealthReply)["200"], **critical},
        ),
        "/health/live": _asked("live", "Whether probes still come to an end.", PLAIN),
        "/health/ready": _asked("ready", "Whether a check-in sent now would be stored.", PLAIN),
        "/metrics": _asked("metrics", "The same in numbers, for Prometheus.", TEXT),
        "/v1/where": _asked(
            "where_get", "Where a piece of data lives.", answers(WhereReply), _parameters(Where)
        ),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "governance of abode", "version": version},
        "paths": paths,
        "components": {
            "schemas": defined.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _asked(
    name: str, says: str, answers: dict[str, Any], given: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A path that is only read."""
    return {
        "get": {
            "operationId": name,
            "summary": says,
            "parameters": given or [],
            "responses": answers,
        }
    }


def _parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of a model as a question behind a path; the hints of old clients are none."""
    schema = model.model_json_schema()
    own = model.model_fields.keys() - Call.model_fields.keys()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "schema": schema["properties"][name],
        }
        for name in model.model_fields
        if name in own
    ]


def _outcome(answers: dict[str, Any]) -> dict[str, Any]:
    """One line of the answer to a batch."""
    told = [answers[code]["content"]["application/json"]["schema"] for code in ("200", "422")]
    number = {"type": "integer"}
    schema = {
        "type": "object",
        "properties": {"status": number, "answer": {"anyOf": told}, "retry_after": number},
        "required": ["status", "answer"],
        "additionalProperties": False,
    }
    return {"content": _json(schema)}


def _lines(of: dict[str, Any]) -> dict[str, Any]:
    """The same, a line of JSON each."""
    return {BATCH_KIND: {"schema": of["content"]["application/json"]["schema"]}}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
