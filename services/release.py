"""A release on a Pi: our code and its venv, installed beside the last ones, switched at once."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import (
    FactBase,
    FileUploadCommand,
    FunctionCommand,
    StringCommand,
    operation,
)

from schemas.errors import Refused, Unreachable
from schemas.hosts import PiHost
from services import cargo
from services.cargo import CACHE, PI_CODE

KEEP_RELEASES = 3


class Python(FactBase[dict[str, str]]):
    """The Pi's Python version and machine, which decide its wheels, and its memory controller."""

    def command(self) -> str:
        ask = 'import sys; print("%d.%d" % sys.version_info[:2])'
        v2, v1 = "/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/memory"
        limits = f"{{ grep -qw memory {v2} 2>/dev/null || [ -d {v1} ]; }} && echo limits"
        return f"echo $(python3 -c '{ask}') $(uname -m) $({limits})"

    def process(self, output: list[str]) -> dict[str, str]:
        # Without a python3 the machine comes first: only a version is taken for one.
        said = re.fullmatch(r"(\d+\.\d+) (\S+)(?: (limits))?", " ".join(output).strip())
        return (
            dict(zip(("python", "machine", "limits"), said.groups(""), strict=True)) if said else {}
        )

    @staticmethod
    def default() -> dict[str, str]:
        return {}


class Linked(FactBase[str]):
    """Where ``current`` points; empty when there is nothing whole behind it."""

    def command(self, path: str) -> str:
        return f"[ -x {path}/venv/bin/python ] && [ -d {path}/code ] && readlink {path} || true"

    def process(self, output: list[str]) -> str:
        return "".join(output)

    @staticmethod
    def default() -> str:
        return ""


INSTALL = """set -eu
cd {code_dir}; mkdir -p venvs releases
# A deploy that was killed may have left a shell at work here: one at a time.
exec 9>.lock; flock 9
rm -rf .arriving*; mkdir .arriving; tar xzf {upload} -C .arriving
if [ ! -d venvs/{venv} ]; then
  rm -rf venvs/.*-draft; python3 -m venv venvs/.{venv}-draft
  venvs/.{venv}-draft/bin/pip install -q --no-index --find-links .arriving/wheels \\
    --require-hashes -r .arriving/requirements.txt
  # The scripts that pip wrote name the draft's path; nothing of ours starts by them.
  sync; mv venvs/.{venv}-draft venvs/{venv}
fi
# The service may not write there, and without compiled files it needs 4 MB more.
venvs/{venv}/bin/python -m compileall -q .arriving/code
rm -rf .arriving/wheels
ln -s ../../venvs/{venv} .arriving/venv; sync
# Only a broken one can be there already: what is whole and current is not installed again.
rm -rf releases/{release}; mv .arriving releases/{release}
ln -sfn releases/{release} .current; mv -T .current current; sync
rm -f {upload}
ls -1dt releases/* | tail -n +{too_many} | grep -v /{release}'$' | xargs -r rm -rf
for venv in venvs/*; do
  ls -l releases/*/venv | grep -q "$venv\\$" || rm -rf "$venv"
done
"""


@operation()
def current(
    code_dir: str, release: str, venv: str, package: str, pack: Callable[[], bool]
) -> Iterator[Any]:
    """Our code and its venv under ``current``, switched in one rename."""
    if host.get_fact(Linked, path=f"{code_dir}/current") == f"releases/{release}":
        host.noop(f"release {release} is current")
        return
    if state.config.DIFF:
        host.log(f"Will install release {release} in {code_dir}", logger.info)
    yield FunctionCommand(pack, (), {})
    upload = f"{code_dir}/{Path(package).name}"
    yield FileUploadCommand(package, upload)
    script = INSTALL.format(
        code_dir=code_dir, upload=upload, release=release, venv=venv, too_many=KEEP_RELEASES + 1
    )
    yield StringCommand("sh -s", _stdin=script)


def made_for(pi: PiHost) -> dict[str, Any]:
    """The release of this checkout for one Pi: its names, and how it is packed when needed."""
    about = host.get_fact(Python)
    if not about:
        raise Unreachable(f"{pi.name}: has no python3", "sudo apt-get install python3 python3-venv")
    if not about["limits"]:
        raise Refused(
            f"{pi.name}: its kernel has no memory controller, so MemoryMax= would mean nothing",
            "add cgroup_enable=memory to /boot/firmware/cmdline.txt and reboot",
        )
    groups = ("pi", "i2c") if pi.i2c else ("pi",)
    code = {f"code/{name}": content for name, content in cargo.files(PI_CODE).items()}
    light = {**code, "requirements.txt": cargo.lock(*groups).encode()}
    venv = cargo.digest({}, cargo.lock(*groups), about["python"], about["machine"])
    made = cargo.digest(light, venv)
    path = CACHE / f"anima-{made}.tar.gz"

    def pack() -> bool:
        return cargo.pack(path, light, about["python"], about["machine"], *groups)

    return {"release": made, "venv": venv, "package": str(path), "pack": pack}
