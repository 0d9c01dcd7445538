"""Assets, sensors, standing, neighbourhood, map: the parts that need no database."""

import ast
import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from apps.governance.page import neighbourhood, ownership, pages
from apps.governance.page.assets import FOLDER, assets
from apps.governance.page.sensors import measured
from apps.governance.page.standing import standing
from schemas.governance.calls.health import Ages, Component, Dropped, HealthReply, Months, PoolUse
from services.cargo import MAC_CODE, files

ROOT = Path(pages.__file__).parents[3]


def test_an_asset_is_named_by_its_content(tmp_path):
    """So it may be kept for ever: another content has another name."""
    (tmp_path / "a.css").write_text("a{}")
    path, answer = assets(tmp_path)["a.css"]

    assert path == f"/page/a.{sha256(b'a{}').hexdigest()[:12]}.css"
    assert answer.kind.startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]


def test_assets_are_small():
    """All of it is less than one picture."""
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 40_000


def test_no_template_opens_a_way_for_text_to_become_markup():
    """Nothing is marked safe, nothing is styled or scripted in place."""
    for file in Path(pages.__file__).with_name("templates").glob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe|autoescape|style=|\son[a-z]+=|<script(?! src)", text), file


def test_the_container_has_all_that_the_page_needs():
    """Templates, queries, style sheet and script travel; so does every module it imports."""
    cargo = files(MAC_CODE)
    room = Path(pages.__file__).parent
    there = [f for f in room.rglob("*") if f.is_file() and "__pycache__" not in f.parts]

    assert {str(file.relative_to(ROOT)) for file in there} <= cargo.keys()
    for name in [name for name in cargo if name.endswith(".py")]:
        for node in ast.walk(ast.parse(cargo[name])):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("apps."):
                place = node.module.replace(".", "/")
                assert {f"{place}.py", f"{place}/__init__.py"} & cargo.keys(), (name, node.module)


def test_sensors_have_the_units_of_the_contract():
    """And what is no number is left out."""
    told = {"cpu_temp_c": 52.5, "light_lux": 180, "load_1m": 0.5, "humidity_pct": "wet", "x": 1}

    assert [tuple(one) for one in measured(told)] == [
        ("cpu temp", "52.5", "°C"), ("light", "180", "lx"), ("load 1m", "0.5", ""),
    ]  # fmt: skip


def test_whatever_health_says_is_told():
    """Checks with their mood and what to do, the rest as names and values."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    seen = standing(HealthReply(
        status="moderate", version="1", timestamp=now, uptime_seconds=1234.56,
        status_breakdown={"healthy": 1, "unavailable": 1}, first_action="look at redis",
        checks={
            "redis": Component(status="unavailable", what="a key is set", since=now,
                               detail="gone", next_step="abode status"),
            "audit_log": Component(status="healthy", what="it can be appended to", since=now),
        },
        ages=Ages(silent_agents=("moss",)), waiting_checkins=0, months=Months(),
        pool=PoolUse(size=2, idle=1, largest=10, waiting=0), dropped=Dropped(audit_lines=1200),
        release_revision="0010",
    ))  # fmt: skip
    facts = dict(seen.facts)

    assert (seen.mood, seen.first_action) == ("warn", "look at redis")
    assert [(c.name, c.mood, c.next_step) for c in seen.troubled] == [
        ("redis", "warn", "abode status")
    ]
    assert facts["uptime seconds"] == "1,234.6"
    assert facts["dropped audit lines"] == "1,200"
    assert facts["ages silent agents"] == "moss"
    assert facts["disk"] == "\N{EN DASH}"
    assert "checks redis status" not in facts


def test_neighbours_stand_apart_within_the_picture():
    """However many there are; the list has all."""
    found = [neighbourhood.tag(str(n)) for n in range(40)]
    drawn = neighbourhood.neighbourhood("x", "discovery", found)
    places = [(node.x, node.y) for node in drawn.nodes]

    assert len(drawn.neighbours) == 40
    assert len(places) == neighbourhood.LIMIT
    for n, (x, y) in enumerate(places):
        assert 16 <= x <= neighbourhood.WIDTH - 16
        assert 14 <= y <= neighbourhood.HEIGHT - 14
        assert all(abs(x - a) + abs(y - b) > 30 for a, b in places[:n])


def test_the_map_has_everything_that_is_declared():
    """The same places as the catalogue, each with its parts."""
    from apps.ops.catalogue import declared, vars_of  # noqa: PLC0415

    told = {place.whole.place: place.parts for place in ownership.places()}

    assert {vars_of(place)["place"] for place, _ in declared()} <= told.keys()
    assert "nearest_edge" in [part.name for part in told["core.agent_state"]]
