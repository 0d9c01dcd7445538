"""Which rows are meant is said without doubt, or refused."""

from datetime import UTC, datetime

import pytest

from apps.eisv.selection import instant, select
from schemas.errors import Refused


@pytest.mark.parametrize("said", ["2026-11-20T12:00", "2026-11-20 12:00:00", "2026-11-20"])
def test_a_time_without_an_offset_is_refused(said):
    """And told how it would be one."""
    with pytest.raises(Refused, match="has no offset") as refusal:
        instant("--from", said)
    assert refusal.value.hint.endswith("if UTC is meant")
    assert instant("--from", refusal.value.hint.split(" if")[0])


@pytest.mark.parametrize(
    "said", ["2026-11-20T12:00Z", "2026-11-20T13:00+01:00", "2026-11-20T07:00:00-05:00"]
)
def test_an_offset_is_taken_to_utc(said):
    """Whatever the offset."""
    assert instant("--from", said) == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_what_is_no_time_is_refused():
    """With an example."""
    with pytest.raises(Refused, match="is no instant"):
        instant("--to", "yesterday")


def test_a_span_goes_forward():
    """An empty one would only look like missing data."""
    with pytest.raises(Refused, match="is not after"):
        select("2026-11-20T12:00Z", "2026-11-20T13:00+01:00", None, None, None)


def test_an_unknown_word_is_answered_with_the_nearest(abode, three_days, tmp_path):
    """Of eras, phases and parts of the story; exit 2 and nothing written."""
    for option, typo, meant in (
        ("--era", "gestual", "gestural"),
        ("--phase", "bilding", "building"),
        ("--arc-phase", "opnening", "opening"),
    ):
        code, _, said = abode(
            "eisv", "export", "--out", tmp_path / "d", "--file", three_days, option, typo
        )
        assert (code, f"did you mean '{meant}'?" in said) == (2, True)
    code, _, said = abode(
        "eisv", "export", "--out", tmp_path / "d", "--file", three_days, "--era", "?"
    )
    assert "there are gestural, pointillist" in said
    assert not (tmp_path / "d").exists()
