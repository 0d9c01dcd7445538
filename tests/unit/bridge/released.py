"""The other side as it was released: what a Pi of each contract reads, what a Mac of each answers.

Written down once and never changed with the code. Run by both conftests.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Literal

from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field

CONTRACTS = Path(__file__).parents[3] / "schemas" / "contracts"
RELEASED = tuple(sorted(int(folder.name) for folder in CONTRACTS.iterdir()))
Ratio = Annotated[float, Field(ge=0, le=1)]


class Eisv(BaseModel):
    """The governance EISV as a verdict carries it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    E: Ratio
    I: Ratio
    S: Annotated[float, Field(ge=0.001, le=2)]
    V: Annotated[float, Field(ge=-2, le=2)]


class VerdictOne(BaseModel):
    """What a Pi of contract 1 understands; everything else holds it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    success: Literal[True] = True
    contract: Literal[1] = 1
    action: Literal["proceed", "pause"]
    margin: Literal["comfortable", "tight", "warning", "critical"]
    reason: str
    nearest_edge: Literal["risk", "coherence", "void"]
    resolved_agent_id: str
    eisv: Eisv
    coherence: Ratio
    risk_score: Ratio
    repeated: bool = False


class VerdictTwo(VerdictOne):
    """What a Pi of contract 2 understands beside contract 1."""

    contract: Literal[2]  # type: ignore[assignment]
    late: bool


class VerdictThree(VerdictTwo):
    """What a Pi of contract 3 understands: nothing new in a verdict but its number."""

    contract: Literal[3]  # type: ignore[assignment]


READERS = {1: VerdictOne, 2: VerdictTwo, 3: VerdictThree}


def golden(contract, name):
    """A message of a released contract, as bytes."""
    return (CONTRACTS / str(contract) / f"{name}.json").read_bytes()


def names(contract, kind):
    """The golden messages of a kind: check-in or verdict."""
    files = sorted((CONTRACTS / str(contract)).glob(f"{kind}.*.json"))
    return [file.stem for file in files if file.stem != f"{kind}.schema"]


def validator(contract, kind):
    """The frozen schema of check-in or verdict."""
    return Draft202012Validator(json.loads(golden(contract, f"{kind}.schema")))


class Mac:
    """Speaks the contracts up to ``contract``, by their frozen schemas alone.

    It keeps each key once with what was said under it, as core.agent_state does.
    """

    def __init__(self, contract, port=0):
        self.contract = contract
        self.received = []
        self.stored = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.received.append(said)
                status, body = outer.answer(said)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def answer(self, said):
        """What a Mac of this contract says to a check-in."""
        contract = said.get("contract", 1)
        if contract not in RELEASED[: RELEASED.index(self.contract) + 1]:
            return 422, golden(self.contract, "refusal.contract")
        if wrong := list(validator(contract, "check-in").iter_errors(said)):
            told = {"success": False, "error": f"check-in: {wrong[0].message:.80}"}
            return 422, json.dumps(told).encode()
        key = (said.get("boot_id", len(self.stored)), said.get("seq"))
        if key not in self.stored:
            self.stored[key] = _core(said)
            return 200, golden(contract, "verdict.proceed")
        if self.stored[key] == _core(said):
            return 200, golden(contract, "verdict.repeated")
        return 409, b'{"success": false, "error": "stored as another"}'

    def close(self):
        """Stop answering; the port is free afterwards."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _core(said):
    """What a repeat has in common: all of contract 1 but the envelope."""
    known = {"outbox_depth", "dropped_records", "rejected_checkins"}
    pi = {key: value for key, value in said.get("pi", {}).items() if key in known}
    beside = {"agent", "contract", "pi", "monotonic_seconds"}
    return {k: v for k, v in said.items() if k not in beside} | {"pi": pi}
