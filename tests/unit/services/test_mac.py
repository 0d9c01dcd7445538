"""A deploy to a Mac, on recorded answers of one: what macOS is asked, and what is made of it."""

from schemas.hosts import MacHost, PiHost, Ssh
from services.connection import MAC_PATH, data
from services.docker import DockerServer, Inspect, Owners

MAC = MacHost(ssh=Ssh(hostname="studio.local", user="me"))


def test_a_macs_shell_is_given_a_path():
    """A non-login shell over ssh knows neither Homebrew's docker nor Docker Desktop's."""
    name, about = data(MAC)

    assert name == "mac"
    assert about["_env"]["PATH"] == MAC_PATH
    assert MAC_PATH.startswith("/opt/homebrew/bin:/usr/local/bin:")


def test_nothing_on_a_mac_needs_sudo():
    """Only the Pi's operations are run as root."""
    board = PiHost(ssh=Ssh(hostname="pi", user="me"), governance_url="http://studio.local:8767")

    assert "_sudo" not in data(MAC)[1]
    assert data(board)[1]["_sudo"] is True


def test_colimas_socket_is_told_to_every_command():
    """docker_host becomes DOCKER_HOST."""
    colima = "unix:///Users/me/.colima/default/docker.sock"
    _, about = data(MAC.model_copy(update={"docker_host": colima}))

    assert about["_env"]["DOCKER_HOST"] == colima


def test_docker_desktop_is_understood():
    """Recorded on an M1 with Docker Desktop, and with it stopped."""
    assert DockerServer().process(["28.5.1 arm64"]) == {"version": "28.5.1", "arch": "arm64"}
    assert DockerServer().process([]) == {}


def test_an_absent_object_is_empty():
    """docker prints an empty list beside its complaint; older clients print nothing."""
    assert Inspect().process(["[]"]) == {}
    assert Inspect().process([]) == {}
    assert Inspect().process(["[{", '"Id": "a"', "}]"]) == {"Id": "a"}


def test_owners_are_told_apart():
    """A container of ours, one of a lab with a path that has spaces, and a stranger's."""
    said = ["/postgres-age  ", "/dev-redis dev /home/me/my abode", "/redis <no value> <no value>"]

    assert Owners().process(said) == {
        "postgres-age": "",
        "dev-redis": "dev /home/me/my abode",
        "redis": "<no value> <no value>",
    }
