"""Over HTTP: a person's token reads in that person's name; tokens are meant for whom they are."""

import json
import time
from hashlib import sha256
from uuid import UUID

import psycopg
import pytest

from schemas.soulfra.server import APP, PERSON
from tests.database.soulfra.privacy.conftest import ADA, EVE, MARKS, PHONE
from tests.database.soulfra.test_doors import Process
from tests.redis_server import PASSWORD

AT = "/soulfra/v1"


def client(token, **more):
    """As it stands in the file."""
    return {"sha256": sha256(token.encode()).hexdigest(), **more}


CLIENTS = {
    "ada": client("of-ada", user=str(ADA)),
    "eve": client("of-eve", user=str(EVE)),
    "gallery": client("of-gallery"),
    "operator": client("of-operator", may=["detokenise", "forget", "remember"]),
}


@pytest.fixture
def process(people, redis, tmp_path):
    """A running one with a Redis, and clients that are somebody's."""
    (tmp_path / "password").write_text(PASSWORD + "\n")
    url = people.app.replace(f"{APP}:{APP}", f"{PERSON}:{PERSON}")
    told = {
        "SOULFRA_PERSON_POSTGRES_URL": url,
        "REDIS_SOCKET": str(redis.socket),
        "REDIS_USER": "soulfra",
        "REDIS_PASSWORD_FILE": str(tmp_path / "password"),
    }
    made = Process(tmp_path, people, CLIENTS, **told).ready()
    yield made
    code, said = made.end()
    assert code == 0, said
    assert not any(mark in said for mark in MARKS.values())


def whispered(process, loop, token):
    """What a client reads of it."""
    status, said = process.ask("GET", f"{AT}/loops/{loop}", token=token)
    assert status == 200, said
    return said


def test_each_reads_what_it_may(process):
    """Tokens for others; the person and the operator read what they stand for."""
    for loop, mark in (("ada-rain", "whisper"), ("ada-hail", "unsigned")):
        meant = f"{MARKS[mark]}: write {MARKS['mentioned']} or +4930901820, ask {MARKS['name']}"
        told = {
            token: whispered(process, loop, token)["whisper_origin"]
            for token in ("of-ada", "of-eve", "of-operator", "of-gallery")
        }
        assert told["of-ada"] == told["of-operator"] == meant
        assert told["of-eve"] == told["of-gallery"]
        assert told["of-eve"].startswith(f"{MARKS[mark]}: write [email:")
        assert not any(each in told["of-eve"] for each in (MARKS["mentioned"], PHONE, "@zq"))


def test_in_a_persons_name_another_is_not_there(process):
    """Users and agents: its own. What is everybody's is there; lives are not for it."""
    asked = {
        (token, path): process.ask("GET", f"{AT}/{path}", token=token)[0]
        for token in ("of-ada", "of-eve")
        for path in (f"users/{ADA}", "agents/a-ada", "loops/ada-rain", "guilds/g",
                     "lives/loop:ada-rain", f"forgotten/{ADA}")
    }  # fmt: skip
    assert {path: status for (token, path), status in asked.items() if token == "of-ada"} == {
        f"users/{ADA}": 200, "agents/a-ada": 200, "loops/ada-rain": 200, "guilds/g": 200,
        "lives/loop:ada-rain": 403, f"forgotten/{ADA}": 404}  # fmt: skip
    assert {path: status for (token, path), status in asked.items() if token == "of-eve"} == {
        f"users/{ADA}": 404, "agents/a-ada": 404, "loops/ada-rain": 200, "guilds/g": 200,
        "lives/loop:ada-rain": 403, f"forgotten/{ADA}": 403}  # fmt: skip


def test_whose_an_unsigned_loop_is_only_the_operator_is_told(process):
    """By its life, and by that of whoever paid."""
    types = {}
    for token in ("of-operator", "of-gallery"):
        for life in ("loop:ada-hail", f"user:{ADA}"):
            _, said = process.ask("GET", f"{AT}/lives/{life}", token=token)
            types[token, life] = {each["type"] for each in said}
            assert all("pii" not in each["data"] for each in said)
            assert all(not each["by"] for each in said if each["type"] == "loop_created")
    assert whispered(process, "ada-hail", "of-gallery")["creator_id"] is None
    assert whispered(process, "ada-hail", "of-ada")["creator_id"] is None
    assert "loop_owned" in types["of-operator", "loop:ada-hail"]
    assert "credits_changed" in types["of-operator", f"user:{ADA}"]
    assert "loop_owned" not in types["of-gallery", "loop:ada-hail"]
    assert types["of-gallery", f"user:{ADA}"] == {"user_registered"}


def asked(process, token):
    """All that a client may ask about the first of both, by way of the cache and past it."""
    of = (f"users/{ADA}", f"lives/user:{ADA}", "agents/a-ada", "lives/agent:a-ada",
          "drift/agent:a-ada", "agents/a-ada/whispers", f"forgotten/{ADA}")  # fmt: skip
    return {
        path: process.ask("GET", f"{AT}/{path}", token=token)
        for each in of
        for path in (each, f"{each}?fresh=1")
    }


def test_who_pays_and_is_paid_for_an_unsigned_loop_nobody_sees_by_asking_again(process, redis):
    """What a plain client is told of a person stays; the person and the operator see credits."""
    plain, own, whole = (asked(process, f"of-{who}") for who in ("gallery", "ada", "operator"))
    assert give(process, "of-operator", "whisper", loop_id="fog", agent_id="a-ada", text="fog",
                unsigned=True)[0] == 200  # fmt: skip
    give(process, "of-operator", "open-voting", voting_id="v-fog", loop_id="fog", agent_id="a-eve")
    give(process, "of-operator", "vote", voting_id="v-fog", agent_id="a-eve", approves=True)

    assert asked(process, "of-gallery") == plain
    path = f"users/{ADA}"
    assert not {"emotional_credits", "version"} & plain[path][1].keys()
    for before, token in ((own, "of-ada"), (whole, "of-operator")):
        now = asked(process, token)[path][1]
        assert now["emotional_credits"] == before[path][1]["emotional_credits"] + 9
        assert now["version"] == before[path][1]["version"] + 2
    time.sleep(0.5)  # the follower tells Redis
    acts = [redis.cli("GET", key) for key in redis.cli("--scan").split() if key.endswith(":active")]
    assert acts
    assert not [act for act in acts if "loop_owned" in act or "credits" in act]


def test_what_a_forgotten_life_came_to_is_no_plain_clients(process):
    """How many events it had, and how many loops, signed or not, were rewritten."""
    assert give(process, "of-operator", "forget-user", user_id=str(ADA))[0] == 200
    told = {who: asked(process, f"of-{who}") for who in ("gallery", "operator")}
    life = f"lives/user:{ADA}"
    assert all("version" not in each for each in told["gallery"][life][1])
    assert all("version" in each for each in told["operator"][life][1])
    assert [each["type"] for each in told["gallery"][life][1]] == [
        "user_registered", "user_forgotten"]  # fmt: skip
    assert told["gallery"][f"forgotten/{ADA}"][1].keys() == {
        "user_id", "forgotten_at", "finished_at"}  # fmt: skip
    assert told["operator"][f"forgotten/{ADA}"][1]["user_id"] == str(ADA)
    assert "places" in told["operator"][f"forgotten/{ADA}"][1]


def test_what_an_agent_remembers_is_for_its_person_and_whoever_may(process, tmp_path):
    """Told and asked in plain words; sealed on disk, copied when it reflects."""
    at = f"{AT}/memories/a-ada"
    said = {"type": "rain", "content": MARKS["memory"], "significance": 0.9}
    for token in ("of-eve", "of-gallery"):
        assert process.ask("GET", at, token=token)[0] == 403
        assert process.ask("POST", at, json.dumps(said), token=token)[0] == 403
    assert process.ask("POST", at, json.dumps(said), token="of-ada") == (200, {"id": 1})
    for n in range(3):
        more = json.dumps({"type": "dream", "content": f"{n}", "significance": 0.1})
        assert process.ask("POST", at, more, token="of-operator") == (200, {"id": n + 2})

    key = {"Idempotency_Key": str(UUID(int=9))}
    for _ in range(2):
        assert process.ask("POST", at, more, token="of-ada", **key) == (200, {"id": 5})
    other = json.dumps({"type": "dream", "content": "another"})
    assert process.ask("POST", at, other, token="of-ada", **key)[0] == 409
    key = {"Idempotency_Key": "nine"}
    assert process.ask("POST", at, other, token="of-ada", **key)[0] == 422

    status, found = process.ask("GET", f"{at}?type=rain&limit=5", token="of-operator")
    assert (status, [each["content"] for each in found]) == (200, [MARKS["memory"]])
    _, found = process.ask("GET", f"{at}?limit=2", token="of-ada")
    assert [each["content"] for each in found] == ["2", "2"]
    assert process.ask("GET", f"{at}?limit=0", token="of-ada")[0] == 422
    assert process.ask("GET", f"{at}?colour=red", token="of-ada")[0] == 422
    assert process.ask("POST", at, json.dumps({**said, "id": 9}), token="of-ada")[0] == 422
    assert process.ask("POST", at, json.dumps({"content": "x"}), token="of-ada")[0] == 422
    assert process.ask("GET", f"{AT}/memories/nobody", token="of-operator")[0] == 404

    thought = json.dumps({"prompt": "why", "response": "because it rains"})
    shift = json.dumps({"from_tone": "joy", "to_tone": "calm", "magnitude": 0.5})
    assert process.ask("POST", f"{AT}/reflections/a-ada", thought, token="of-ada")[0] == 200
    assert process.ask("POST", f"{AT}/tones/a-ada", shift, token="of-ada")[0] == 200
    _, [reflected] = process.ask("GET", f"{AT}/reflections/a-ada", token="of-ada")
    _, [shifted] = process.ask("GET", f"{AT}/tones/a-ada", token="of-ada")
    _, counts = process.ask("GET", f"{AT}/memory/a-ada", token="of-ada")
    assert process.ask("GET", f"{AT}/agents/a-ada", token="of-ada")[1]["memory_depth"] == 5
    assert (reflected["prompt"], shifted["to_tone"]) == ("why", "calm")
    assert (counts["memories"], counts["reflections"], counts["tone_shifts"]) == (5, 1, 1)
    folder = tmp_path / "agents" / "a-ada"
    files = [file for file in folder.rglob("*") if file.is_file() and "sqlite" in file.name]
    assert len(files) >= 2  # the file, and its copy
    assert not any(MARKS["memory"].encode() in file.read_bytes() for file in files)


def give(process, token, name, **fields):
    """Status and answer of a command."""
    return process.ask("POST", f"{AT}/commands/{name}", json.dumps(fields), token=token)


def test_who_may_have_whom_forgotten(process, people, tmp_path, redis):
    """Oneself, and the operator anybody; then it is done everywhere, and told where."""
    told = json.dumps({"type": "rain", "content": MARKS["memory"]})
    assert process.ask("POST", f"{AT}/memories/a-ada", told, token="of-ada")[0] == 200
    assert (tmp_path / "agents" / "a-ada" / "memory.sqlite").exists()

    assert give(process, "of-gallery", "forget-user", user_id=str(ADA))[0] == 403
    assert give(process, "of-eve", "forget-user", user_id=str(ADA))[0] == 403
    assert give(process, "of-eve", "whisper", agent_id="a-ada", text="x")[0] == 403
    assert give(process, "of-ada", "whisper", agent_id="a-ada", text="x")[0] == 200
    assert give(process, "of-ada", "forget-user", user_id=str(ADA))[0] == 200
    until = time.monotonic() + 20
    while True:
        status, report = process.ask("GET", f"{AT}/forgotten/{ADA}", token="of-operator")
        if report.get("finished_at") or time.monotonic() > until:
            break
        time.sleep(0.05)

    assert (status, report["user_id"]) == (200, str(ADA))
    assert {"store": "memories", "place": "agents/a-ada/memory.sqlite", "count": 1,
            "how": "removed"} in report["places"]  # fmt: skip
    assert not (tmp_path / "agents" / "a-ada" / "memory.sqlite").exists()
    held = [redis.cli("--no-raw", "DUMP", key) for key in redis.cli("--scan").split()]
    held += [path.read_text() for path in tmp_path.rglob("*.json*") if path.is_file()]
    assert held
    assert not [mark for mark in (*MARKS.values(), PHONE) if any(mark in each for each in held)]
    assert whispered(process, "ada-rain", "of-operator")["whisper_origin"] is None
    _, life = process.ask("GET", f"{AT}/lives/user:{ADA}", token="of-operator")
    assert life[0]["data"] == {"username": "forgotten", "email": "forgotten", "tier": "free"}
    _, agent = process.ask("GET", f"{AT}/agents/a-ada", token="of-operator")
    assert agent["archetype"] == "forgotten"
    assert give(process, "of-ada", "whisper", agent_id="a-ada", text="x")[0] == 409
    assert give(process, "of-operator", "forget-user", user_id=str(ADA))[0] == 200
    assert whispered(process, "eve-rain", "of-eve")["whisper_origin"].startswith("eve: write")


def test_the_reader_has_no_way_to_what_is_sealed(people):
    """Neither keys nor what tokens stand for; texts are sealed."""
    with psycopg.connect(people.reader, autocommit=True) as conn:
        for table in (
            "privacy.subjects", "soulfra.pii_tokens", "soulfra.loop_owners", "soulfra.users",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(f"SELECT count(*) FROM {table}")
        texts = conn.execute(
            "SELECT whisper_origin FROM soulfra.loops WHERE whisper_origin IS NOT NULL"
            " UNION ALL SELECT prophecy_text FROM soulfra.prophecies"
            " UNION ALL SELECT archetype FROM soulfra.agents"
        ).fetchall()
    assert len(texts) == 8
    assert all(text.startswith("s1.") for (text,) in texts)


def test_a_persons_client_without_a_role_for_it_is_said(people, tmp_path):
    """At the start, not at the first question."""
    ended, said = Process(tmp_path, people, CLIENTS).end(0)
    assert ended == 2
    assert "SOULFRA_PERSON_POSTGRES_URL: is not set, and a client is a person's" in said
