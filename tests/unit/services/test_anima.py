"""What the process is told by the deploy is what it understands."""

import pytest
from pydantic import ValidationError

from apps.anima.settings import VARIABLES, read
from schemas.hosts import PiHost
from services.anima import environment

SAID = {
    "ssh": {"hostname": "pi.local", "user": "admin"},
    "governance_url": "http://mac:8767",
}


@pytest.mark.parametrize("creature", [None, "Lumen", "Lumen the 2nd", "Ю"])
def test_the_creature_is_called_as_the_hosts_file_says(creature, tmp_path):
    """And not at all without it: then it is called as before."""
    token = tmp_path / "token"
    token.write_text("x")
    told = environment(PiHost.model_validate(SAID | {"creature": creature}), "/home/anima")

    assert set(told) <= set(VARIABLES)
    assert read(told | {"GOVERNANCE_TOKEN_FILE": str(token)}).name == creature


@pytest.mark.parametrize(
    "creature", ["", " Lumen", "a\nB=1", "it's", 'say "hi"', "#1", "a\\", "$HOME"]
)
def test_a_name_that_systemd_would_not_read_as_it_stands_is_refused(creature):
    """An environment file has quotes, comments and escapes."""
    with pytest.raises(ValidationError, match="creature"):
        PiHost.model_validate(SAID | {"creature": creature})
