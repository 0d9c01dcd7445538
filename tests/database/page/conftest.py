"""A governance in which something happened, and a browser that looks at it."""

import runpy
import signal
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import sync_playwright

from tests.database.page import chromium, living

DATABASE = runpy.run_path(str(Path(__file__).parents[1] / "conftest.py"))
GOVERNANCE = runpy.run_path(str(Path(__file__).parents[1] / "governance" / "conftest.py"))
start = GOVERNANCE["start"]


@pytest.fixture
def fresh(start):
    """A running one in which nothing happened yet."""
    return start().ready()


@pytest.fixture(scope="session")
def house(admin_dsn, governance_template, tmp_path_factory):
    """A running one in which something happened; for tests that only look, or only add."""
    name = f"governance_{uuid.uuid4().hex[:8]}_test"
    with DATABASE["database_made"](admin_dsn, name, governance_template.name) as database:
        made = GOVERNANCE["Governance"](tmp_path_factory.mktemp("house"), database)
        try:
            living.settle(made.ready())
            yield made
        finally:
            made.end(signal.SIGKILL)


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium.brought(), args=chromium.FLAGS)
        yield made
        made.close()


@pytest.fixture
def look(browser):
    """Open an address of a governance; what went wrong meanwhile is in ``wrong``."""
    contexts = []

    def open_page(governance, path="/", port=None, **told):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **told})
        contexts.append(context)
        page = context.new_page()
        seen = SimpleNamespace(page=page, wrong=[], asked=[])
        page.on("console", lambda said: seen.wrong.append(said.text) if said.type in
                {"error", "warning"} else None)  # fmt: skip
        page.on("pageerror", lambda error: seen.wrong.append(str(error)))
        page.on("request", lambda request: seen.asked.append(request.url))
        page.goto(f"http://127.0.0.1:{port or governance.local}{path}")
        return seen

    yield open_page
    for context in contexts:
        context.close()
