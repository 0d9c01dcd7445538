"""The weights of the feelings can be said; what cannot be meant is refused by its key."""

import pytest

from apps.anima.feelings import FEELINGS, feel
from apps.anima.readings import reading
from apps.anima.weights import weights
from schemas.errors import Refused

ONE = "[warmth]\ncpu_temp_c = { weight = 1, zero = 0, one = 100 }\n"


def part(weight="1", zero="0", one="100", sensor="cpu_temp_c"):
    """Warmth of one sensor."""
    return f"[warmth]\n{sensor} = {{ weight = {weight}, zero = {zero}, one = {one} }}\n"


def test_without_a_file_the_weights_are_ours(tmp_path):
    """The stated table."""
    assert weights(None, tmp_path) is FEELINGS


def test_a_feeling_that_is_said_replaces_ours_and_the_others_stay(tmp_path):
    """feelings.toml at home, or the file that is named."""
    (tmp_path / "feelings.toml").write_text(ONE)
    other = tmp_path / "other.toml"
    other.write_text(part(one="50"))
    readings = [reading(name, 25.0, "t") for name in ("cpu_temp_c", "memory_percent")]
    at_home = weights(None, tmp_path)

    assert feel(readings, at_home).warmth == 0.25
    assert feel(readings, weights(other, tmp_path)).warmth == 0.5
    assert {**at_home, "warmth": None} == {**FEELINGS, "warmth": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[warmht]\n", ["warmht", "warmth, clarity"]),
        ("[warmth]\n", ["warmth", "at least one"]),
        ("warmth = 1\n", ["warmth"]),
        (part(sensor="cpu_tmp"), ["warmth.cpu_tmp", "cpu_temp_c"]),
        (part(weight="0"), ["warmth.cpu_temp_c.weight", "0"]),
        (part(weight="-1"), ["warmth.cpu_temp_c.weight"]),
        (part(weight="nan"), ["warmth.cpu_temp_c.weight"]),
        (part(weight="'1'"), ["warmth.cpu_temp_c.weight", "'1'"]),
        (part(weight="true"), ["warmth.cpu_temp_c.weight", "True"]),
        (part(weight="0.9"), ["warmth: the weights sum to 0.9"]),
        (part(weight="0.999999998"), ["sum to 0.999999998"]),
        (part(zero="100"), ["warmth.cpu_temp_c", "both 100"]),
        (part(one="126"), ["warmth.cpu_temp_c.one", "126", "125"]),
        (part(zero="inf"), ["warmth.cpu_temp_c.zero"]),
        ("[warmth]\ncpu_temp_c = { weight = 1, zero = 0 }\n", ["warmth.cpu_temp_c", "one"]),
        ("[warmth]\ncpu_temp_c = { weight = 1, zero = 0, one = 9, two = 1 }\n", ["nothing else"]),
        ("[warmth\n", ["feelings.toml"]),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_key(tmp_path, text, words):
    """File, key, reason."""
    (tmp_path / "feelings.toml").write_text(text)
    with pytest.raises(Refused) as refused:
        weights(None, tmp_path)

    said = f"{refused.value} {refused.value.hint}"
    assert said.startswith(str(tmp_path / "feelings.toml"))
    assert all(word in said for word in words), said


def test_a_file_that_is_named_must_be_there(tmp_path):
    """No silent fallback."""
    with pytest.raises(Refused, match="No such file"):
        weights(tmp_path / "none.toml", tmp_path)


def test_the_tables_own_weights_would_pass(tmp_path):
    """The rules hold for what we ship."""
    lines = [
        line
        for feeling, parts in FEELINGS.items()
        for line in (
            f"[{feeling}]",
            *(f"{n} = {{ weight = {w}, zero = {z}, one = {o} }}" for n, w, z, o in parts),
        )
    ]
    (tmp_path / "feelings.toml").write_text("\n".join(lines))

    assert weights(None, tmp_path) == FEELINGS
