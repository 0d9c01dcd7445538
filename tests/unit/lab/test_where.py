"""`abode where` for eyes and programs."""

import pytest

from apps.ops.where import find
from schemas.errors import Refused


def test_places_are_names_without_markdown():
    """A program compares them with what the database says."""
    assert find("core.agent_state")[0].place == "core.agent_state"
    assert not any("`" in cell for place in find(None) for cell in place)


def test_a_mistyped_table_is_refused_with_the_right_one():
    """The one that was meant."""
    with pytest.raises(Refused) as refused:
        find("core.agent_stat_e")

    assert refused.value.hint == "did you mean 'core.agent_state'?"
