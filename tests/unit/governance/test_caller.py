"""Who calls, as far as a request says it."""

import pytest

from apps.bridge.refusals import Forbidden, Unsupported
from apps.bridge.web import Request
from apps.governance import caller
from schemas.errors import Refused


def asking(*, is_local: bool = False, **headers: str) -> Request:
    """A request with these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    told = {name.encode(): value.encode() for name, value in named.items()}
    return Request("GET", "/", headers=told, is_local=is_local)


@pytest.mark.parametrize("host", ["localhost:8767", "127.0.0.1:49152", "[::1]:8767", "localhost"])
def test_the_loopbacks_names_are_welcome(host):
    """With any port: the operator's curl, the lab's ephemeral one."""
    caller.no_web_page(asking(is_local=True, host=host))
    caller.no_web_page(asking(is_local=True, host=host, origin=f"http://{host}"))


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8767", "localhost.evil.example", "", "[::1"]
)
def test_another_name_for_the_loopback_is_refused(host):
    """A page may have its own name lead there. The token's door asks for a token instead."""
    with pytest.raises(Forbidden):
        caller.no_web_page(asking(is_local=True, host=host))
    caller.no_web_page(asking(is_local=False, host=host))


@pytest.mark.parametrize("is_local", [True, False])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
def test_a_page_of_elsewhere_is_refused(origin, is_local):
    """At both doors."""
    with pytest.raises(Forbidden, match="Origin"):
        caller.no_web_page(asking(is_local=is_local, host="localhost", origin=origin))


def test_no_host_is_no_loopback():
    """HTTP/1.0 may leave it out; no caller of ours does."""
    with pytest.raises(Forbidden, match="Host"):
        caller.no_web_page(asking(is_local=True))


def test_only_json_is_json():
    """A form or a text needs no leave of the browser to be sent elsewhere."""
    for kind in ("application/json", "Application/JSON; charset=utf-8"):
        caller.is_json(asking(content_type=kind))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"):
        with pytest.raises(Unsupported):
            caller.is_json(asking(content_type=kind))
    with pytest.raises(Unsupported):
        caller.is_json(asking())


def test_the_body_must_name_the_tokens_agent():
    """X-Agent-Id is the real client's creature, and only a hint there."""
    assert caller.named(asking(x_agent_id="49e14444-b59e"), None, "lumen") == "lumen"
    assert caller.named(asking(x_agent_id="ember"), "lumen", "lumen") == "lumen"
    with pytest.raises(Forbidden):
        caller.named(asking(), "ember", "lumen")


def test_body_and_header_agree_at_the_local_door():
    """One of the two is enough."""
    assert caller.named(asking(x_agent_id="lumen"), None, None) == "lumen"
    assert caller.named(asking(), "lumen", None) == "lumen"
    assert caller.named(asking(x_agent_id="lumen"), "lumen", None) == "lumen"
    assert caller.named(asking(), None, None) is None
    with pytest.raises(Forbidden, match="'ember' is not X-Agent-Id 'lumen'"):
        caller.named(asking(x_agent_id="lumen"), "ember", None)
    with pytest.raises(Refused, match="is not a name"):
        caller.named(asking(x_agent_id="no spaces"), None, None)
