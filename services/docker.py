"""Images, networks, volumes and containers: pyinfra operations that converge on a spec.

pyinfra's own ``docker.container`` never notices a changed spec and ``docker.build`` only looks
at the tag (read and run on 3.10), hence these.
"""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import (
    FactBase,
    FileUploadCommand,
    FunctionCommand,
    QuoteString,
    StringCommand,
    operation,
)

from schemas.errors import Refused, Unreachable
from schemas.ports import CONTAINER_FILES_DIR
from services.container import HOME, LAB, SPEC, Container, File, archive, difference


class DockerServer(FactBase[dict[str, str]]):
    """The engine's version and architecture; empty when none answers.

    No ``requires_command``: with it a missing client would look like a missing container.
    """

    def command(self) -> str:
        return "docker version --format '{{.Server.Version}} {{.Server.Arch}}' 2>/dev/null || true"

    def process(self, output: list[str]) -> dict[str, str]:
        words = " ".join(output).split()
        return {"version": words[0], "arch": words[1]} if len(words) == 2 else {}

    @staticmethod
    def default() -> dict[str, str]:
        return {}


class Inspect(FactBase[dict[str, Any]]):
    """One object of docker by kind and name, as ``docker inspect`` gives it; empty if absent."""

    def command(self, kind: str, what: str) -> StringCommand:
        return StringCommand("docker", kind, "inspect", QuoteString(what), "2>/dev/null || true")

    def process(self, output: list[str]) -> dict[str, Any]:
        found = json.loads("".join(output) or "[]")
        return found[0] if found else {}

    @staticmethod
    def default() -> dict[str, Any]:
        return {}


def quoted(*words: str) -> StringCommand:
    """Words as one shell command, each quoted."""
    return StringCommand(*(QuoteString(word) for word in words))


class Owners(FactBase[dict[str, str]]):
    """Which checkout made each of some containers; those that do not exist are left out."""

    def command(self, names: list[str]) -> StringCommand:
        form = (
            '{{.Name}} {{index .Config.Labels "'
            + LAB
            + '"}} {{index .Config.Labels "'
            + HOME
            + '"}}'
        )
        return StringCommand(
            "docker container inspect -f", QuoteString(form), *map(QuoteString, names),
            "2>/dev/null || true",
        )  # fmt: skip

    def process(self, output: list[str]) -> dict[str, str]:
        lines = (line.removeprefix("/").partition(" ") for line in output if line)
        return {name: owner.strip() for name, _, owner in lines}

    @staticmethod
    def default() -> dict[str, str]:
        return {}


def engine(names: list[str], labels: Mapping[str, str]) -> None:
    """Refuse the deploy before it begins: no engine, or names that belong to somebody else."""
    if not host.get_fact(DockerServer):
        raise Unreachable(
            f"{host.name}: no docker engine answers",
            "start Docker (macOS: Docker Desktop, or colima start; Debian: apt-get install "
            "docker.io) until `docker version` shows a server",
        )
    ours = f"{labels[LAB]} {labels[HOME]}".strip()
    for name, owner in host.get_fact(Owners, names=names).items():
        if owner != ours:
            raise Refused(
                f"container {name!r}: belongs to {owner or 'something that is not abode'}",
                "LAB=name make up gives this lab its own names",
            )


@operation()
def base_image(image: str, script: str) -> Iterator[StringCommand]:
    """The Debian base: pulled where a registry answers, else built from Debian packages."""
    if host.get_fact(Inspect, kind="image", what=image):
        host.noop(f"image {image} exists")
        return
    yield StringCommand("sh -s", QuoteString(image), _stdin=Path(script).read_text())


@operation()
def image(
    tag: str, context: str, pack: Callable[[], None], build_args: dict[str, str], made_of: str
) -> Iterator[Any]:
    """An image built from a tar that ``pack`` makes here, unless its tag (a hash of it) exists."""
    if host.get_fact(Inspect, kind="image", what=tag):
        host.noop(f"image {tag} exists")
        return
    if state.config.DIFF:
        host.log(f"Will build {tag}", logger.info)
    args = " ".join(f"--build-arg {shlex.quote(f'{k}={v}')}" for k, v in build_args.items())
    build = f"docker build --quiet {args} --label abode.image={made_of} -t {shlex.quote(tag)} -"
    yield FunctionCommand(pack, (), {})
    there = context
    if host.name != "@local":
        there = f"/tmp/{Path(context).name}"
        yield FileUploadCommand(context, there)
    yield StringCommand(build, "<", QuoteString(there), ">/dev/null")
    if there != context:
        yield StringCommand("rm -f", QuoteString(there))


@operation()
def network(network: str, labels: dict[str, str]) -> Iterator[StringCommand]:
    """A bridge network; containers on two of them do not see each other."""
    if host.get_fact(Inspect, kind="network", what=network):
        host.noop(f"network {network} exists")
        return
    yield quoted("docker", "network", "create", *_labels(labels), network)


@operation()
def volume(volume: str, labels: dict[str, str]) -> Iterator[StringCommand]:
    """A named volume; it outlives its container."""
    if host.get_fact(Inspect, kind="volume", what=volume):
        host.noop(f"volume {volume} exists")
        return
    yield quoted("docker", "volume", "create", *_labels(labels), volume)


@operation()
def container(spec: Container, wait_seconds: int = 60) -> Iterator[StringCommand]:
    """Run what is declared: recreated when it differs, started when it stopped, else left alone."""
    found = host.get_fact(Inspect, kind="container", what=spec.container)
    status = found.get("State", {}).get("Status")
    labels = found.get("Config", {}).get("Labels") or {}
    running = json.loads(labels.get(SPEC) or "{}")
    changes = list(difference(running, spec.spec()))
    # One that was created but never started may lack its files: made again.
    whole = bool(found) and not changes and status != "created"
    health = found.get("State", {}).get("Health", {}).get("Status")
    if whole and status == "running" and health == "healthy":
        host.noop(f"container {spec.container} is as declared")
        return
    if state.config.DIFF:
        verb = "start" if whole else "recreate" if found else "create"
        host.log(f"Will {verb} container {spec.container}", logger.info)
        for line in changes if found else ():
            host.log(f"  {spec.container}: {line}", logger.info)
    if not whole:
        if found:
            yield quoted("docker", "stop", "-t", str(spec.stop_seconds), spec.container)
            yield quoted("docker", "rm", "-f", "-v", spec.container)
        yield quoted("docker", "create", *spec.create())
        for other in spec.networks[1:]:
            yield quoted("docker", "network", "connect", other, spec.container)
        yield copy_into(spec.container, spec.archive())
    if whole and status == "paused":
        yield quoted("docker", "unpause", spec.container)
    elif not (whole and status == "running"):
        yield quoted("docker", "start", spec.container)
    yield wait_healthy(spec.container, wait_seconds)


def _labels(labels: dict[str, str]) -> list[str]:
    return [part for k, v in labels.items() for part in ("--label", f"{k}={v}")]


def copy_into(container: str, tar: str) -> StringCommand:
    """Unpack a base64 tar (on stdin, so that no argument shows it) where the container looks."""
    return StringCommand(
        "base64 -d | docker cp -", QuoteString(f"{container}:{CONTAINER_FILES_DIR}"), _stdin=tar
    )


WAIT = """i=0
while [ $i -lt @TRIES@ ]; do
  set -- $(docker inspect -f '{{.State.Health.Status}} {{.RestartCount}}' @NAME@)
  case "$1" in healthy) exit 0;; unhealthy|"") break;; esac
  [ "$2" -ge 3 ] && break
  i=$((i+1)); sleep 0.25
done
echo "container @NAME@ is not healthy: ${1:-gone} after $2 restarts; its last lines:" >&2
docker logs --tail 40 @NAME@ >&2; exit 1"""


def wait_healthy(container: str, seconds: int) -> StringCommand:
    """Wait until the health check passes; else fail with the container's last lines."""
    script = WAIT.replace("@TRIES@", str(seconds * 4)).replace("@NAME@", shlex.quote(container))
    return StringCommand(script)


def once(
    *,
    container: str,
    image: str,
    command: list[str],
    uid: int,
    files: dict[str, File],
    volumes: dict[str, str],
    env: dict[str, str],
) -> StringCommand:
    """One run of a container that is gone afterwards, with its files on stdin."""
    create = quoted(
        "docker", "create", "--name", container, "--network", "none", "--user", f"{uid}:{uid}",
        "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--volume", CONTAINER_FILES_DIR,
        *(part for k, v in volumes.items() for part in ("--volume", f"{k}:{v}")),
        *(part for k, v in env.items() for part in ("--env", f"{k}={v}")),
        image, *command,
    )  # fmt: skip
    remove = f"docker rm -fv {shlex.quote(container)} >/dev/null"
    return StringCommand(
        f"{remove} 2>&1; trap {shlex.quote(remove)} EXIT;",
        create, ">/dev/null && base64 -d |",
        quoted("docker", "cp", "-", f"{container}:{CONTAINER_FILES_DIR}"),
        "&&", quoted("docker", "start", "-a", container),
        _stdin=archive(files, uid),
    )  # fmt: skip
