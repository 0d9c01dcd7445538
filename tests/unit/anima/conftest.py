"""An anima.db made by the runner, and a governance that listens on loopback."""

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from apps.anima import noted
from apps.anima.checkin import compose, new_boot_id
from apps.anima.store import Store
from apps.anima.will import Will
from apps.bridge.client import Client
from apps.migrate import runner
from apps.migrate.lines import line
from schemas.anima.tables import AnimaState, DrawingState
from schemas.eisv import Anima

MIGRATIONS = Path(__file__).parents[3] / "migrations" / "anima"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VERDICT = b"""{"success": true, "contract": 1, "action": "proceed", "margin": "comfortable",
 "reason": "State healthy", "nearest_edge": "risk", "resolved_agent_id": "lumen",
 "eisv": {"E": 0.7, "I": 0.8, "S": 0.2, "V": 0}, "coherence": 0.5, "risk_score": 0.2}"""


@pytest.fixture
def forward() -> list[Path]:
    """The migrations in order."""
    return [file for file in sorted(MIGRATIONS.glob("*.sql")) if ".rollback" not in file.name]


@pytest.fixture
def back() -> list[Path]:
    """The rollbacks, in the order of what they undo."""
    return sorted(MIGRATIONS.glob("*.rollback.sql"))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An anima.db as a deploy leaves it; not to be written to."""
    file = tmp_path_factory.mktemp("migrated") / "anima.db"
    runner.apply(line("anima"), str(file))
    return file


@pytest.fixture
def path(tmp_path: Path, migrated: Path) -> Path:
    """A migrated, empty anima.db."""
    return Path(shutil.copy(migrated, tmp_path / "anima.db"))


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An open store; closed after the test."""
    opened = Store(path, "lumen")
    opened.start()
    yield opened
    assert opened.close(5)


@pytest.fixture
def anima() -> Anima:
    """A creature that feels well."""
    return Anima(warmth=0.4, clarity=0.8, stability=0.9, presence=0.9)


@pytest.fixture
def drawing_state() -> Callable[..., DrawingState]:
    """Makes rows of drawing_history."""
    return _drawing_state


def _drawing_state(marks: int = 10, **changes: object) -> DrawingState:
    """A row of drawing_history with awkward decimals."""
    row = {
        "timestamp": NOW, "E": 0.1 + 0.2, "I": 1 / 3, "S": 0.5, "V": -0.1, "C": 0.47,
        "marks": marks, "phase": "building", "era": "gestural", "arc_phase": "developing",
        "energy": 0.6, "curiosity": 0.8, "engagement": 0.5, "fatigue": 0.1,
        "gesture_entropy": 0.5, "switching_rate": 0.25, "intentionality": 0.4, **changes,
    }  # fmt: skip
    return DrawingState.model_validate(row)


PAUSE = b"""{"success": true, "contract": 1, "action": "pause", "margin": "critical",
 "reason": "rest", "nearest_edge": "risk", "resolved_agent_id": "lumen",
 "eisv": {"E": 0.5, "I": 0.5, "S": 0.5, "V": 0}, "coherence": 0.5, "risk_score": 0.7}"""


class Governance:
    """Answers every check-in with what ``answers`` holds, the last one for ever."""

    pause = PAUSE

    def __init__(self) -> None:
        self.takes_batches = True
        self.batches: list[int] = []
        self.answers: list[tuple[int, bytes]] = [(200, VERDICT)]
        self.received: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                said = self.rfile.read(size)
                if not self.path.endswith("/batch"):
                    status, body = outer.answer(headers, said)
                elif outer.takes_batches:
                    lines = said.splitlines()
                    outer.batches.append(len(lines))
                    told = [outer.answer(headers, line) for line in lines]
                    status, body = 200, b"".join(map(_line, told))
                else:
                    status, body = 404, b'{"success": false, "error": "nothing lives here"}'
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def answer(self, headers: dict[str, str], said: bytes) -> tuple[int, bytes]:
        """What one check-in gets."""
        self.received.append((headers, said))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _line(told: tuple[int, bytes]) -> bytes:
    status, body = told
    answer = body.replace(b"\n", b"") if body.startswith(b"{") else b"null"
    return b'{"status": %d, "answer": %s}\n' % (status, answer)


@pytest.fixture
def governance() -> Iterator[Governance]:
    """A governance on a port of its own."""
    server = Governance()
    yield server
    server.close()


@pytest.fixture
def client(governance: Governance) -> Client:
    """A client of that governance."""
    return Client(governance.url, SecretStr("canary-token"), timeout=0.5)


@pytest.fixture
def will(anima: Anima) -> Will:
    """A will that has felt, and remembers nothing."""
    made = Will(None)
    made.anima = anima
    return made


@pytest.fixture
def live(
    path: Path, anima: Anima, drawing_state: Callable[..., DrawingState]
) -> Callable[..., list[int]]:
    """Fills a file through the store: rows of history, check-ins, a wake; no journal is left."""

    def fill(rows: int, check_ins: int = 0) -> list[int]:
        store = Store(path, "lumen")
        store.start()
        store.wake(NOW)
        feeling = AnimaState.model_validate({"timestamp": NOW, **anima.model_dump()})
        for marks in range(rows):
            store.record_state(feeling)
            last = store.record_drawing_state(drawing_state(marks))
            if marks % 200 == 199:
                last.result(10)
        boot = new_boot_id()
        build = compose("lumen", boot, NOW, anima=anima, readings=[], dropped=0)
        seqs = [store.enqueue_checkin(boot, NOW, build) for _ in range(check_ins)]
        assert store.close(10)
        noted.forget_all(path)
        return seqs

    return fill
