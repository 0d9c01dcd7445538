"""Redis: take any one key away from any one of the three, and the comparison names it."""

import pytest

from apps.declared.everything import _modules, keys
from services import docker, redis
from services.engine import Engine
from services.house import House
from services.redis import GOVERNANCE, SOULFRA
from tests.database.declared.test_models_agree import unlike

TENANTS = pytest.mark.parametrize("kept", [GOVERNANCE, SOULFRA], ids=lambda kept: kept.container)
EACH = pytest.mark.parametrize(
    ("kept", "key"),
    [
        pytest.param(kept, key, id=key.pattern)
        for kept in (GOVERNANCE, SOULFRA)
        for key in kept.keys
    ],
)


@pytest.fixture(scope="module")
def acls(standing):
    """What each Redis of the lab lets each user do."""
    return {
        kept.user: standing.docker(
            "exec", standing.called(kept.container), "redis-cli", "ACL", "LIST"
        )
        for kept in (GOVERNANCE, SOULFRA)
    }


@pytest.fixture
def living(acls, kept):
    """That of one tenant."""
    return acls[kept.user]


@pytest.fixture
def deployed(standing, monkeypatch, kept):
    """The file that a deploy would bring, as it is made from the declarations at that moment."""

    def made():
        brought = {}
        # The boundary: what pyinfra would be told to do.
        monkeypatch.setattr(docker, "container", lambda **given: brought.update(given))
        monkeypatch.setattr(redis, "built", lambda *_: "abode/redis:any")
        house = House(standing.hosts, standing.state)
        redis.redis(house, Engine("x86_64", frozenset()), kept)
        return brought["spec"].files["users.acl"].text

    return made


@TENANTS
def test_declarations_and_both_lists_are_the_same(kept, living, deployed):
    """What is declared, what a deploy brings, what Redis goes by."""
    assert {key for key in keys() if key.tenant == kept.user} == set(kept.keys)
    assert unlike(kept.keys, deployed(), kept) == []
    assert unlike(kept.keys, living, kept) == []


@EACH
def test_a_key_gone_from_the_declarations_is_named(kept, key, living, deployed, monkeypatch):
    """By its pattern; wherever else the module may call it."""
    file = deployed()
    for module in _modules():
        for name in [name for name, value in vars(module).items() if value == key]:
            monkeypatch.setattr(module, name, None)  # In its place, so that the order stays.
    keys.cache_clear()
    try:
        left = keys()
    finally:
        monkeypatch.undo()
        keys.cache_clear()

    assert key not in left
    assert unlike(left, living, kept) == [key.glob]
    assert unlike(left, file, kept) == [key.glob]


@EACH
@pytest.mark.parametrize("where", ["living", "deployed"])
def test_a_key_gone_from_redis_is_named(kept, key, where, living, deployed):
    """From what it goes by, or from the file that a deploy would bring."""
    whole = living if where == "living" else deployed()
    without = whole.replace(f" ~{key.glob}", "")

    assert without != whole
    assert unlike(kept.keys, without, kept) == [key.glob]


@EACH
def test_a_key_that_nobody_declared_is_named(kept, key, living):
    """Who is let in without a word is as bad."""
    strange = living.replace(f"~{key.glob}", f"~{key.glob} ~stray:*")
    assert unlike(kept.keys, strange, kept) == ["stray:*"]
