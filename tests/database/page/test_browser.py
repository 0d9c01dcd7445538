"""The page in a real Chromium: live, by keyboard, in the dark, on a phone, and by itself."""

import re
from datetime import UTC, datetime
from urllib.parse import quote

import psycopg
import pytest

from tests.database.page.living import check_in, say

PAGES = ["/", "/page/agents", "/page/agent?id=lumen", "/page/verdicts", "/page/audit",
         "/page/knowledge?q=clarity", "/page/discovery?id=f-1", "/page/disputes",
         "/page/dispute?id=d-1", "/page/health", "/page/where?q=void"]  # fmt: skip
PHONE = {"width": 360, "height": 740}
LIVE = "#live[data-mood=on]"
SHIFT = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 150);
})"""


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_quiet_keeps_to_the_house_and_fits_a_phone(house, look, path):
    """No error on the console, no request to elsewhere, nothing jumps, nothing is cut off."""
    seen = look(house, path)
    page = seen.page
    if page.get_attribute("html", "data-live"):
        page.wait_for_selector(LIVE)
    shift = page.evaluate(SHIFT)
    wide = {}
    for size in (PHONE, {"width": 700, "height": 900}, {"width": 1280, "height": 900}):
        page.set_viewport_size(size)
        wide[size["width"]] = page.evaluate("document.documentElement.scrollWidth")

    assert seen.wrong == []
    assert {re.match(r"http://127\.0\.0\.1:\d+", url)[0] for url in seen.asked} == {
        f"http://127.0.0.1:{house.local}"
    }
    assert shift < 0.001
    assert all(found <= size for size, found in wide.items()), wide


def test_a_phone_shows_it_at_its_own_size(house, look):
    """The viewport is declared; a finger finds every link of the menu."""
    page = look(house, "/", viewport=PHONE, is_mobile=True, has_touch=True).page
    sizes = page.evaluate(
        "[...document.querySelectorAll('.top li a, .switch a')]"
        ".map((a) => a.getBoundingClientRect().height)"
    )

    assert page.evaluate("[window.innerWidth, document.documentElement.scrollWidth]") == [360, 360]
    assert min(sizes) >= 24  # WCAG 2.2, 2.5.8


def test_news_arrive_without_a_reload(fresh, look):
    """An empty house gets its first agent while somebody watches; what is typed stays typed."""
    seen = look(fresh, "/")
    page = seen.page
    page.wait_for_selector(LIVE)
    page.evaluate("window.same = true")
    assert page.locator("text=Nobody has checked in yet.").count() == 1

    say(fresh, check_in("lumen", datetime.now(UTC), draws=True))
    page.wait_for_selector("table.agents tr[data-key='agent-lumen']", timeout=6_000)
    page.wait_for_selector("svg .point.drawing", state="attached")
    page.wait_for_selector("ol.events li")

    assert page.evaluate("window.same") is True
    assert page.locator("text=Nobody has checked in yet.").count() == 0
    assert seen.wrong == []


def test_the_trail_grows_at_its_head_and_keeps_what_is_open(house, look):
    """A new line comes first; a line that was unfolded stays so, and focus stays where it was."""
    page = look(house, "/page/audit").page
    page.wait_for_selector(LIVE)
    first = page.locator("ol.events li").first.get_attribute("data-key")
    page.locator("ol.events li details summary").first.click()
    page.focus("#kind")
    page.keyboard.type("check")

    say(house, check_in("ember", datetime.now(UTC)))
    page.wait_for_function(
        "(was) => document.querySelector('ol.events li').dataset.key !== was", arg=first
    )

    assert page.locator(f"li[data-key='{first}'] details[open]").count() == 1
    assert page.evaluate("document.activeElement.id") == "kind"
    assert page.input_value("#kind") == "check"


def test_a_page_can_be_held_still(house, look):
    """And then catches up."""
    page = look(house, "/page/verdicts").page
    page.wait_for_selector(LIVE)
    page.click("#live button")
    first = page.locator("ol.verdicts li").first.get_attribute("data-key")
    say(house, check_in("ember", datetime.now(UTC)))
    page.wait_for_timeout(2_500)
    assert page.locator("ol.verdicts li").first.get_attribute("data-key") == first
    assert page.get_attribute("#live button", "aria-pressed") == "true"

    page.click("#live button")
    page.wait_for_function(
        "(was) => document.querySelector('ol.verdicts li').dataset.key !== was", arg=first
    )


def test_a_page_finds_its_way_back_after_a_restart(start, look):
    """The stream breaks off, the page says that it waits, and is live again by itself."""
    told = start().ready()
    page = look(told, "/page/verdicts").page
    page.wait_for_selector(LIVE)
    told.end()
    page.wait_for_selector("#live[data-mood=waiting]")
    again = start(GOVERNANCE_LOCAL_PORT=str(told.local)).process
    try:
        page.wait_for_selector(LIVE, timeout=15_000)
    finally:
        again.kill()
        again.communicate()


def test_everything_can_be_reached_by_keyboard(house, look):
    """The first stop leads past the menu; every stop is seen; the graph is walked with Enter."""
    page = look(house, "/page/discovery?id=f-1").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    stops = []
    for _ in range(40):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(
            "[document.activeElement.getAttribute('href'),"
            " getComputedStyle(document.activeElement).outlineStyle]"
        ))  # fmt: skip
        if stops[-1][0] == "/page/discovery?id=f-2":
            break
    assert all(style == "solid" for href, style in stops if href)
    page.keyboard.press("Enter")
    page.wait_for_url("**/page/discovery?id=f-2")


def test_every_control_is_a_stop(house, look):
    """Links, buttons, fields, and what scrolls."""
    page = look(house, "/").page
    page.wait_for_selector(LIVE)
    wanted = page.evaluate(
        "document.querySelectorAll('a[href], button, input, summary, [tabindex=\"0\"]').length"
    )
    seen = set()
    for _ in range(wanted + 2):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(
            "[...document.querySelectorAll('*')].indexOf(document.activeElement)"
        ))  # fmt: skip

    assert len(seen) >= wanted


@pytest.mark.parametrize(
    ("scheme", "ground"), [("light", "rgb(250, 248, 244)"), ("dark", "rgb(21, 23, 27)")]
)
def test_the_dark_is_dark(house, look, scheme, ground):
    """As the reader's system has it; lines and texts follow."""
    page = look(house, "/", color_scheme=scheme).page
    style = "getComputedStyle(document.querySelector('{}')).{}"

    assert page.evaluate(style.format("body", "backgroundColor")) == ground
    inks = {page.evaluate(style.format(what, of)) for what, of in
            (("body", "color"), (".line.governance", "stroke"), ("svg text", "fill"))}  # fmt: skip
    assert len(inks) == 3
    assert ground not in inks


def test_it_works_without_script(house, look):
    """Spans, search, the graph and older rows are links and forms."""
    page = look(house, "/", java_script_enabled=False).page
    page.click("nav.switch >> text=7d")
    page.click("nav[aria-label=Pages] >> text=Knowledge")
    page.fill("#q", "void pause")
    page.click("button >> text=Search")
    page.click("text=Void grows before every pause")
    page.click(".near svg a >> nth=0")

    assert page.url.endswith("/page/agent?id=moss")
    assert page.locator("svg .line.governance").count() > 1


def test_whoever_wants_no_motion_gets_none(house, look):
    """A new line arrives without a fade."""
    motion = ("Object.assign(document.body.appendChild(document.createElement('i')),"
              " {className: 'new'}) && getComputedStyle(document.querySelector('i.new'))"
              ".animationName")  # fmt: skip
    still = look(house, "/page/health", reduced_motion="reduce").page.evaluate(motion)
    moving = look(house, "/page/health", reduced_motion="no-preference").page.evaluate(motion)

    assert (still, moving) == ("none", "arrive")


def test_a_token_opens_the_lan_door_to_a_browser(house, look):
    """As user and password; the stream and the style come along."""
    told = {"username": "me", "password": "token-of-lumen"}
    seen = look(house, "/", port=house.lan, http_credentials=told)
    seen.page.wait_for_selector(LIVE)

    assert seen.page.evaluate("getComputedStyle(document.querySelector('.pill')).borderRadius")
    assert seen.wrong == []


def test_a_script_that_an_agent_wrote_does_not_run(fresh, look):
    """Not when it is shown, and not when it comes as news."""
    evil = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    say(fresh, check_in("lumen", datetime.now(UTC)))
    seen = look(fresh, "/")
    seen.page.wait_for_selector(LIVE)
    with psycopg.connect(fresh.database.admin, autocommit=True) as conn:
        conn.execute("UPDATE core.identities SET label = %s WHERE agent_id = 'lumen'", (evil,))
        conn.execute(
            "INSERT INTO core.discoveries (discovery_id, agent_id, type, summary)"
            " VALUES ('evil', 'lumen', 'note', %s)", (evil,),
        )  # fmt: skip
    seen.page.wait_for_selector("li[data-key='find-evil']")
    assert seen.page.locator("img[src=x]").count() == 0
    assert "taken" not in seen.page.title()
    seen.page.goto(f"http://127.0.0.1:{fresh.local}/page/knowledge?q={quote(evil)}")
    assert "taken" not in seen.page.title()
    assert seen.wrong == []


def test_ages_count_on(house, look):
    """Between two looks, by the server's clock."""
    page = look(house, "/").page
    say(house, check_in("ember", datetime.now(UTC)))
    page.wait_for_function("""() => {
      const time = document.querySelector("tr[data-key='agent-ember'] time[data-age]");
      return /^[3-9] s ago$/.test(time.textContent);
    }""", timeout=9_000)  # fmt: skip


def test_nothing_that_is_written_in_a_chart_is_cut_off(house, look):
    """Every word lies inside of its drawing, on a phone as well."""
    for size in (PHONE, {"width": 1280, "height": 900}):
        page = look(house, "/page/agent?id=lumen", viewport=size).page
        cut = page.evaluate(
            "[...document.querySelectorAll('.panel svg text')].filter((text) => {"
            " const box = text.getBBox(), all = text.ownerSVGElement.viewBox.baseVal;"
            " return box.y < all.y || box.y + box.height > all.y + all.height"
            "     || box.x < all.x || box.x + box.width > all.x + all.width;"
            "}).map((text) => text.textContent)"
        )
        assert page.locator(".panel svg text").count() > 20
        assert cut == []
