"""The anima process: one loop, one writer, one sender, watched by systemd."""

import os
import signal
import sqlite3
import sys
import time

from apps.anima.life import Life
from apps.anima.log import say
from apps.anima.pulse import Pulse
from apps.anima.sender import Sender
from apps.anima.settings import Settings, read
from apps.anima.store import Store
from apps.anima.systemd import notify
from apps.bridge.client import Client
from schemas.errors import Diverged, HouseError, Unreachable
from schemas.ports import ANIMA_DB

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
WATCHDOG_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 1.0
CLOSE_SECONDS = 5.0


def main() -> int:
    """Run until told to stop; gives the exit code."""
    try:
        run(read(os.environ))
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def run(settings: Settings) -> None:
    """Wake, live, sleep."""
    # Blocked in every thread, and taken in by the main loop: no handler runs in between.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    pulse = Pulse()
    path = settings.home / ANIMA_DB
    store = Store(path, settings.agent, pulse.of("writer"))
    try:
        store.start()
        life = Life(settings, store)
    except (sqlite3.Error, OSError, TimeoutError) as error:
        raise Unreachable(
            f"{settings.home}: {error}", hint="is the disk full, or not ours?"
        ) from error
    client = Client(settings.governance_url, settings.governance_token)
    sender = Sender(store, client, life.will.hear, pulse.of("sender"))
    sender.start()
    notify("READY=1")
    try:
        _live(life, store, sender, pulse)
    finally:
        notify("STOPPING=1")
        life.sleep()
        for name, thread in (("sender", sender), ("store", store)):
            if not thread.close(CLOSE_SECONDS):
                say("left behind", thread=name)


def _live(life: Life, store: Store, sender: Sender, pulse: Pulse) -> None:
    """Turn after turn until a signal; the watchdog is fed while every thread makes progress."""
    fed = 0.0
    while True:
        pause = min(life.turn(), LONGEST_WAIT_SECONDS)
        for name, thread in (("writer", store), ("sender", sender)):
            if not thread.is_alive:
                raise Diverged(f"anima: the {name} thread has died", hint="see the lines above")
        if time.monotonic() - fed >= WATCHDOG_SECONDS:
            if silent := pulse.silent():
                say("watchdog not fed", silent=",".join(silent))
            else:
                notify("WATCHDOG=1")
            fed = time.monotonic()
        if signal.sigtimedwait(STOP_SIGNALS, pause):
            return
