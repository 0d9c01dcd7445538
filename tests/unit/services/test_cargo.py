"""What travels to a host, and how it is named."""

from schemas.hosts import MEMORY_MAX_MB, RESERVE_MB, MacHost
from services import cargo
from services.postgres import MAX_CONNECTIONS, memory


def test_the_same_files_have_the_same_digest(tmp_path):
    """And a change of content, of name or of anything else gives another."""
    one = cargo.digest({"a": b"1", "b": b"2"})

    assert one == cargo.digest({"b": b"2", "a": b"1"})
    assert one != cargo.digest({"a": b"12", "b": b""})
    assert one != cargo.digest({"a": b"1", "c": b"2"})
    assert one != cargo.digest({"a": b"1", "b": b"2"}, "x86_64")


def test_an_archive_is_the_same_twice(tmp_path):
    """Byte for byte, so that its name can be the hash of what is in it."""
    contents = {"code/a.py": b"a = 1\n"}

    first = cargo.tar(tmp_path / "1.tar.gz", contents).read_bytes()
    assert first == cargo.tar(tmp_path / "2.tar.gz", contents).read_bytes()


def test_the_pi_gets_its_code_and_no_more():
    """Its process, its line, the contract; nothing of the Mac's, nothing of the deploy's."""
    names = set(cargo.files(cargo.PI_CODE))

    assert {"apps/anima/main.py", "schemas/bridge.py", "apps/bridge/client.py"} <= names
    assert not [n for n in names if n.startswith(("services/", "apps/governance/", "tests/"))]
    assert "apps/bridge/web.py" not in names
    assert not [n for n in names if n.startswith("migrations/governance")]


def test_a_small_mac_and_a_large_one_keep_their_promises():
    """The parts fit the container, the container fits the machine, at any size."""
    for machine_mb in (1024, 8192, 16_384, 65_536):
        sizes = memory(machine_mb)
        sorting = sizes["work_mb"] * MAX_CONNECTIONS
        assert sizes["shared_buffers_mb"] + sorting <= sizes["memory_mb"] or machine_mb < 4096
        assert sizes["memory_mb"] <= machine_mb // 2
    assert memory(MacHost().memory_mb)["shared_buffers_mb"] == 1024


def test_the_pis_limits_leave_its_reserve():
    """The sum over all our units fits 512 MB with what the system keeps."""
    assert MEMORY_MAX_MB + RESERVE_MB <= 512
