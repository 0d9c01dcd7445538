"""Models = migrations = what lives, in every store."""

import json
import re

import pytest

from apps.declared.everything import documents, keys
from apps.migrate.catalog import difference
from apps.where.read import home_of, volume
from schemas.document import Document
from schemas.governance.graph import GRAPH
from schemas.reach import Reach
from services.redis import GOVERNANCE as GOVERNANCE_REDIS
from services.redis import SOULFRA as SOULFRA_REDIS


def shown(expected, actual):
    """The differences, one line each."""
    return [str(each) for each in difference(expected, actual)]


def test_models_migrations_and_the_living_stores_are_the_same(request, tenant):
    """Each table, column, check, key, index, label, comment and grant; on both engines."""
    for kind in ("", "_file"):
        declared, migrated, living = (
            request.getfixturevalue(side + kind) for side in ("declared", "migrated", "living")
        )
        assert shown(declared, migrated) == []
        assert shown(migrated, living) == []


def test_there_is_something_to_agree_on(tenant, declared, declared_file):
    """Two empty catalogs are equal, too."""
    kinds = {name.partition(" ")[0] for name in declared}

    assert kinds - {"policy"} | {"label"} == {
        "schema", "table", "column", "constraint", "index", "sequence", "label", "comment", "grant",
    }  # fmt: skip
    assert ("label" in kinds) is (GRAPH in tenant.places)
    assert ("policy" in kinds) is bool(tenant.policies)
    assert len(declared) > {"governance": 600, "soulfra": 400}[tenant.line]
    assert {name.partition(" ")[0] for name in declared_file} == {
        "table", "column", "constraint", "index",
    }  # fmt: skip


def unlike(declared, acl, kept):
    """The patterns that only the declared keys have, or only what an ACL lets the tenant touch."""
    patterns = set(re.findall(r"~(\S+)", _user(acl, kept)))
    wanted = {key.glob for key in declared if key.tenant == kept.user}
    return sorted(patterns ^ wanted)


@pytest.fixture(params=(GOVERNANCE_REDIS, SOULFRA_REDIS), ids=lambda kept: kept.container)
def kept(request):
    """Each tenant's Redis."""
    return request.param


@pytest.fixture
def redis(standing, kept):
    """What it answers its operator."""

    def ask(*words):
        return standing.docker("exec", standing.called(kept.container), "redis-cli", *words)

    return ask


def test_every_living_key_is_declared(redis, kept):
    """Its pattern, its type, and a lifetime that is not longer than declared."""
    for name in redis("--scan").splitlines():
        found = [key for key in keys() if key.tenant == kept.user and _matches(key.glob, name)]
        assert len(found) == 1, f"{name}: {len(found)} declarations"
        kind, left = redis("TYPE", name), int(redis("TTL", name))
        if left == -2:
            continue  # gone between the questions
        assert kind == found[0].kind
        assert 0 <= left <= found[0].lifetime_seconds


def test_the_acl_lets_a_tenant_touch_the_declared_keys_only(redis, kept):
    """Patterns of the user, as Redis itself tells them."""
    assert unlike(keys(), redis("ACL", "LIST"), kept) == []


def test_every_living_file_is_as_declared(standing):
    """The canvas and its neighbours on the Pi, audit log and soulfra's documents on the Mac."""
    seen = {document.place for document in documents() if _parsed(standing, document)}

    assert {"~/.anima/canvas.json", "audit_log.jsonl"} <= seen
    assert "soulfra's volume: runtime/loop_state.json" in seen


def _parsed(standing, document: type[Document]) -> int:
    """How many objects its files hold; one that is not as declared raises."""
    path = re.sub(r"<\w+>", "*", document.place.rpartition(" ")[2])
    if document.owner == "pi":
        text = standing.ssh(f"cat {path} 2>/dev/null || true", standing.hosts.pi[0].user)
    else:
        home = home_of(document)
        _, folder = volume(Reach(), home)
        script = f"cat {folder}/{path} 2>/dev/null || true"
        text = standing.docker("exec", standing.called(home), "sh", "-c", script)
    found, place, decoder = 0, 0, json.JSONDecoder()
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        place += len(text[place:]) - len(text[place:].lstrip())
        document.model_validate(value)
        found += 1
    return found


def _matches(glob, name):
    return re.fullmatch(".*".join(map(re.escape, glob.split("*"))), name)


def _user(acl, kept):
    return next(line for line in acl.splitlines() if line.startswith(f"user {kept.user} "))
