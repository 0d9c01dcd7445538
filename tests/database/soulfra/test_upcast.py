"""An old shape leads to the same row whoever reads it: tables, rebuild, follower, Python."""

import json
import re
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.queries import load
from apps.soulfra import upcast
from apps.soulfra.log import life
from apps.soulfra.projections import SQL as PROJECTIONS
from apps.soulfra.projections import of_this
from apps.soulfra.rebuild import rebuild
from apps.soulfra.upcast import UPCASTS, Step, led
from schemas.soulfra import commands as c
from schemas.soulfra.events import NEWEST, ToneShifted
from schemas.soulfra.log import EventType
from schemas.soulfra.words import Entity
from tests.database.soulfra.conftest import caught_up, writing
from tests.database.soulfra.test_drift import connected
from tests.database.soulfra.test_writer import beginning

KEYS = st.sampled_from(["a", "b", "c", "it's", "50%", "ä"])
CONSTANTS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["x", "100 %", "'"])
STEPS = st.builds(
    Step,
    dropped=st.lists(KEYS, max_size=2).map(tuple),
    renamed=st.dictionaries(KEYS, KEYS, max_size=2).filter(
        lambda renamed: len(set(renamed.values())) == len(renamed)
    ),
    added=st.dictionaries(KEYS, CONSTANTS, max_size=2),
)
SOULFRA = Path(upcast.__file__).parent
LED = {
    "cache/cache.sql": ["recent_whispers"],
    "months.sql": ["whispers", "owners"],
    "privacy/queries.sql": ["entities", "touched"],
    "projections.sql": list(PROJECTIONS),
    "tree/queries.sql": ["changed"],
}
"""Statements that are led to the newest shape where they are run."""
LOOKS = re.compile(r"\bdata\s*(?:->|@>|\?)")
OLD = "SELECT log.append(%s::jsonb)"


@pytest.fixture
def second_shape(monkeypatch):
    """Made up: a shift of tone was once written with other names, and with more."""
    monkeypatch.setattr(ToneShifted, "schema_version", 3)
    first = Step(renamed={"was": "before", "is": "to"}, dropped=("why",))
    monkeypatch.setitem(UPCASTS, (EventType.TONE_SHIFTED, 1), first)
    second = Step(renamed={"to": "after"}, added={"after": "calm"})
    monkeypatch.setitem(UPCASTS, (EventType.TONE_SHIFTED, 2), second)


def old(stream, version, schema_version, **data):
    """An event as an older release wrote it."""
    event = {
        "stream": stream,
        "version": version,
        "type": "tone_shifted",
        "schema_version": schema_version,
        "data": data,
        "metadata": {},
    }
    return json.dumps([event])


@pytest.mark.usefixtures("second_shape")
@pytest.mark.parametrize(
    ("shape", "data", "tone"),
    [
        (1, {"was": "neutral", "is": "joy", "why": "100 %"}, "joy"),
        (2, {"before": "neutral", "to": "grief"}, "grief"),
        (2, {"before": "neutral"}, "calm"),
        (3, {"before": "neutral", "after": "hope"}, "hope"),
    ],
)
def test_an_old_shape_comes_to_the_same_row_everywhere(  # noqa: PLR0917  # fixtures
    run, soulfra_database, ask, shape, data, tone
):
    """Live in its transaction, by the follower, by a rebuild, and in Python."""

    async def begun():
        async with writing(soulfra_database) as writer:
            await beginning(writer)
            await writer.give(c.Whisper(loop_id="rain", agent_id="oracle", text="x"))

    async def lived(stream):
        async with await connected(soulfra_database) as conn:
            return [each.what async for each in life(conn, stream)][-1]

    run(begun())
    with psycopg.connect(soulfra_database.owner, autocommit=True) as owner:
        for entity, stream in ((Entity.AGENT, "agent:oracle"), (Entity.LOOP, "loop:rain")):
            with owner.transaction():
                owner.execute(OLD, (old(stream, 2, shape, **data),))
                for text in of_this({(entity, EventType.TONE_SHIFTED)}):
                    owner.execute(text)
        run(caught_up(soulfra_database))

        assert ask("SELECT current_tone, version FROM soulfra.agents") == [(tone, 2)]
        assert ask("SELECT emotional_tone, version FROM soulfra.loops") == [(tone, 2)]
        changed = ask("SELECT from_value, to_value FROM soulfra.transformations ORDER BY id")
        assert changed == [("neutral", tone)] * 2
        assert rebuild(owner).differing == ()
    for stream in ("agent:oracle", "loop:rain"):
        assert run(lived(stream)) == ToneShifted(before="neutral", after=tone)


@pytest.fixture
def conn(soulfra_database):
    """One connection for many questions."""
    with psycopg.connect(soulfra_database.app, autocommit=True) as there:
        yield there


def test_a_step_says_the_same_in_sql_and_in_python(conn):
    """Whatever it drops, renames and adds, of whatever there is."""

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS, st.dictionaries(KEYS, CONSTANTS, max_size=4))
    def same(step, data):
        asked = f"SELECT {step.sql('%(data)s::jsonb')}"
        assert conn.execute(asked, {"data": json.dumps(data)}).fetchone() == (step(data),)

    same()


def test_every_statement_that_looks_into_data_is_led(conn, monkeypatch):
    """Each is planned with a step of every type; one that is not known here is named."""
    for of in NEWEST:
        monkeypatch.setitem(UPCASTS, (of, 1), Step(renamed={"an'old": "new"}))
    for file in sorted(SOULFRA.rglob("*.sql")):
        of_file = str(file.relative_to(SOULFRA))
        for name, text in load(file).items():
            if not LOOKS.search(text):
                continue
            assert name in LED.get(of_file, ()), f"{of_file}: {name}"
            assert "an''old" in led(text)
            conn.execute(planned(led(text)))
            conn.execute("DEALLOCATE led")


def planned(text):
    """A statement as the server is told to plan it."""
    for n, name in enumerate(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)), start=1):
        text = text.replace(f"%({name})s", f"${n}")
    return f"PREPARE led AS {text.replace('%%', '%')}"
