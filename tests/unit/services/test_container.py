"""A container's declaration, and what is said when the running one differs."""

import base64
import io
import json
import tarfile

import pytest

from services.container import Container, File, difference, shown

SPEC = Container(
    container="governance",
    image="abode/governance:1",
    uid=972,
    labels={"abode.lab": "", "abode.home": ""},
    memory_mb=512,
    networks=("abode-data", "abode-lan"),
    publish=("127.0.0.1:8767:8769",),
    env={"A": "1"},
    files={"pgpass": File("*:*:*:me:hush\n", secret=True), "plain.conf": File("a = 1\n")},
)


def test_nothing_secret_is_shown_anywhere():
    """Neither the arguments of docker, nor the label, nor a printed declaration hold the secret."""
    assert "hush" not in " ".join(SPEC.create())
    assert "hush" not in repr(SPEC)
    assert "hush" not in str(SPEC.spec())


def test_a_changed_secret_is_a_changed_declaration():
    """Its digest differs, so the container is recreated."""
    other = File("*:*:*:me:other\n", secret=True)

    assert other.shown() != SPEC.files["pgpass"].shown()


def test_a_container_is_created_without_privilege():
    """Whatever the declaration says, these are always there."""
    said = " ".join(SPEC.create())

    for word in ("--read-only", "--cap-drop ALL", "no-new-privileges", "--user 972:972",
                 "--memory 512m", "--pids-limit"):  # fmt: skip
        assert word in said


def test_files_are_roots_and_the_containers_user_may_read_them():
    """What runs in the container cannot change what it was told."""
    packed = io.BytesIO(base64.b64decode(SPEC.archive()))
    with tarfile.open(fileobj=packed) as tar:
        found = {m.name: (m.mode, m.uid, m.gid, tar.extractfile(m).read()) for m in tar}
    assert found["pgpass"] == (0o440, 0, 972, b"*:*:*:me:hush\n")
    assert found["plain.conf"][0] == 0o440


def test_every_argument_is_part_of_the_declaration():
    """A limit that is changed in the source recreates the container: nothing is left out."""
    said = SPEC.create()
    spec = json.dumps(SPEC.spec())
    # Their values stand in fields of their own, or are the labels themselves.
    fields = ("--name", "--memory", "--network", "--label", "--publish", "--env", "512m", "abode.")

    assert [w for w in said if w not in spec and not w.startswith(fields) and "=" not in w] == []


def _inspected():
    return {
        "Config": {"Image": "abode/governance:1"},
        "HostConfig": {
            "Memory": 512 * 2**20,
            "PidsLimit": 512,
            "RestartPolicy": {"Name": "unless-stopped"},
            "ReadonlyRootfs": True,
            "Binds": None,
            "PortBindings": {"8769/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8767"}]},
        },
        "NetworkSettings": {"Networks": {"abode-lan": {}, "abode-data": {}}},
    }


def test_a_container_as_docker_shows_it_is_the_declared_one():
    """The same words on both sides, whatever order docker keeps."""
    assert list(difference(shown(_inspected()), SPEC.running())) == []


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("HostConfig", "Memory"), 100 * 2**20, "memory_mb: 100 -> 512"),
        (("HostConfig", "RestartPolicy"), {"Name": "no"}, "restart: no -> unless-stopped"),
        (("HostConfig", "ReadonlyRootfs"), False, "read_only: false -> true"),
        (("NetworkSettings", "Networks"), {"abode-data": {}}, "networks:"),
        (("HostConfig", "Binds"), ["/etc:/host"], "volumes./etc: /host -> (none)"),
        (("HostConfig", "PortBindings"), {}, "publish:"),
        (("Config", "Image"), "other", "image: other ->"),
    ],
)
def test_what_was_changed_under_a_container_is_seen(place, value, said):
    """By docker update, network disconnect and their like: the label alone would not tell."""
    found = _inspected()
    found[place[0]][place[1]] = value

    lines = list(difference(shown(found), SPEC.running()))
    assert len(lines) == 1
    assert said in lines[0]


@pytest.mark.parametrize(
    ("running", "wanted", "said"),
    [
        ({"memory_mb": 1}, {"memory_mb": 1}, []),
        ({"memory_mb": 1}, {"memory_mb": 2}, ["memory_mb: 1 -> 2"]),
        ({"env": {"A": "1"}}, {"env": {"A": "2"}}, ["env.A: 1 -> 2"]),
        ({"env": {}}, {"env": {"A": "2"}}, ["env.A: (none) -> 2"]),
        ({"env": {"A": "1"}}, {"env": {}}, ["env.A: 1 -> (none)"]),
        ({}, {"image": "b"}, ["image: (none) -> b"]),
        ({"publish": ["1:1"]}, {"publish": ["2:1"]}, ['publish: ["1:1"] -> ["2:1"]']),
        (
            {"files": {"c": "a\nb\n"}},
            {"files": {"c": "a\nc\n"}},
            ["files.c: - b", "files.c: + c"],
        ),
        # Only the order, or only how often a line stands there: still a difference.
        ({"c": "a\nb\n"}, {"c": "b\na\n"}, ["c: + b", "c: - b"]),
        ({"c": "a\n"}, {"c": "a\na\n"}, ["c: + a"]),
    ],
)
def test_each_difference_is_named(running, wanted, said):
    """Field by field, texts line by line, and never silently nothing."""
    assert list(difference(running, wanted)) == said
