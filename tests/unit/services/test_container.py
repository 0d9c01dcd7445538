"""A container's declaration, and what is said when the running one differs."""

import base64
import io
import tarfile

import pytest

from services.container import Container, File, archive, difference

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


def test_files_belong_to_the_containers_user_alone():
    """Mode 0400, owner and group the user's, whatever the deploying user is."""
    packed = io.BytesIO(base64.b64decode(archive(SPEC.files, 972)))
    with tarfile.open(fileobj=packed) as tar:
        found = {m.name: (m.mode, m.uid, m.gid, tar.extractfile(m).read()) for m in tar}
    assert found["pgpass"] == (0o400, 972, 972, b"*:*:*:me:hush\n")
    assert found["plain.conf"][0] == 0o400


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
