"""The environment of the process: closed, and every refusal names its key."""

import re
from pathlib import Path

import pytest

from apps.anima.settings import TOKEN_FILE, VARIABLES, Settings, read
from schemas.errors import Refused


@pytest.fixture
def told(tmp_path):
    """The least that must be said."""
    token = tmp_path / "governance_token"
    token.write_text("secret-token\n")
    return {
        "ANIMA_HOME": str(tmp_path),
        "ANIMA_AGENT": "lumen",
        "GOVERNANCE_URL": "http://mac:8767",
        "GOVERNANCE_TOKEN_FILE": str(token),
    }


def test_the_rest_has_stated_defaults(told, tmp_path):
    """Seconds and marks as the board uses them."""
    settings = read(told | {"PATH": "/bin"})

    assert settings.home == tmp_path
    assert settings.governance_token.get_secret_value() == "secret-token"
    assert (settings.draw_every_seconds, settings.sense_every_seconds) == (1, 2)
    assert (settings.check_in_every_seconds, settings.state_every_seconds) == (60, 60)
    assert (settings.record_every_marks, settings.seed, settings.i2c) == (10, None, False)
    assert (settings.source, settings.feelings, settings.name) == ("board", None, None)


def test_values_are_read_as_what_they_are(told):
    """Numbers, a seed, a switch."""
    more = {"ANIMA_SEED": "7", "ANIMA_I2C": "1", "ANIMA_DRAW_EVERY_SECONDS": "0.05"}
    settings = read(told | more)

    assert (settings.seed, settings.i2c, settings.draw_every_seconds) == (7, True, 0.05)


def test_systemds_credential_wins(told, tmp_path):
    """The unit hands the token over by LoadCredential."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "governance_token").write_text("other")
    settings = read(told | {"CREDENTIALS_DIRECTORY": str(folder)})

    assert settings.governance_token.get_secret_value() == "other"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ANIMA_DRAW_EVRY_SECONDS": "1"}, ["ANIMA_DRAW_EVRY_SECONDS", "ANIMA_DRAW_EVERY_SECONDS"]),
        ({"ANIMA_QQ": "x"}, ["ANIMA_QQ: unknown key", "ANIMA_HOME"]),
        ({"ANIMA_HOME": None}, ["ANIMA_HOME: field required"]),
        ({"ANIMA_HOME": "home"}, ["ANIMA_HOME", "absolute", "'home'"]),
        ({"ANIMA_AGENT": "lu men"}, ["ANIMA_AGENT", "'lu men'"]),
        ({"GOVERNANCE_URL": "mac:8767"}, ["GOVERNANCE_URL", "'mac:8767'"]),
        ({"GOVERNANCE_URL": "http://me:secret-token@mac"}, ["GOVERNANCE_URL"]),
        ({"ANIMA_DRAW_EVERY_SECONDS": "0"}, ["ANIMA_DRAW_EVERY_SECONDS", "'0'"]),
        ({"ANIMA_DRAW_EVERY_SECONDS": "nan"}, ["ANIMA_DRAW_EVERY_SECONDS"]),
        ({"ANIMA_I2C": "perhaps"}, ["ANIMA_I2C"]),
        ({"ANIMA_SOURCE": "tape:/a.csv"}, ["ANIMA_SOURCE", "'tape:/a.csv'"]),
        ({"ANIMA_FEELINGS": "feelings.toml"}, ["ANIMA_FEELINGS", "absolute"]),
        ({"ANIMA_NAME": " "}, ["ANIMA_NAME"]),
        ({"GOVERNANCE_TOKEN_FILE": None}, ["no file is named", "LoadCredential"]),
        ({"GOVERNANCE_TOKEN_FILE": "/nowhere/token"}, ["/nowhere/token: No such file"]),
    ],
)
def test_what_is_wrong_is_refused_by_its_key(told, changes, words):
    """Key, reason, hint; and never the token."""
    environment = {key: value for key, value in (told | changes).items() if value is not None}
    with pytest.raises(Refused) as refused:
        read(environment)

    assert all(word in str(refused.value) for word in words), str(refused.value)
    assert refused.value.hint
    assert "secret-token" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "\n", "two words", "tab\there", "tök"])
def test_a_file_that_holds_no_token_is_refused(told, tmp_path, text):
    """What it holds is not repeated."""
    (tmp_path / "governance_token").write_text(text)
    with pytest.raises(Refused) as refused:
        read(told)

    assert not text.strip() or text not in str(refused.value)


def test_the_page_lists_every_setting_with_its_default():
    """And no other."""
    page = (Path(__file__).parents[3] / "docs" / "anima.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([A-Z][A-Z_0-9]+)` \| (.*?) ?\| ", page, re.MULTILINE))
    defaults = {}
    for name, field in VARIABLES.items():
        info = Settings.model_fields[field]
        has_none = info.is_required() or info.default is None
        defaults[name] = "" if has_none else str(info.default)
    assert rows == {**defaults, TOKEN_FILE: ""}
