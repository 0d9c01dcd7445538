"""Images, networks, volumes and containers: pyinfra operations that converge on a spec.

pyinfra's own ``docker.container`` never notices a changed spec and ``docker.build`` only looks
at the tag (read and run on 3.10), hence these.
"""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import (
    FileUploadCommand,
    FunctionCommand,
    QuoteString,
    StringCommand,
    operation,
)

from schemas.ports import CONTAINER_FILES_DIR
from services.container import SPEC, Container, File, archive, difference
from services.engine import Engine


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
    pack: Callable[[], None],
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


@operation()
def container(engine: Engine, spec: Container, wait_seconds: int = 60) -> Iterator[StringCommand]:
    """Run what is declared: recreated when it differs, started when it stopped, else left alone."""
    found = engine.containers.get(spec.container, {})
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
