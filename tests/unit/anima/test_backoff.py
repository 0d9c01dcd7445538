"""A thousand Pis and one Mac that was away: nobody is told to come at the same moment."""

from collections import Counter
from random import Random

import pytest

from apps.anima.backoff import ASKED_LIMIT_SECONDS, LAST_SECONDS, Backoff

PIS = 1_000


def _arrivals(away, asked=0.0):
    """When each Pi first finds the Mac again; all failed at second 0, as in a power cut."""
    found = []
    for seed in range(PIS):
        backoff, now = Backoff(Random(seed)), 0.0
        while now < away:
            now += backoff.wait(asked)
        found.append(now - away)
    return found


@pytest.mark.parametrize("away", [60, 600, 7 * 86_400])
def test_a_thousand_pis_do_not_come_back_at_once(away):
    """All are back within a minute; no second has more than twice its share of a minute's half."""
    back = _arrivals(away)
    seconds = Counter(int(second) for second in back)

    assert max(back) <= LAST_SECONDS
    assert max(seconds.values()) <= 2 * PIS / (LAST_SECONDS / 2)


def test_what_the_server_asks_for_is_waited_out_and_not_by_all_alike():
    """503 with Retry-After: 5 to everybody at the same moment."""
    first = [Backoff(Random(seed)).wait(5.0) for seed in range(PIS)]

    assert min(first) >= 5
    assert max(Counter(int(10 * wait) for wait in first).values()) < PIS / 5


def test_a_wish_without_end_is_not_kept():
    """A week of Retry-After would be a week of silence."""
    assert Backoff(Random(1)).wait(7 * 86_400.0) <= ASKED_LIMIT_SECONDS + LAST_SECONDS


def test_an_answer_ends_it():
    """And the next failure begins anew."""
    backoff = Backoff(Random(1))
    waits = [backoff.wait() for _ in range(9)]
    backoff.reset()

    assert waits[-1] >= LAST_SECONDS / 2
    assert not backoff.is_on
    assert backoff.wait() <= 2
