"""A document on disk, and what stays of one when somebody is forgotten."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.soulfra.tree.forget import is_theirs, without
from apps.soulfra.tree.look import LISTS, WHOLE
from apps.soulfra.tree.sealed import Altered, known, path_of, read, sealed, write
from schemas.soulfra import documents as d

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
METRICS = d.ClusterMetrics(
    made_at=NOON, transaction_id=7, position=3,
    active=2, dissolved=1, with_mythology=1, loops=5, largest=4,
)  # fmt: skip


def test_what_is_written_is_read(tmp_path):
    """With its hash; what is not there is None."""
    path = path_of(tmp_path, d.ClusterMetrics)
    made = write(path, METRICS)

    assert path == tmp_path / "clusters/metrics.json"
    assert read(path, d.ClusterMetrics) == made == sealed(METRICS)
    assert read(tmp_path / "x.json", d.ClusterMetrics) is None
    assert path.stat().st_mode & 0o777 == 0o600


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_byte_is_changed_unseen(place, byte):
    """Any other byte anywhere, or one less."""
    text = sealed(METRICS).model_dump_json().encode() + b"\n"
    at = place % len(text)
    changed = text[:at] + bytes([byte]) + text[at + 1 :]
    if changed != text:
        with pytest.raises(Altered):
            known(changed, d.ClusterMetrics)
    with pytest.raises(Altered):
        known(text[:at], d.ClusterMetrics)
    assert known(text, d.ClusterMetrics) == sealed(METRICS)


def test_each_document_has_a_place_of_its_own(tmp_path):
    """Those of the whole, and those of one agent or cluster."""
    places = [path_of(tmp_path, kind) for kind in WHOLE]

    assert len(set(places)) == len(places) == len(LISTS) + 3
    assert path_of(tmp_path, d.AgentState, "a") == tmp_path / "agents/a/state.json"
    assert path_of(tmp_path, d.Archived, "chatlogs", "2026-10") == (
        tmp_path / "archive/chatlogs/2026-10.json"
    )


IDS = frozenset({"ada", "rain"})


@pytest.mark.parametrize(
    ("value", "left", "gone"),
    [
        ({"loops": [{"loop_id": "rain", "n": 1}, {"loop_id": "hail"}]},
         {"loops": [{"loop_id": "hail"}]}, 1),
        ({"loops": ["rain", "hail", "ada"], "n": 3}, {"loops": ["hail"], "n": 3}, 2),
        ({"of": [{"id": "1", "loops": ["rain", "hail"]}]},
         {"of": [{"id": "1", "loops": ["hail"]}]}, 1),
        ({"of": [{"name": "rain", "mythology": "ada", "id": "x"}]},
         {"of": [{"name": "rain", "mythology": "ada", "id": "x"}]}, 0),
        ({"of": [{"inner": {"agent_id": "ada"}}]}, {"of": []}, 1),
        ({"n": 1, "of": []}, {"n": 1, "of": []}, 0),
    ],
)  # fmt: skip
def test_what_names_somebody_goes_and_the_rest_stays(value, left, gone):
    """A row that is theirs whole, of another's row the name; what somebody wrote is no name."""
    assert without(value, IDS) == (left, gone)


def test_a_number_is_nobody_s_name():
    """An agent may be called 5."""
    assert not is_theirs({"rows": 5}, frozenset({"5"}))
    assert is_theirs({"agent_id": "5"}, frozenset({"5"}))
