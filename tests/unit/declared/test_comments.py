"""The comments of the database are what the declarations say."""

import pytest

from apps.declared import __main__ as command
from apps.declared import postgres
from apps.declared.everything import documents, keys, labels, tables
from apps.declared.field import fields
from schemas.errors import Refused
from schemas.governance.tables import SCHEMAS
from schemas.server import TENANTS


def test_the_file_is_not_stale():
    """Whoever changes a declaration runs: python -m apps.declared."""
    assert command.main(["--check"]) == 0


@pytest.mark.parametrize("name", command.files())
def test_a_stale_file_exits_four_and_is_not_written(tmp_path, capsys, name):
    """The check only looks; the hint says what to run."""
    for line in TENANTS:
        (tmp_path / line).mkdir()
    assert command.main([], tmp_path) == 0
    file = tmp_path / name
    file.write_text("yesterday")

    assert command.main(["--check"], tmp_path) == 4
    assert file.read_text() == "yesterday"
    said = capsys.readouterr().err
    assert said.startswith(f"{name}: not what schemas say")
    assert "python -m apps.declared" in said
    assert command.main([], tmp_path) == 0
    assert command.main(["--check"], tmp_path) == 0


def test_a_number_says_its_source_its_unit_and_its_range():
    """In the database, too, where nobody sees the model."""
    said = "\n".join(postgres.comments(tables("governance"), SCHEMAS))

    assert "agent_state.entropy IS 'E: " not in said
    assert "agent_state.entropy IS 'S: entropy; unit 1; range [0.001, 2]'" in said
    assert "tool_usage.latency_ms IS 'from request to answer; unit ms; range [0, ∞]'" in said


def test_a_table_that_says_nothing_is_refused(monkeypatch):
    """By name, with every other."""
    monkeypatch.delattr(tables("governance")[0], "__doc__")

    with pytest.raises(Refused, match=f"nothing is said of {tables('governance')[0].table}"):
        command.comments(TENANTS["governance"])


@pytest.mark.parametrize("kind", [tables, labels, documents])
def test_everything_declared_says_what_it_is(kind):
    """And each column, each property."""
    for model in kind():
        assert postgres.summary(model), model
        assert kind is documents or all(field.says for field in fields(model)), model


def test_every_key_says_what_it_is():
    """And lives for a time."""
    assert keys()
    assert all(key.says and key.lifetime_seconds > 0 for key in keys())
