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

from schemas.ports import CONTAINER_FILES_DIR
from services.container import (
    SPEC,
    Container,
    File,
    archive,
    difference,
    shown,
    unprivileged,
)
from services.engine import Engine

KEEP_IMAGES = 3
"""Of each kind: the one that is built, and two to look back to."""


def quoted(*words: str) -> StringCommand:
    """Words as one shell command, each quoted."""
    return StringCommand(*(QuoteString(word) for word in words))


@operation()
def base_image(engine: Engine, image: str, script: str) -> Iterator[StringCommand]:
    """The Debian base: pulled where a registry answers, else built from Debian packages."""
    if image in engine.tags:
        host.noop(f"image {image} exists")
        return
    yield StringCommand("sh -s", QuoteString(image), _stdin=Path(script).read_text())


@operation()
def image(
    engine: Engine,
    *,
    tag: str,
    context: str,
    pack: Callable[[], bool],
    build_args: dict[str, str],
    made_of: str,
) -> Iterator[Any]:
    """An image built from a tar that ``pack`` makes here, unless its tag (a hash of it) exists."""
    if tag in engine.tags:
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
    # docker lists the newest first and removes none that a container uses.
    yield StringCommand(
        f"docker images --filter label=abode.image={made_of}",
        "--format '{{.Repository}}:{{.Tag}}'",
        f"| grep '^abode/' | tail -n +{KEEP_IMAGES + 1}",
        '| while read -r old; do docker rmi "$old" >/dev/null 2>&1 || true; done',
    )


@operation()
def network(engine: Engine, network: str, labels: dict[str, str]) -> Iterator[StringCommand]:
    """A bridge network; containers on two of them do not see each other."""
    if network in engine.others:
        host.noop(f"network {network} exists")
        return
    yield quoted("docker", "network", "create", *_labels(labels), network)


@operation()
def volume(engine: Engine, volume: str, labels: dict[str, str]) -> Iterator[StringCommand]:
    """A named volume; it outlives its container."""
    if volume in engine.others:
        host.noop(f"volume {volume} exists")
        return
    yield quoted("docker", "volume", "create", *_labels(labels), volume)


class Health(FactBase[str]):
    """What a container's health check says once it has settled: waits while it is starting."""

    def command(self, container: str, seconds: int) -> str:
        return f"{wait_script(container, seconds)} 2>/dev/null && echo healthy || echo not healthy"

    def process(self, output: list[str]) -> str:
        return output[-1] if output else ""

    @staticmethod
    def default() -> str:
        return ""


@operation()
def container(engine: Engine, spec: Container, wait_seconds: int = 60) -> Iterator[StringCommand]:
    """Run what is declared: recreated when it differs, started when it stopped, else left alone.

    Compared are the declaration it was made from, and what docker shows of it now.
    """
    found = engine.containers.get(spec.container, {})
    status = found.get("State", {}).get("Status")
    changes = _changes(found, spec)
    # One that was created but never started may lack its files: made again.
    whole = bool(found) and not changes and status != "created"
    if whole and status == "running" and _health(found, wait_seconds) == "healthy":
        host.noop(f"container {spec.container} is as declared")
        return
    if state.config.DIFF:
        verb = "start" if whole else "recreate" if found else "create"
        host.log(f"Will {verb} container {spec.container}", logger.info)
        for line in changes:
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
    yield StringCommand(wait_script(spec.container, wait_seconds))


def _changes(found: dict[str, Any], spec: Container) -> list[str]:
    """How a container differs from its declaration, by what it was made from and by what it is."""
    if not found:
        return []
    made_from = (found["Config"].get("Labels") or {}).get(SPEC) or "{}"
    changes = list(difference(json.loads(made_from), spec.spec()))
    return changes or list(difference(shown(found), spec.running(), "running"))


def _health(found: dict[str, Any], seconds: int) -> str:
    """What the health check says, once it has said something."""
    said: str = found["State"].get("Health", {}).get("Status", "")
    if said == "starting":
        said = host.get_fact(Health, container=found["Name"].removeprefix("/"), seconds=seconds)
    return said


def _labels(labels: Mapping[str, str]) -> list[str]:
    return [part for k, v in labels.items() for part in ("--label", f"{k}={v}")]


def copy_into(container: str, tar: str) -> StringCommand:
    """Unpack a base64 tar (on stdin, so that no argument shows it) where the container looks."""
    there = QuoteString(f"{container}:{CONTAINER_FILES_DIR}")
    return StringCommand("base64 --decode | docker cp -", there, _stdin=tar)


WAIT = """( i=0; first=; last=0
while [ $i -lt @TRIES@ ]; do
  set -- $(docker inspect -f '{{.State.Health.Status}} {{.RestartCount}}' @NAME@ 2>/dev/null)
  [ $# -eq 2 ] || break
  [ "$1" = healthy ] && exit 0
  last=$2; first=${first:-$2}
  [ $((last - first)) -ge 3 ] && break
  i=$((i+1)); sleep 0.25
done
echo "container @NAME@ is not healthy: ${1:-gone}; its last lines:" >&2
docker logs --tail 40 @NAME@ >&2; exit 1 )"""


def wait_script(container: str, seconds: int) -> str:
    """Wait until the health check passes; else fail with the container's last lines."""
    return WAIT.replace("@TRIES@", str(seconds * 4)).replace("@NAME@", shlex.quote(container))


def once(
    *,
    container: str,
    image: str,
    command: list[str],
    uid: int,
    labels: Mapping[str, str],
    files: dict[str, File],
    volumes: dict[str, str],
    env: dict[str, str],
) -> StringCommand:
    """One run of a container that is gone afterwards, with its files on stdin."""
    create = quoted(
        "docker", "create", "--name", container, "--network", "none", *_labels(labels),
        *unprivileged(uid),
        *(part for k, v in volumes.items() for part in ("--volume", f"{k}:{v}")),
        *(part for k, v in env.items() for part in ("--env", f"{k}={v}")),
        image, *command,
    )  # fmt: skip
    remove = f"docker rm -fv {shlex.quote(container)} >/dev/null"
    # libpq reads a password file only if it is its user's own.
    tar = archive(files, owner=uid, group=uid, mode=0o400)
    return StringCommand(
        f"{remove} 2>&1; trap {shlex.quote(remove)} EXIT; trap 'exit 1' INT TERM HUP;",
        create, ">/dev/null && base64 --decode |",
        quoted("docker", "cp", "-", f"{container}:{CONTAINER_FILES_DIR}"),
        "&&", quoted("docker", "start", "-a", container),
        _stdin=tar,
    )  # fmt: skip
