"""Tokens that governance gives: shown once, known by a hash, ended within seconds."""

import asyncio
import hmac
import json
from hashlib import sha256

import psycopg
import pytest

from apps.bridge.refusals import Conflict, Forbidden, NotFound, Unauthorized
from apps.bridge.tool import Caller
from apps.governance import believed, keyring
from apps.governance.tokens import Tokens
from schemas.errors import Refused
from schemas.governance.calls import Right
from schemas.governance.calls.agents import ArchiveAgent, IssueToken, RegisterAgent, RevokeToken
from schemas.governance.tables import Purpose

OPERATOR = Caller("boss")
PLAIN = frozenset({Right.CHECK_IN, Right.READ, Right.WRITE})


def ask(database, query: str) -> list[tuple]:
    """What the database holds."""
    with psycopg.connect(database.admin, autocommit=True) as conn:
        return conn.execute(query).fetchall()


async def made(here, name="lumen", **more):
    """A registered agent with its token."""
    return await here.registry.register(OPERATOR, RegisterAgent(new_agent=name, **more))


def opens(here, token):
    """Who a token opens the door for."""
    return Tokens({}, here.keyring).who(f"Bearer {token}")


def test_a_token_opens_with_its_rights(room):
    """And no more than those."""

    async def run():
        async with room() as here:
            shown = await made(here, rights=("read", "check-in"))
            return shown, await opens(here, shown.token)

    shown, found = asyncio.run(run())

    assert found == ("lumen", {Right.READ, Right.CHECK_IN})
    assert shown.rights == (Right.CHECK_IN, Right.READ)


def test_every_other_token_is_unknown_in_the_same_words(room):
    """Wrong secret, wrong number, no shape, one letter more."""

    async def run():
        async with room() as here:
            shown = await made(here)
            _, number, secret = shown.token.split("-", 2)
            flipped = secret[:-1] + ("A" if secret[-1] != "A" else "B")
            wrong = [
                f"abode-{number}-{flipped}", f"abode-{int(number) + 1}-{secret}",
                f"abode-0{number}-{secret}", f"{shown.token}x", shown.token[:-1], secret, number,
                f"abode-{'9' * 18}-{secret}", f"abode-{'9' * 40}-{secret}", "abode-", "é" * 50,
            ]  # fmt: skip
            words = set()
            for token in wrong:
                with pytest.raises(Unauthorized) as caught:
                    await opens(here, token)
                words.add(str(caught.value))
            return words

    assert len(asyncio.run(run())) == 1


def test_a_secret_is_compared_in_constant_time_whether_or_not_its_number_is_there(
    room, monkeypatch
):
    """Always one comparison of two hashes of 32 bytes, by hmac."""
    compared = []

    def noted(one, other):
        compared.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(keyring, "compare_digest", noted)

    async def run():
        async with room() as here:
            shown = await made(here)
            stranger = shown.token.replace("abode-1-", "abode-77-")
            for token in (shown.token, shown.token[:-1] + "_", stranger):
                await here.keyring.opened(token.encode(), Purpose.ACCESS)

    asyncio.run(run())
    assert compared == [(32, 32)] * 3


def test_a_token_is_shown_once_and_kept_nowhere(start, redis, tmp_path):
    """Not in a row, a line, a log, a key or an answer to a later question."""
    (tmp_path / "redis").write_text(redis.password)
    living = start(
        REDIS_SOCKET=str(redis.socket),
        REDIS_USER="governance",
        REDIS_PASSWORD_FILE=str(tmp_path / "redis"),
    ).ready()
    _, shown = living.call("register_agent", {"new_agent": "canary", "label": "Canary"})
    _, first = living.call("identity", {}, {"X-Agent-Id": "canary", "X-Session-ID": "s-canary"})
    back = {"agent_uuid": "canary", "continuity_token": first["continuity_token"], "resume": True}
    refused, _ = living.call("identity", back, {"X-Session-ID": "s-canary"})
    wrong, said = living.call("identity", back | {"continuity_token": shown["token"]})
    status, _, _ = living.ask(
        "POST", "/v1/tools/list_agents", "{}",
        {"Authorization": f"Bearer {shown['token']}"}, door="lan",
    )  # fmt: skip
    bad, _, told = living.ask(
        "POST", "/v1/tools/list_agents", "{}",
        {"Authorization": f"Bearer {shown['token']}x"}, door="lan",
    )  # fmt: skip
    _, later = living.call("get_agent", {"agent": "canary"})
    secrets = [shown["token"].split("-", 2)[2], first["continuity_token"].split("-", 2)[2]]
    code, log = living.end()

    assert (refused, status, code) == (False, 200, 0)
    assert (wrong, bad) == (True, 401)
    assert redis.cli("GET", "session:s-canary") == "canary"
    dumped = "".join(
        f"{table}{living.rows(f'SELECT t::text FROM {table} AS t')}"
        for (table,) in living.rows(
            "SELECT c.oid::regclass::text FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('core', 'audit', 'retired')"
        )
    )
    kept = "".join(redis.cli("GET", key) for key in redis.cli("--scan").split()
                   if redis.cli("TYPE", key) == "string")  # fmt: skip
    files = "".join(p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file())
    assert "canary" in dumped
    assert "canary" in kept
    assert "canary" in files
    for secret in secrets:
        assert len(secret) == 43
        for place in (dumped, kept, files, log, told, json.dumps(later), json.dumps(said)):
            assert secret not in place
    assert sha256(secrets[0].encode()).hexdigest() in dumped


def test_a_token_that_ended_opens_nothing_at_once_here_and_soon_elsewhere(room, monkeypatch):
    """The other process believes what it saw for as long as is declared."""
    monkeypatch.setattr(believed, "BELIEVED_SECONDS", 0.3)

    async def run():
        async with room() as here, room() as there:
            shown = await made(here)
            await opens(here, shown.token)
            await opens(there, shown.token)
            await here.registry.revoke(OPERATOR, RevokeToken(token_id=shown.token_id))
            with pytest.raises(Unauthorized):
                await opens(here, shown.token)
            still = (await opens(there, shown.token))[0]
            await asyncio.sleep(0.4)
            with pytest.raises(Unauthorized):
                await opens(there, shown.token)
            with pytest.raises(NotFound):
                await here.registry.revoke(OPERATOR, RevokeToken(token_id=shown.token_id))
            return still

    assert asyncio.run(run()) == "lumen"
    assert believed.BELIEVED_SECONDS < 10


def test_a_token_is_believed_no_longer_than_it_lives(room, governance_database):
    """Its end is its end, whatever is cached."""

    async def run():
        async with room() as here:
            shown = await made(here)
            ask(governance_database, "UPDATE core.tokens SET expires_at = now()"
                " + interval '0.3 s' RETURNING 1")  # fmt: skip
            before = (await opens(here, shown.token))[0]
            await asyncio.sleep(0.4)
            with pytest.raises(Unauthorized):
                await opens(here, shown.token)
            return before

    assert asyncio.run(run()) == "lumen"


def test_ten_thousand_wrong_numbers_fill_no_memory_and_take_one_connection(room):
    """Whoever knocks with nonsense is asked about in bulk, and forgotten."""

    async def run():
        async with room(connections=3) as here:
            shown = await made(here)
            secret = shown.token.split("-", 2)[2]
            asked = [
                here.keyring.opened(f"abode-{n + 1_000}-{secret}".encode(), Purpose.ACCESS)
                for n in range(10_000)
            ]
            found = await asyncio.gather(*asked, opens(here, shown.token))
            return found, len(here.keyring._believed)

    found, known = asyncio.run(run())

    assert found[:-1] == [None] * 10_000
    assert found[-1][0] == "lumen"
    assert known <= believed.CACHE_LIMIT


def test_use_is_dated_to_the_hour(room, governance_database):
    """By the true secret only, and not by each use."""

    async def run():
        async with room() as here:
            shown = await made(here)
            await here.keyring.opened((shown.token[:-1] + "_").encode(), Purpose.ACCESS)
            here.keyring.forget([shown.token_id])
            await here.keyring.opened((shown.token[:-1] + "_").encode(), Purpose.ACCESS)
            never = ask(governance_database, "SELECT last_used_at FROM core.tokens")
            await opens(here, shown.token)
            here.keyring.forget([shown.token_id])
            await opens(here, shown.token)
            return never

    assert asyncio.run(run()) == [(None,)]
    assert ask(
        governance_database,
        "SELECT last_used_at = date_trunc('hour', last_used_at),"
        " last_used_at > now() - interval '2 h' FROM core.tokens",
    ) == [(True, True)]


def test_nobody_gives_a_right_that_it_has_not(room):
    """Neither to itself nor to a child."""
    writer = Caller("lumen", rights=PLAIN)

    async def run():
        async with room() as here:
            await made(here)
            for asked in (
                here.registry.issue(writer, IssueToken(rights=("operate",))),
                here.registry.register(writer, RegisterAgent(rights=("read", "operate"))),
                here.registry.issue(writer, IssueToken(agent="boss")),
            ):
                with pytest.raises((Forbidden, NotFound)):
                    await asked
            more = await here.registry.issue(writer, IssueToken(rights=("read",)))
            return more, await opens(here, more.token)

    more, found = asyncio.run(run())
    assert found == ("lumen", {Right.READ})
    assert more.agent == "lumen"


def test_an_agent_has_32_tokens_at_most(room):
    """Then it gives one up first."""

    async def run():
        async with room() as here:
            first = await made(here)
            for _ in range(31):
                await here.registry.issue(OPERATOR, IssueToken(agent="lumen"))
            with pytest.raises(Conflict):
                await here.registry.issue(OPERATOR, IssueToken(agent="lumen"))
            await here.registry.revoke(OPERATOR, RevokeToken(token_id=first.token_id))
            return await here.registry.issue(OPERATOR, IssueToken(agent="lumen"))

    assert asyncio.run(run()).token_id > 32


def test_the_file_is_asked_first_and_the_database_beside_it(room):
    """The Pi's token needs no Postgres."""
    hashes = {"pi": sha256(b"token-of-the-pi").hexdigest()}

    async def run():
        async with room() as here:
            tokens = Tokens(hashes, here.keyring)
            shown = await made(here)
            return (
                await tokens.who("Bearer token-of-the-pi"),
                await Tokens(hashes).who("Bearer token-of-the-pi"),
                await tokens.who(f"Bearer {shown.token}"),
            )

    first, alone, second = asyncio.run(run())
    assert first == alone == ("pi", PLAIN)
    assert second == ("lumen", PLAIN)


def test_an_agent_that_ended_gets_no_token(room):
    """And those that it had open nothing."""

    async def run():
        async with room() as here:
            shown = await made(here)
            await opens(here, shown.token)
            said = await here.registry.archive(OPERATOR, ArchiveAgent(agent="lumen", reason="done"))
            with pytest.raises(Unauthorized):
                await opens(here, shown.token)
            with pytest.raises(Refused):
                await here.registry.issue(OPERATOR, IssueToken(agent="lumen"))
            return said

    assert asyncio.run(run()).tokens_ended == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core.tokens SET rights = '{operate}'",
        "UPDATE core.tokens SET expires_at = now() + interval '9 years'",
        "UPDATE core.tokens SET secret_sha256 = secret_sha256",
        "UPDATE core.tokens SET identity_id = 1",
        "UPDATE core.identities SET status = 'active'",
        "UPDATE core.identities SET parent_agent_id = NULL",
        "UPDATE core.identities SET spawn_reason = ''",
        "INSERT INTO core.identities (agent_id, status) VALUES ('x', 'active')",
    ],
)
def test_the_role_itself_cannot(shared_database, statement):
    """Whatever is sent through it."""
    with (
        psycopg.connect(shared_database.app, autocommit=True) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute(statement)


def test_the_reader_sees_tokens_but_not_what_they_hash_to(shared_database):
    """A hash of 256 random bits is no secret; it is nobody's business either."""
    with psycopg.connect(shared_database.reader, autocommit=True) as conn:
        conn.execute("SELECT token_id, rights, last_used_at FROM core.tokens")
        for column in ("secret_sha256", "t"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(f"SELECT {column} FROM core.tokens AS t")
