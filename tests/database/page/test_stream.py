"""News over one open answer: soon, bounded, and gone when either side goes."""

import http.client
import signal
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from apps.governance.page.news import LISTENERS_LIMIT
from tests.database.page.living import check_in, say


@contextmanager
def listening(governance):
    """An open stream, and its status."""
    conn = http.client.HTTPConnection("127.0.0.1", governance.local, timeout=10)
    conn.request("GET", "/page/events", headers={"Accept": "text/event-stream"})
    answer = conn.getresponse()
    try:
        yield answer
    finally:
        answer.close()
        conn.close()


def event(answer):
    """The next event: its name and its data."""
    told = {}
    while True:
        line = answer.readline().decode().rstrip("\n")
        if not line and "event" in told:
            return told["event"], told["data"]
        name, _, value = line.partition(": ")
        told[name] = value


def test_a_check_in_is_news_within_two_seconds(fresh):
    """After a greeting that says how things stand, whoever listens hears what changed."""
    with listening(fresh) as one, listening(fresh) as other:
        assert (one.status, one.getheader("content-type")) == (200, "text/event-stream")
        assert event(one)[0] == event(other)[0] == "hello"
        begun = time.monotonic()
        say(fresh, check_in("lumen", datetime.now(UTC)))
        heard = set(event(one)[1].split())
        took = time.monotonic() - begun
        if "audit" not in heard or "states" not in heard:
            heard |= set(event(one)[1].split())

    assert {"states", "audit", "lives"} <= heard
    assert took < 2.5


def test_the_greeting_tells_a_stale_page_from_a_fresh_one(fresh):
    """The mark in the page is the mark of the greeting, until something happens."""
    html = {"Accept": "text/html"}
    page = fresh.ask("GET", "/page/verdicts", headers=html)[2]
    with listening(fresh) as one:
        mark = event(one)[1]
    say(fresh, check_in("lumen", datetime.now(UTC)))
    later = fresh.ask("GET", "/page/verdicts", headers=html)[2]

    assert f'data-marks="{mark}"' in page
    assert f'data-marks="{mark}"' not in later


def test_one_listener_too_many_is_told_to_come_again(fresh, eventually):
    """And is let in as soon as somebody left."""
    with ExitStack() as stack:
        for _ in range(LISTENERS_LIMIT):
            event(stack.enter_context(listening(fresh)))
        with listening(fresh) as refused:
            assert refused.status == 503
            assert refused.getheader("retry-after")
        # The rest of the house goes on.
        assert fresh.ask("GET", "/page/agents", headers={"Accept": "text/html"})[0] == 200

    def free():
        with listening(fresh) as one:
            return one.status == 200

    assert eventually(free, 5, 0.1)


def test_open_streams_do_not_hold_up_the_end(fresh):
    """SIGTERM ends them at once; the process says that all is on disk."""
    with listening(fresh) as one:
        event(one)
        begun = time.monotonic()
        fresh.process.send_signal(signal.SIGTERM)
        assert one.read() == b""
        code, log = fresh.end()

    assert time.monotonic() - begun < 4
    assert code == 0, log
    assert "everything acknowledged is on disk" in log
    assert "Traceback" not in log
