"""docs/eisv.md does what it says."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "eisv.md"


@pytest.fixture(scope="module")
def page():
    """The module that runs pages."""
    spec = importlib.util.spec_from_file_location("page", Path(__file__).with_name("page.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_block_prints_what_the_page_says(page, specimen, abode, tmp_path, monkeypatch):
    """To renew it: python -m tests.unit.eisv.page docs/eisv.md."""
    page.data(specimen, tmp_path)
    monkeypatch.chdir(tmp_path)
    blocks = list(page.run(PAGE.read_text(), abode))

    for block in blocks:
        assert block.ran == block.said
    assert len(blocks) == 6
    figures = [path.name for path in tmp_path.glob("eisv-*")]
    assert figures
    for name in figures:
        assert (tmp_path / name).read_text() == (PAGE.parent / name).read_text()


def test_a_command_that_fails_is_no_page(page, abode, three_days, monkeypatch):
    """Not even where the page says the refusal itself: nobody renews it by mistake."""
    monkeypatch.chdir(three_days.parent)
    text = "```console\n$ abode eisv export --file anima.db --out x --era y\nsaid\n```\n"
    with pytest.raises(AssertionError, match="--era y: exit 2"):
        list(page.run(text, abode))


def test_a_page_that_is_wrong_is_seen(page, abode, three_days, tmp_path, monkeypatch):
    """The rule can fail."""
    monkeypatch.chdir(three_days.parent)
    text = f"```console\n$ abode eisv export --file anima.db --out {tmp_path}/x\nwell done\n```\n"
    (block,) = page.run(text, abode)
    assert block.said != block.ran
    (block,) = page.run("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n", abode)
    assert block.ran.endswith("```text\n2\n```\n")


def test_the_page_s_figures_are_small_and_there():
    """A page that is read over a slow line."""
    figures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", PAGE.read_text())

    assert figures
    for name in figures:
        assert (ROOT / "docs" / name).stat().st_size < 100_000
