"""Which hosts are in force: the lab's stand-ins, or the machines that hosts.toml names."""

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas import hosts as schema
from schemas.errors import Refused
from schemas.hosts import HostName, Hosts

BASE = "abode/base:trixie"
"""The image under every image: Debian trixie."""
MAC_PATH = "/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
"""A Mac's non-login shell knows neither Homebrew's docker nor Docker Desktop's."""
DEFAULT_LAB = "lumen"
RESERVED = frozenset({"cache", "engine", "real"})
"""Names below .abode that are not labs: wheels, our engine, the real hosts' state."""


def lab_name() -> str:
    """The lab that LAB asks for; the default one when it is unset."""
    name = os.environ.get("LAB") or DEFAULT_LAB
    try:
        TypeAdapter(HostName).validate_python(name)
    except ValidationError:
        raise Refused(
            f"LAB: {name!r} is not a lab's name", "lower-case letters, digits and dashes: LAB=probe"
        ) from None
    if name in RESERVED | {"secrets"}:
        raise Refused(f"LAB: {name!r} is kept for the house", "choose another name: LAB=probe")
    return name


def state_path(root: Path, lab: str | None) -> Path:
    """Where keys, secrets and addresses of a lab lie."""
    house = root / ".abode"
    return house if lab in {None, "", DEFAULT_LAB} else house / str(lab)


def state_dir(root: Path, lab: str | None) -> Path:
    """The same, made if need be and closed to everyone else."""
    path = state_path(root, lab)
    for directory in (root / ".abode", path):
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)
    return path


def in_force(root: Path) -> tuple[Hosts, Path]:
    """The hosts that a deploy from this checkout reaches, and their state directory."""
    real = root / "hosts.toml"
    if not os.environ.get("LAB") and real.exists():
        return read(real), state_dir(root, "real")
    path = state_path(root, lab_name()) / "hosts.toml"
    if not path.exists():
        raise Refused(f"{path}: there is no lab {lab_name()!r} yet", "make up")
    return read(path), state_dir(root, lab_name())


def read(path: Path) -> Hosts:
    """One file of hosts, or the first thing wrong with it."""
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path}: not TOML: {error}", "see hosts.example.toml") from None
    try:
        return Hosts.model_validate(said)
    except ValidationError as error:
        raise _refusal(path, error) from None


def _refusal(path: Path, error: ValidationError) -> Refused:
    found = error.errors(include_url=False)
    inner = {each["loc"][:depth] for each in found for depth in range(len(each["loc"]))}
    errors = [each for each in found if each["loc"] not in inner] or found
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    where = ".".join(str(part) for part in first["loc"])
    key = str(first["loc"][-1]) if first["loc"] else ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key, _keys(first["loc"][:-1]), n=1)
        hint = f"did you mean {close[0]!r}?" if close else "see hosts.example.toml"
        return Refused(f"{path}: {where}: unknown key{more}", hint)
    if first["type"] == "missing":
        return Refused(f"{path}: {where}: missing{more}", "see hosts.example.toml")
    reason = first["msg"].removeprefix("Value error, ")
    got = "" if isinstance(first["input"], dict) else f" (got {first['input']!r})"
    return Refused(f"{path}: {where or 'hosts'}: {reason}{got}{more}", "see hosts.example.toml")


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand at a place in the file."""
    rooms: dict[Any, type[BaseModel]] = {
        "mac": schema.MacHost,
        "pi": schema.PiHost,
        "ssh": schema.Ssh,
        "lab": schema.Lab,
    }
    names = [part for part in location if isinstance(part, str)]
    return list(rooms[names[-1]].model_fields if names else Hosts.model_fields)


def container(hosts: Hosts, name: str) -> str:
    """A container's name: plain, or with the lab's name in front so that labs never collide."""
    return prefix(hosts.lab) + name


def docker_environment(mac: schema.MacHost) -> dict[str, str]:
    """What every docker command on the Mac is given: a full PATH, and the engine's socket."""
    path = mac.path or (MAC_PATH if mac.ssh else None)
    told = {"PATH": path, "DOCKER_HOST": mac.docker_host}
    return {key: value for key, value in told.items() if value}


def prefix(lab: schema.Lab | None) -> str:
    """What stands before the names of containers, networks and volumes."""
    return "" if lab is None or lab.name == DEFAULT_LAB else f"{lab.name}-"
