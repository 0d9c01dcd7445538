"""The doors in OpenAPI 3.1, made of the same models that read what comes and write what goes."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from apps.bridge.tools import Toolbox
from schemas.bridge import CheckIn, Verdict
from schemas.governance.calls import Refusal, VerdictRefusal

PLACE = "#/components/schemas/{model}"
REFUSED = {
    "400": "not JSON as we speak it",
    "401": "no token, or not one of ours",
    "403": "the token is another agent's, or has not the right",
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


def document(toolbox: Toolbox, version: str) -> dict[str, Any]:
    """Every path, with the models of what it takes and gives."""
    asked = {CheckIn, *(tool.takes for tool in toolbox.values())}
    given = {Verdict, Refusal, VerdictRefusal, *(tool.gives for tool in toolbox.values())}
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
        }
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


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
