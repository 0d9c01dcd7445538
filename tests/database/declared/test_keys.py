"""Redis: take any one key away from any one of the three, and the comparison names it."""

import pytest

from apps.declared.everything import _modules, keys
from schemas.governance.keys import KEYS
from services import docker, redis
from services.engine import Engine
from services.house import House
from tests.database.declared.test_models_agree import unlike

EACH = pytest.mark.parametrize("key", KEYS, ids=lambda key: key.pattern)


@pytest.fixture(scope="module")
def living(standing):
    """What the lab's own Redis lets each user do."""
    return standing.docker("exec", standing.called("redis"), "redis-cli", "ACL", "LIST")


@pytest.fixture
def deployed(standing, monkeypatch):
    """The file that a deploy would bring, as it is made from the declarations at that moment."""

    def made():
        brought = {}
        # The boundary: what pyinfra would be told to do.
        monkeypatch.setattr(docker, "container", lambda **given: brought.update(given))
        monkeypatch.setattr(redis, "built", lambda *_: "abode/redis:any")
        redis.redis(House(standing.hosts, standing.state), Engine("x86_64", frozenset()))
        return brought["spec"].files["users.acl"].text

    return made


def test_declarations_and_both_lists_are_the_same(living, deployed):
    """What is declared, what a deploy brings, what Redis goes by."""
    assert {key for key in keys() if key.owner == "mac"} == set(KEYS)
    assert unlike(KEYS, deployed()) == []
    assert unlike(KEYS, living) == []


@EACH
def test_a_key_gone_from_the_declarations_is_named(key, living, deployed, monkeypatch):
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
    assert unlike(left, living) == [key.glob]
    assert unlike(left, file) == [key.glob]


@EACH
@pytest.mark.parametrize("where", ["living", "deployed"])
def test_a_key_gone_from_redis_is_named(key, where, living, deployed):
    """From what it goes by, or from the file that a deploy would bring."""
    whole = living if where == "living" else deployed()
    without = whole.replace(f" ~{key.glob}", "")

    assert without != whole
    assert unlike(KEYS, without) == [key.glob]


@EACH
def test_a_key_that_nobody_declared_is_named(key, living):
    """Who is let in without a word is as bad."""
    assert unlike(KEYS, living.replace(f"~{key.glob}", f"~{key.glob} ~stray:*")) == ["stray:*"]
