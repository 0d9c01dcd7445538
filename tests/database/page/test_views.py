"""Each page over HTTP: valid, complete, bounded, and harmless whatever agents wrote."""

import json
import re
import time
from base64 import b64encode
from urllib.parse import quote

import psycopg
import pytest

from apps.governance.page.pages import VIEWS
from tests.database.page.living import check_in, say
from tests.database.page.markup import Markup

HTML = {"Accept": "text/html,application/xhtml+xml"}
READER = {**HTML, "Authorization": "Basic " + b64encode(b"me:token-of-lumen").decode()}
ASKED = [
    "/", "/?span=7d&id=ember", "/page/agents", "/page/agents?q=lum&who=all",
    "/page/agent?id=lumen", "/page/agent?id=lumen&span=1h", "/page/agent?id=moss",
    "/page/verdicts", "/page/verdicts?action=pause", "/page/verdicts?id=ember",
    "/page/audit", "/page/audit?kind=check_in&id=lumen", "/page/audit?kind=nothing",
    "/page/knowledge", "/page/knowledge?q=clarity", "/page/knowledge?q=%3Cb%3E",
    "/page/knowledge?tag=light", "/page/knowledge?id=moss", "/page/discovery?id=f-1",
    "/page/disputes", "/page/disputes?standing=failed", "/page/dispute?id=d-1",
    "/page/health", "/page/where", "/page/where?q=void", "/page/where?q=xqzjkw",
]  # fmt: skip
REFUSED = {
    "/page/agent?id=nobody": 404, "/page/agent": 404, "/page/discovery?id=x": 404,
    "/page/dispute?id=x": 404, "/?span=2h": 422, "/page/verdicts?before=x": 422,
    "/page/audit?until=soon": 422, "/page/agents?page=9999": 422, "/page/where?q=%00": 422,
    "/page/knowledge?q=%FF": 422, "/page/knowledge?q=" + "x" * 5_000: 422,
}  # fmt: skip
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 1234*1234 }}\u202e&amp;"


def opened(governance, path, headers=HTML, door="local"):
    """Status, headers and text of a page."""
    return governance.ask("GET", path, headers=headers, door=door)


def test_every_view_is_asked_for_here():
    """A new page has to be named in this file."""
    assert {path.partition("?")[0] for path in ASKED} == {*VIEWS, "/page/where"}


@pytest.mark.parametrize("path", ASKED)
def test_a_page_is_valid_and_can_be_read_without_eyes(house, path):
    """Nesting, ids, labels, headings in order, a language, nothing styled or scripted in place."""
    status, headers, text = opened(house, path)

    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert Markup(text).wrong == []
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("path", "expected"), REFUSED.items())
def test_what_cannot_be_shown_is_refused_as_a_page(house, path, expected):
    """With a way back; never a trace of the program."""
    status, _, text = opened(house, path)

    assert status == expected, text
    assert Markup(text).wrong == []
    assert 'href="/"' in text
    assert "Traceback" not in text


@pytest.mark.parametrize("path", [p for p in ASKED if "?" not in p] + ["/page/agent?id=lumen"])
def test_every_link_leads_somewhere(house, path):
    """One walk from each page, along all its links."""
    if path in {"/page/agent", "/page/discovery", "/page/dispute"}:
        return
    for link in {link.partition("#")[0] for link in Markup(opened(house, path)[2]).links} - {""}:
        status, _, _ = opened(house, link)
        # Health is told as 503 when it is critical; without Redis it is not.
        assert status == 200, link


def test_the_overview_tells_of_each_agent(house):
    """Name, status, verdict with its reason and its nearest edge, and how it stands."""
    text = Markup(opened(house, "/")[2]).text

    for told in ("Lumen", "ember", "moss", "paused", "proceed", "pause at 0.60", "nearest edge",
                 "redis", "EISV of Lumen", "Void grows before every pause",
                 "Void passed its edge twice in an hour", "check_in"):  # fmt: skip
        assert told in text


def test_the_lines_are_the_rows(house):
    """The table below the chart holds the last state of each step, as Postgres has it."""
    text = opened(house, "/page/agent?id=lumen&span=24h")[2]
    [(count,)] = house.rows(
        "SELECT count(DISTINCT floor(extract(epoch FROM recorded_at) / 600)) FROM core.agent_state"
        " JOIN core.identities USING (identity_id) WHERE agent_id = 'lumen'"
    )
    [(energy, drawn)] = house.rows(
        "SELECT energy, (state_json->'drawing_eisv'->>'E')::float8 FROM core.agent_state"
        " JOIN core.identities USING (identity_id) WHERE agent_id = 'lumen'"
        " ORDER BY recorded_at DESC LIMIT 1"
    )

    assert f"The {count} states as a table" in text
    assert f">{energy:.3f}</text>" in text
    assert f">{drawn:.3f}</text>" in text
    assert text.count('class="line governance"') == 1 + 5
    assert text.count('class="line drawing"') == 1 + 5


def test_the_whole_trail_can_be_walked(house):
    """Page after page each event once, the newest first."""
    count, known = "SELECT count(*) FROM audit.events", None
    while known != (known := house.rows(count)):
        time.sleep(0.5)  # what was told of last is still being indexed
    seen, path = [], "/page/audit"
    while path:
        text = opened(house, path)[2]
        seen += re.findall(r'data-key="event-([0-9a-f-]{36})"', text)
        older = re.search(r'href="([^"]+)">Older', text)
        path = older and older[1].replace("&amp;", "&")
    there = house.rows("SELECT event_id::text FROM audit.events ORDER BY recorded_at DESC,"
                       " events.event_id DESC")  # fmt: skip

    assert seen == [event for (event,) in there]


def test_the_whole_of_the_verdicts_can_be_walked(house):
    """Page after page each once."""
    seen, path = [], "/page/verdicts"
    while path:
        text = opened(house, path)[2]
        seen += re.findall(r'data-key="verdict-(\d+)"', text)
        older = re.search(r'href="([^"]+)">Older', text)
        path = older and older[1].replace("&amp;", "&")

    there = house.rows(
        "SELECT state_id::text FROM core.agent_state ORDER BY agent_state.state_id DESC"
    )
    assert seen == [state for (state,) in there]


def test_the_graph_can_be_walked_by_its_links(house):
    """From an agent to what it found, to what answers that, to a tag and back."""
    assert "/page/discovery?id=f-1" in Markup(opened(house, "/page/agent?id=lumen")[2]).links
    first = Markup(opened(house, "/page/discovery?id=f-1")[2])
    assert {"/page/agent?id=lumen", "/page/discovery?id=f-2", "/page/discovery?id=f-4",
            "/page/knowledge?tag=light"} <= set(first.links)  # fmt: skip
    assert "is answered by (question)" in first.text
    second = Markup(opened(house, "/page/discovery?id=f-2")[2])
    assert "answers" in second.text
    assert {"/page/discovery?id=f-1", "/page/discovery?id=f-3"} <= set(second.links)


def test_the_search_ranks_and_marks_what_it_finds(house):
    """A hit in the summary stands before one in the details; stems count."""
    text = opened(house, "/page/knowledge?q=clarity")[2]

    assert re.findall(r'data-key="find-(f-\d)"', text) == ["f-1", "f-3"]
    assert "and <mark>clarity</mark> with it" in text
    assert 'data-key="find-f-4"' in opened(house, "/page/knowledge?q=pauses")[2]


def test_where_forgives_typing_errors_and_tells_how_to_read(house):
    """With what the store says at this moment."""
    text = Markup(opened(house, "/page/where?q=agent_stat")[2]).text

    assert "core.agent_state" in text
    assert "The newest is" in text
    assert "psql" in text


def test_a_transcript_is_told_whole(house):
    """Who said what, on which terms, and how it ended."""
    text = Markup(opened(house, "/page/dispute?id=d-1")[2]).text

    for told in ("thesis", "antithesis", "synthesis", "Long strokes without rest", "agrees",
                 "rest between pieces", "The numbers agree", "resume"):  # fmt: skip
        assert told in text


def test_an_empty_house_is_friendly(fresh):
    """Every list says what will be there, and the first one how to begin."""
    for path in ("/", "/page/agents", "/page/verdicts", "/page/knowledge", "/page/disputes"):
        status, _, text = opened(fresh, path)
        page = Markup(text)
        assert (status, page.wrong) == (200, []), path
        assert 'class="empty"' in text
    assert "Nobody has checked in yet." in Markup(opened(fresh, "/")[2]).text


def test_what_agents_write_stays_text(fresh):
    """A script in every field that an agent or an address can fill."""
    say(fresh, check_in("lumen", _now()))
    with psycopg.connect(fresh.database.admin, autocommit=True) as conn:
        _hostile(conn)
    name, text = quote(HOSTILE), HOSTILE
    paths = ["/", f"/page/agent?id={name}", f"/page/agents?q={name}", "/page/verdicts",
             "/page/audit", f"/page/audit?kind={name}", "/page/knowledge",
             f"/page/knowledge?q={quote('script alert')}", f"/page/knowledge?q={name}",
             f"/page/knowledge?tag={name}", f"/page/discovery?id={name}", "/page/disputes",
             f"/page/dispute?id={name}", f"/page/where?q={quote(text[:80])}",
             f"/?span={name}", f"/page/agent?id=no{name}"]  # fmt: skip
    for path in paths:
        _, _, html = opened(fresh, path)
        page = Markup(html)
        assert page.wrong == [], path
        assert html.count("<script") == 1, path
        assert "<img src=x" not in html, path
        assert str(1234 * 1234) not in html, path
    assert text in Markup(opened(fresh, f"/page/discovery?id={name}")[2]).text


def test_at_the_lan_door_a_token_opens_it(house):
    """A browser asks for it when told to; without it nothing is shown, not even the style."""
    style = re.search(r"/page/page\.[0-9a-f]+\.css", opened(house, "/")[2])[0]
    for path in ("/", "/page/agents", "/page/events", style):
        status, headers, _ = opened(house, path, door="lan")
        assert (status, "Basic realm" in headers["www-authenticate"]) == (401, True)
    assert opened(house, "/", READER, "lan")[0] == 200
    assert opened(house, style, READER, "lan")[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Host": "rebound.example"}, 403),
    ],
)
def test_a_page_of_elsewhere_may_lead_here_but_not_load_us(house, headers, status):
    """Neither as an image, nor by a name that leads to the loopback."""
    for path in ("/", "/page/audit"):
        assert opened(house, path, {**HTML, **headers})[0] == status
    assert opened(house, "/page/events", headers)[0] == status if status != 200 else True


def test_only_get_is_taken(house):
    """The page changes nothing."""
    for method in ("POST", "PUT", "DELETE"):
        assert house.ask(method, "/page/agents", "{}")[0] == 405


def test_a_terminal_is_told_in_a_few_lines(house):
    """Whoever does not ask for HTML."""
    status, headers, text = house.ask("GET", "/")

    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert "POST /v1/checkins" in text


def test_assets_are_kept_for_ever(house):
    """Under the names that the page gives them."""
    text = opened(house, "/")[2]
    for path in re.findall(r'(?:href|src)="(/page/[a-z]+\.[0-9a-f]{12}\.[a-z]+)"', text):
        status, headers, _ = opened(house, path)
        assert (status, "immutable" in headers["cache-control"]) == (200, True)


def _now():
    from datetime import UTC, datetime  # noqa: PLC0415

    return datetime.now(UTC)


def _hostile(conn) -> None:
    """Everything that is text, everywhere."""
    h = HOSTILE
    conn.execute("INSERT INTO core.identities (agent_id, label, purpose, notes, tags, spawn_reason,"
                 " parent_agent_id, last_activity_at) VALUES (%s, %s, %s, %s, %s, %s, 'lumen',"
                 " now())", (h, h, h, h, [h], h))  # fmt: skip
    conn.execute("INSERT INTO core.agent_state (identity_id, boot_id, seq, body_sha256,"
                 " recorded_at, received_at, late, energy, integrity, entropy, void, coherence,"
                 " regime, health, risk, action, margin, nearest_edge, reason, warmth, clarity,"
                 " stability, presence, state_json) SELECT i.identity_id, 'boot-x0001', 1,"
                 " body_sha256, recorded_at, received_at, late, energy, integrity, entropy, void,"
                 " coherence, regime, health, risk, action, margin, nearest_edge, %s, warmth,"
                 " clarity, stability, presence, %s FROM core.agent_state,"
                 " core.identities i WHERE i.agent_id = %s", (h, json.dumps(
                     {"drawing_eisv": {"era": h, "phase": h, "marks": 1},
                      "environment": {"cpu_temp_c": h}}), h))  # fmt: skip
    conn.execute("INSERT INTO audit.events (event_id, recorded_at, agent_id, event_type, payload)"
                 " VALUES (gen_random_uuid(), now(), %s, %s, %s)",
                 (h, h, json.dumps({h: h, "deep": {h: [h]}})))  # fmt: skip
    conn.execute("INSERT INTO core.discoveries (discovery_id, agent_id, type, summary, details,"
                 " references_files, metadata) VALUES (%s, %s, 'note', %s, %s, %s, %s)",
                 (h, h, h, h + "script alert", [h], json.dumps({h: h})))  # fmt: skip
    conn.execute(
        "INSERT INTO core.discoveries (discovery_id, agent_id, type, summary, response_to,"
        " response_type) VALUES ('answer', %s, 'answer', %s, %s, 'extend')",
        (h, h, h),
    )
    conn.execute("INSERT INTO core.discovery_tags (discovery_id, tag) VALUES (%s, %s)", (h, h))
    conn.execute("INSERT INTO dialectic.sessions (session_id, paused_agent_id, reviewer_agent_id,"
                 " reason, topic, resolution_json, paused_agent_state_json) VALUES"
                 " (%s, %s, %s, %s, %s, %s, %s)", (h, h, h, h, h,
                 json.dumps({"root_cause": h, "conditions": [h, {h: h}], h: h}),
                 json.dumps({h: h})))  # fmt: skip
    conn.execute("INSERT INTO dialectic.messages (session_id, seq, agent_id, message_type,"
                 " root_cause, proposed_conditions, reasoning, observed_metrics, concerns)"
                 " VALUES (%s, 0, %s, 'thesis', %s, %s, %s, %s, %s)",
                 (h, h, h, json.dumps([h, {h: h}]), h, json.dumps({h: h}),
                  json.dumps([h])))  # fmt: skip


def test_a_rare_word_is_found_however_far_back(fresh):
    """A list of one kind ends where the look back ends, and goes on from there."""
    with psycopg.connect(fresh.database.admin, autocommit=True) as conn:
        say(fresh, check_in("lumen", _now()))
        conn.execute(
            "INSERT INTO audit.events (event_id, recorded_at, agent_id, event_type)"
            " SELECT gen_random_uuid(), now() - n * interval '1 ms', 'lumen',"
            "        CASE n WHEN 20500 THEN 'rare' ELSE 'noise' END"
            "  FROM generate_series(1, 20600) AS n"
        )
        _states(conn, 20_600)
        conn.execute(
            "UPDATE core.agent_state SET action = 'pause'"
            " WHERE state_id = (SELECT min(state_id) + 5 FROM core.agent_state)"
        )
    for path, sought in (
        ("/page/audit?kind=rare", "event"),
        ("/page/audit?kind=rare&id=lumen", "event"),
        ("/page/verdicts?action=pause", "verdict"),
    ):
        first = opened(fresh, path)[2]
        older = re.search(r'href="([^"]+)">Older', first)
        assert older, path
        second = opened(fresh, older[1].replace("&amp;", "&"))[2]
        assert [text.count(f'data-key="{sought}-') for text in (first, second)] == [0, 1], path
        assert ">Older<" not in second


def _states(conn, count: int) -> None:
    """As many more check-ins as the first one was."""
    columns = (
        "identity_id, body_sha256, recorded_at, received_at, late, energy, integrity, entropy,"
        " void, coherence, regime, health, risk, action, margin, nearest_edge, reason, warmth,"
        " clarity, stability, presence, state_json"
    )
    conn.execute(
        f"INSERT INTO core.agent_state (boot_id, seq, {columns})"
        f" SELECT 'boot-more', n, {columns}"
        f"  FROM core.agent_state, generate_series(1, {count}) AS n"
    )
