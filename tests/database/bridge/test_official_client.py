"""The official MCP client library against a live governance."""

import asyncio
import json
from pathlib import Path

import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from tests.database.bridge.examples import BEFORE, EXAMPLES


async def _ask(url, do, accept=None, mode="auto"):
    """Whatever ``do`` gives for a client that is connected."""

    async def hush(request):
        if accept:
            request.headers["accept"] = accept

    http = create_mcp_http_client(headers={"X-Agent-Id": "lumen"})
    http.event_hooks["request"].append(hush)
    async with http, Client(streamable_http_client(url, http_client=http), mode=mode) as client:
        return await do(client)


@pytest.mark.parametrize("accept", [None, "application/json"], ids=["stream", "json"])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_it_lists_and_calls_every_tool(governance, accept, path):
    """Each answer is of the shape that the list promised: the library checks it."""

    async def every(client):
        listed = [tool.name for tool in (await client.list_tools()).tools]
        for name, arguments in BEFORE:
            await client.call_tool(name, arguments)
        said = {}
        for name in [name for name in EXAMPLES if name in listed]:
            arguments = EXAMPLES[name]
            if callable(arguments):
                arguments = arguments({n: r.structured_content for n, r in said.items()})
            said[name] = await client.call_tool(name, arguments)
        return listed, said

    url = f"http://127.0.0.1:{governance.local}{path}"
    listed, said = asyncio.run(_ask(url, every, accept))

    assert sorted(listed) == sorted(EXAMPLES)
    assert {name: r.content[0].text for name, r in said.items() if r.is_error} == {}
    verdict = said["sync_state"].structured_content
    assert verdict["action"] == "proceed"
    assert json.loads(said["sync_state"].content[0].text) == verdict


def test_it_hears_an_error_as_an_error(governance):
    """Of arguments, of the tool and of a tool that is not there."""

    async def wrong(client):
        bad = await client.call_tool("sync_state", {"sensor_data": {"anima": {"warmth": 2}}})
        try:
            await client.call_tool("make_tea", {})
        except Exception as error:  # noqa: BLE001  # whatever the library makes of it
            return bad, str(error)
        return bad, None

    bad, missing = asyncio.run(_ask(f"http://127.0.0.1:{governance.local}/mcp", wrong))

    assert bad.is_error
    assert json.loads(bad.content[0].text)["action"] == "pause"
    assert "no tool 'make_tea'" in missing


def test_it_shakes_hands_and_is_told_who_answers(governance):
    """With the handshake of the protocol before the stateless one."""

    async def hello(client):
        return client.protocol_version, client.server_info.name

    url = f"http://127.0.0.1:{governance.local}/mcp"
    assert asyncio.run(_ask(url, hello)) == ("2025-11-25", "governance")


def test_the_page_on_governance_has_every_tool(governance):
    """With its right and what it does."""
    _, _, body = governance.ask("GET", "/v1/openapi.json")
    paths = json.loads(body)["paths"]
    posts = [each["post"] for path, each in paths.items() if path.startswith("/v1/tools/")]
    rows = [f"| `{p['operationId']}` | {p['x-right']} | {p['summary']} |" for p in posts]
    page = (Path(__file__).parents[3] / "docs/governance.md").read_text()

    assert [row for row in page.splitlines() if row.startswith("| `")] == rows
