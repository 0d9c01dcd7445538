"""The anima process: one loop, one writer, one sender, watched by systemd."""

import os
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from apps.anima.ballast import Ballast
from apps.anima.card import Card
from apps.anima.checkup import Checkup
from apps.anima.life import Life
from apps.anima.log import say
from apps.anima.pulse import Pulse
from apps.anima.requeue import requeue
from apps.anima.sender import Sender
from apps.anima.settings import Settings, read
from apps.anima.store import Store
from apps.anima.systemd import notify
from apps.anima.will import Will
from apps.bridge.client import Client
from apps.sqlite import RESTORE
from schemas.anima.tables import Event, EventType
from schemas.errors import Diverged, HouseError, Refused, Unreachable
from schemas.ports import ANIMA_DB

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
WATCHDOG_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 1.0
CLOSE_SECONDS = 5.0


def main(words: Sequence[str] = ()) -> int:
    """Run until told to stop, or do the one other thing it can; gives the exit code."""
    try:
        if not words:
            run(read(os.environ))
        elif list(words) == ["requeue"]:
            requeue(os.environ)
        else:
            raise Refused(f"{' '.join(words)}: unknown", hint="say nothing, or requeue")
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
    ballast = Ballast(settings.home)
    ballast.prepare()
    card = Card(settings.write_budget_bytes)
    store = Store(
        path,
        settings.agent,
        pulse.of("writer"),
        ballast.drop,
        linger=settings.commit_every_seconds,
        card=card,
    )
    client = Client(settings.governance_url, settings.governance_token)
    try:
        store.start()
        last_said = store.wake(datetime.now(UTC), settings.name)
        will = Will(last_said, settings.check_in_every_seconds)
        sender = Sender(store, client, will.hear, pulse.of("sender"))
        life = Life(settings, store, will, sender.send_unqueued)
    except (sqlite3.Error, OSError, TimeoutError) as error:
        raise Unreachable(
            f"{settings.home}: {error}", hint="is the disk full, or not ours?"
        ) from error
    checkup = Checkup(path)
    sender.start()
    notify("READY=1")
    checkup.start()
    try:
        _live(life, store, sender, checkup, pulse)
    finally:
        notify("STOPPING=1")
        life.sleep()
        for name, thread in (("checkup", checkup), ("sender", sender), ("store", store)):
            if not thread.close(CLOSE_SECONDS):
                say("left behind", thread=name)


def _live(life: Life, store: Store, sender: Sender, checkup: Checkup, pulse: Pulse) -> None:
    """Turn after turn until a signal; the watchdog is fed while every thread makes progress."""
    fed = 0.0
    while True:
        pause = min(life.turn(), LONGEST_WAIT_SECONDS)
        for name, thread in (("writer", store), ("sender", sender)):
            if not thread.is_alive:
                raise Diverged(f"anima: the {name} thread has died", hint="see the lines above")
        if checkup.found:
            damage = {"found": checkup.found}
            event = Event(timestamp=datetime.now(UTC), event_type=EventType.DAMAGE, data=damage)
            store.record_event(event)
            raise Diverged(f"{ANIMA_DB}: {checkup.found}", hint=RESTORE)
        if time.monotonic() - fed >= WATCHDOG_SECONDS:
            if silent := pulse.silent():
                say("watchdog not fed", silent=",".join(silent))
            else:
                notify("WATCHDOG=1")
            fed = time.monotonic()
        if signal.sigtimedwait(STOP_SIGNALS, pause):
            return
