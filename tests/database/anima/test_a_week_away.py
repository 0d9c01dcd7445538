"""The Mac is gone for a week and comes back: everything arrives, and the creature feels nothing.

A slice in CI; ``make soak-pi`` sends all 10,080 check-ins (ABODE_WEEK_CHECK_INS).
"""

import os
import time
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import quantiles

from apps.anima.canvas import Canvas
from apps.anima.checkin import compose, new_boot_id
from apps.anima.drawing import Drawing
from apps.anima.readings import reading
from apps.anima.store import Store
from schemas.eisv import Anima

WEEK = 10_080
CHECK_INS = int(os.environ.get("ABODE_WEEK_CHECK_INS") or 600)
BEFORE_SECONDS = float(os.environ.get("ABODE_WEEK_BEFORE_SECONDS") or 6)
BOOTS = 3
ALL = """
SELECT s.boot_id, s.seq, s.late, s.state_json -> 'pi' -> 'outbox_depth' FROM core.agent_state s
  JOIN core.identities i USING (identity_id) WHERE i.agent_id = 'lumen' ORDER BY s.state_id
"""


def _a_week_of(path, count):
    """So many check-ins a minute apart, as a creature that draws puts them into its outbox."""
    store = Store(path, "lumen")
    store.start()
    store._writer.submit("sync", lambda db: db.execute("PRAGMA synchronous = OFF"), "read")
    random = Random(7)
    now = datetime.now(UTC) - timedelta(minutes=count + 5)
    drawing = Drawing(Canvas(), None, random)
    owed = []
    for nth in range(count):
        if nth % (count // BOOTS) == 0:
            boot = new_boot_id()
            store.wake(now)
        now += timedelta(minutes=1)
        anima = Anima(warmth=0.4, clarity=0.8, stability=0.9, presence=0.8 + random.random() / 10)
        state = drawing.tick(anima, now)
        if state:
            store.record_drawing_state(state)
        build = compose(
            "lumen", boot, now, anima=anima, readings=[reading("load_1m", 0.3, "loadavg")],
            dropped=0, monotonic_seconds=60.0 * nth,
        )  # fmt: skip
        owed.append((boot, store.enqueue_checkin(boot, now, build, 60.0 * nth)))
    assert store.close(30)
    return owed


def _turns(creature, since, upto):
    """What each turn of the loop cost in a stretch of time: how late and how long, in seconds."""
    lines = (creature.folder / "turns.txt").read_text().splitlines()[:-1]
    turns = [tuple(map(float, line.split())) for line in lines]
    return [late + took for began, late, took in turns if since <= began < upto]


def test_all_of_it_arrives_once_and_in_order_and_the_loop_does_not_notice(
    mac, creature, until, figures
):
    """Within five minutes, p99 of a turn less than 50 ms longer than before, memory flat."""
    owed = _a_week_of(creature.path, CHECK_INS)
    creature.wakes("tests.database.anima.probed", ANIMA_DRAW_EVERY_SECONDS="0.05")
    until(lambda: "check-in not delivered" in creature.log())
    began = time.monotonic()
    time.sleep(BEFORE_SECONDS)
    before = creature.rss_mb()

    governance = mac.comes()
    back = time.monotonic()
    weighed = [before]

    def is_empty():
        weighed.append(creature.rss_mb())
        return not creature.rows("SELECT id FROM outbox LIMIT 1")

    until(lambda: "governance answers again" in creature.log())
    heard = time.monotonic()
    until(is_empty, 300)
    done = time.monotonic()
    ended = creature.sleeps()
    stored = governance.rows(ALL)
    quiet = quantiles(_turns(creature, began, back), n=100)[98]
    busy = quantiles(_turns(creature, back, done), n=100)[98]
    figures(
        "a week away",
        check_ins=len(owed),
        seconds_from_return=round(done - back, 2),
        seconds_of_draining=round(done - heard, 2),
        p99_turn_before_ms=round(1000 * quiet, 2),
        p99_turn_while_draining_ms=round(1000 * busy, 2),
        rss_before_mb=round(before, 1),
        rss_most_mb=round(max(weighed), 1),
    )

    assert ended == 0
    assert [(boot, seq) for boot, seq, *_ in stored][: len(owed)] == owed
    assert len(stored) == len({(boot, seq) for boot, seq, *_ in stored})
    assert len(stored) >= len(owed) + 1, "and the one of now"
    assert not any(late for _, _, late, _ in stored)
    assert done - back < 300
    assert busy - quiet < 0.050
    assert max(weighed) - before < 2.0
    assert "check-in rejected" not in creature.log()
