"""What is asked of a Pi, on recorded answers of one."""

from services.board import Account, HostFile, Lies, Missing
from services.release import Python

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_owner_mode_and_hash_are_told_by_path():
    """Files with their hash, directories with a dash, absent ones not at all."""
    said = [
        "root 644 /etc/anima/anima.env",
        f"{EMPTY}  /etc/anima/anima.env",
        "anima 700 /home/anima/with space",
        "-",
    ]

    assert Lies().process(said) == {
        "/etc/anima/anima.env": ("root", "644", EMPTY),
        "/home/anima/with space": ("anima", "700", "-"),
    }


def test_an_account_is_its_home_its_shell_and_its_keys():
    """As the declaration compares them; nothing for a user that does not exist."""
    assert Account().process(["/home/anima:/bin/bash", "ssh-ed25519 AAAA me"]) == (
        "/home/anima:/bin/bash",
        "ssh-ed25519 AAAA me",
    )
    assert Account().process([]) == ()


def test_python_and_machine_decide_the_wheels():
    """Recorded on Raspberry Pi OS 12, and on a board without python3."""
    seen = Python().process(["3.11 aarch64 limits"])

    assert seen == {"python": "3.11", "machine": "aarch64", "limits": "limits"}
    assert Python().process(["aarch64"]) == {}
    assert Python().process(["aarch64 limits"]) == {}


def test_a_board_without_a_memory_controller_is_told_apart():
    """Raspberry Pi OS switches it off unless cmdline.txt says otherwise."""
    assert Python().process(["3.11 aarch64"])["limits"] == ""


def test_packages_that_are_there_are_not_missing():
    """dpkg is asked for each by name."""
    assert "python3-venv sqlite3" in Missing().command(["python3-venv", "sqlite3"])
    assert Missing().process(["python3-venv", "sqlite3"]) == ["python3-venv", "sqlite3"]
    assert Missing().process([]) == []


def test_a_secret_file_does_not_show_itself():
    """pyinfra prints the arguments of its operations."""
    assert "hush" not in repr(HostFile("/etc/anima/governance_token", "hush", secret=True))
