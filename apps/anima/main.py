"""The anima process: one loop, one writer, one sender, watched by systemd."""

import os
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from apps.anima.backups import LOOK_SECONDS, Backups
from apps.anima.ballast import Ballast
from apps.anima.card import Card
from apps.anima.checkup import Checkup
from apps.anima.clock import Clock
from apps.anima.health import Health
from apps.anima.life import Chore, Life
from apps.anima.log import say
from apps.anima.pulse import Pulse
from apps.anima.recovery import give_up, open_or_mend
from apps.anima.requeue import requeue
from apps.anima.retention import Retention
from apps.anima.retiming import Retiming
from apps.anima.sender import Sender
from apps.anima.settings import Settings, read
from apps.anima.store import Store
from apps.anima.systemd import notify
from apps.anima.will import Will
from apps.bridge.client import Client
from schemas.errors import Diverged, HouseError, Refused, Unreachable
from schemas.ports import ANIMA_DB

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
WATCHDOG_SECONDS = 5.0
CLOCK_SECONDS = 1.0
"""How often the authorities are asked for the time."""
RETENTION_SECONDS = 10.0
"""How often it is asked whether it wants to begin."""
LONGEST_WAIT_SECONDS = 1.0
CLOSE_SECONDS = 5.0


class Threads(NamedTuple):
    """What runs beside the main loop, in the order in which it ends."""

    checkup: Checkup
    backups: Backups
    retention: Retention
    sender: Sender
    store: Store


def main(words: Sequence[str] = ()) -> int:
    """Run until told to stop, or do the one other thing it can; gives the exit code."""
    try:
        if not words:
            run(read(os.environ))
        elif list(words) == ["requeue"]:
            requeue(os.environ)
        elif words[0] in {"archives", "restore-archive"}:
            from apps.anima import restore  # noqa: PLC0415  not in the process that lives

            if words[0] == "archives":
                restore.list_archives(os.environ)
            else:
                restore.restore_archive(os.environ, words[1:])
        else:
            hint = "say nothing, requeue, archives or restore-archive"
            raise Refused(f"{' '.join(words)}: unknown", hint=hint)
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
        outbox_limit_bytes=settings.outbox_limit_bytes,
    )
    clock = Clock()
    client = Client(settings.governance_url, settings.governance_token, dated=clock.hear_date)
    try:
        open_or_mend(path, store.start, ballast.drop)
        retiming = Retiming(store, clock)
        retiming.begin()
        last_said = store.wake(clock.now(), settings.name)
        will = Will(last_said, settings.check_in_every_seconds)
        sender = Sender(
            store, client, will.hear, pulse.of("sender"), clock.now, at_once=retiming.at_once
        )
        retention = Retention(
            store, retiming, clock, settings.home, limit_bytes=settings.archive_limit_bytes
        )
        now = time.monotonic()
        chores = [
            Chore(retiming.turn, CLOCK_SECONDS, now),
            Chore(retention.turn, RETENTION_SECONDS, now + RETENTION_SECONDS),
        ]
        backups = Backups(path, lambda: not card.is_over)
        rooms = (retention.failures, backups.skipped, sender.failures)
        health = Health(settings.home, store, clock, *rooms, backup_age=lambda: backups.age_seconds)
        life = Life(
            settings, store, will, sender.send_unqueued, clock=clock, chores=chores, health=health
        )
        retiming.moved = life.moved
    except (sqlite3.Error, OSError, TimeoutError) as error:
        if store.damage:
            give_up(path, store.damage, ballast.drop)
        raise Unreachable(
            f"{settings.home}: {error}", hint="is the disk full, or not ours?"
        ) from error
    threads = Threads(Checkup(path), backups, retention, sender, store)
    sender.start()
    notify("READY=1")
    threads.checkup.start()
    try:
        if found := _live(life, threads, pulse):
            give_up(path, found, ballast.drop)
    finally:
        notify("STOPPING=1")
        life.sleep()
        for name in threads._fields:
            if not getattr(threads, name).close(CLOSE_SECONDS):
                say("left behind", thread=name)


def _live(life: Life, threads: Threads, pulse: Pulse) -> str | None:
    """Turn after turn until a signal, or until damage is found, which it gives.

    The watchdog is fed while every thread makes progress.
    """
    checkup, backups, _, sender, store = threads
    fed, looked = 0.0, time.monotonic()
    while True:
        pause = min(life.turn(), LONGEST_WAIT_SECONDS)
        for name, thread in (("writer", store), ("sender", sender)):
            if not thread.is_alive:
                raise Diverged(f"anima: the {name} thread has died", hint="see the lines above")
        if found := checkup.found or backups.found or store.damage:
            return found
        if time.monotonic() - looked >= LOOK_SECONDS:
            looked = time.monotonic()
            try:
                backups.look(life.now())
            except OSError as error:
                backups.skipped.note("backup", error)
        if time.monotonic() - fed >= WATCHDOG_SECONDS:
            if silent := pulse.silent():
                say("watchdog not fed", silent=",".join(silent))
            else:
                notify("WATCHDOG=1")
            fed = time.monotonic()
        if signal.sigtimedwait(STOP_SIGNALS, pause):
            return None
