"""A real anima process, somebody who starts it again whatever happens, and the Mac's own ledger."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
RUN = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)  # killed with whoever started it
sys.modules["_hashlib"] = None
from apps.anima import arc, life, sender, writer
writer.CHECKPOINT_PAGES, sender.STORE_SECONDS = 60, 0.2
if full := os.environ.get("CANVAS_FULL"):
    arc.FULL, life.SAVE_CANVAS_SECONDS, life.SAVE_CANVAS_BYTES_A_SECOND = int(full), 0.1, 1e6
from apps.anima.main import main
sys.exit(main())
"""
"""What __main__ does, with a log that is copied into the file every few commits, in a hurry.

With CANVAS_FULL a piece ends at so many pixels, by the way of any piece that fills its canvas.
"""
HURRY = {
    "ANIMA_DRAW_EVERY_SECONDS": "0.002",
    "ANIMA_SENSE_EVERY_SECONDS": "0.05",
    "ANIMA_CHECK_IN_EVERY_SECONDS": "0.02",
    "ANIMA_STATE_EVERY_SECONDS": "0.02",
    "ANIMA_COMMIT_EVERY_SECONDS": "0.03",
}
STARTS = 8
"""So often a fallen process is started again before it counts as a call for help."""


class Mac:
    """A governance that keeps what it acknowledged, outside of all that is broken here."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], str] = {}
        self.bodies: dict[tuple[str, int], dict] = {}
        self.repeats = 0
        self.conflicts = 0
        self._lock = threading.Lock()
        mac = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path.endswith("/batch"):
                    status, answer = 200, b"".join(map(mac.line, body.splitlines()))
                else:
                    status, answer = mac.take(body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """The other end was killed: that is the point."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, body: bytes) -> tuple[int, bytes]:
        """One check-in, once; the same one again is a repeat."""
        try:
            told = json.loads(body)
        except ValueError:
            return 422, b'{"success": false, "error": "not JSON"}'
        key, digest = (told["boot_id"], told["seq"]), sha256(body).hexdigest()
        with self._lock:
            known = self.kept.setdefault(key, digest)
            is_repeat = key in self.bodies
            self.bodies.setdefault(key, told)
            self.repeats += is_repeat
            if known != digest:
                self.conflicts += 1
                return 409, b'{"success": false, "error": "another body"}'
        verdict = {
            "success": True, "contract": 1, "action": "proceed", "margin": "comfortable",
            "reason": "State healthy", "nearest_edge": "risk", "resolved_agent_id": "lumen",
            "eisv": {"E": 0.7, "I": 0.8, "S": 0.2, "V": 0}, "coherence": 0.5, "risk_score": 0.2,
            "repeated": is_repeat,
        }  # fmt: skip
        return 200, json.dumps(verdict).encode()

    def line(self, body: bytes) -> bytes:
        """One check-in of a batch."""
        status, answer = self.take(body)
        return b'{"status": %d, "answer": %s}\n' % (status, answer)

    @property
    def seqs(self) -> set[int]:
        """Every outbox id that arrived."""
        return {seq for _, seq in list(self.kept) if seq}

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


class Creature:
    """One home, and the process that lives in it."""

    def __init__(self, home: Path, url: str, **more: str) -> None:
        self.home, self.path = home, home / "anima.db"
        (home / "token").write_text("canary-token")
        self._told = {
            "PATH": os.environ["PATH"], "ANIMA_HOME": str(home), "ANIMA_AGENT": "lumen",
            "ANIMA_SEED": "7", "GOVERNANCE_URL": url, "GOVERNANCE_TOKEN_FILE": str(home / "token"),
            "PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "1", **HURRY, **more,
        }  # fmt: skip
        self.said = home.parent / f"{home.name}.said"
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin a process; all it says goes to one file."""
        self.starts += 1
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN],
                cwd=ROOT, env=self._told, stdout=said, stderr=said, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def keep_alive(self) -> None:
        """As systemd does: start it if it is not there."""
        if self.process is None or self.process.poll() is not None:
            assert self.starts < STARTS, f"needs help:\n{self.told[-3000:]}"
            self.start()

    def kill(self) -> None:
        """Without a word."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> int:
        """Good night; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.process = None
        return code

    def end(self) -> None:
        """Kill it if it is still there."""
        if self.process:
            self.kill()

    @property
    def told(self) -> str:
        """All that it said so far."""
        return self.said.read_text(errors="replace") if self.said.exists() else ""

    def ask(self, sql: str) -> list[tuple]:
        """A look from outside, at what is committed."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5)) as db:
            return db.execute(sql).fetchall()

    def ids(self, table: str) -> set[int]:
        """What is in a table."""
        return {id_ for (id_,) in self.ask(f"SELECT id FROM {table}")}


def until(fact, seconds: float = 90.0, creature: Creature | None = None):
    """Wait for a fact; a creature that falls meanwhile is started again."""
    end = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < end, creature and creature.told[-3000:]
        if creature:
            creature.keep_alive()
        time.sleep(0.02)
    return found


def tell(capsys, told: dict[str, object]) -> None:
    """The summary of a soak, for whoever watches it."""
    with capsys.disabled():
        sys.stdout.write("\n" + "".join(f"{told[name]:>10}  {name}\n" for name in told))


def amount(name: str, short: int) -> int:
    """How many faults: a short slice, or what the environment asks for."""
    return int(os.environ.get(name, short))
