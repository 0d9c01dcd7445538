"""A release on a Pi: our code and its venv, installed beside the last ones, switched at once."""

from collections.abc import Callable, Iterator
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

from schemas.errors import Unreachable
from schemas.hosts import PiHost
from services import cargo
from services.cargo import PI_CODE, ROOT

KEEP_RELEASES = 3


class Python(FactBase[dict[str, str]]):
    """The Pi's Python version and machine, which decide the wheels it gets."""

    def command(self) -> str:
        ask = 'import sys; print("%d.%d" % sys.version_info[:2])'
        return f"echo $(python3 -c '{ask}') $(uname -m)"

    def process(self, output: list[str]) -> dict[str, str]:
        words = " ".join(output).split()
        return {"python": words[0], "machine": words[1]} if len(words) == 2 else {}

    @staticmethod
    def default() -> dict[str, str]:
        return {}


class Linked(FactBase[str]):
    """Where a symbolic link points; empty when there is none."""

    def command(self, path: str) -> StringCommand:
        return StringCommand("readlink", QuoteString(path), "|| true")

    def process(self, output: list[str]) -> str:
        return "".join(output)

    @staticmethod
    def default() -> str:
        return ""


INSTALL = """set -eu
cd {code_dir}; mkdir -p venvs releases
rm -rf .arriving; mkdir .arriving; tar xzf {upload} -C .arriving
if [ ! -d venvs/{venv} ]; then
  rm -rf venvs/.{venv}; python3 -m venv venvs/.{venv}
  venvs/.{venv}/bin/pip install -q --no-index --find-links .arriving/wheels \\
    --require-hashes -r .arriving/requirements.txt
  # The scripts that pip wrote name the draft's path; nothing of ours starts by them.
  mv venvs/.{venv} venvs/{venv}
fi
# The service may not write there, and without compiled files it needs 4 MB more.
venvs/{venv}/bin/python -m compileall -q .arriving/code
rm -rf .arriving/wheels releases/{release}
ln -s ../../venvs/{venv} .arriving/venv; sync
mv .arriving releases/{release}
ln -sfn releases/{release} .current; mv -T .current current
rm -f {upload}
ls -1dt releases/* | tail -n +{too_many} | grep -v /{release}'$' | xargs -r rm -rf
"""


@operation()
def current(
    code_dir: str, release: str, venv: str, package: str, pack: Callable[[], None]
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
    groups = ("pi", "i2c") if pi.i2c else ("pi",)
    code = {f"code/{name}": content for name, content in cargo.files(PI_CODE).items()}
    light = {**code, "requirements.txt": cargo.lock(*groups).encode()}
    venv = cargo.digest({}, cargo.lock(*groups), about["python"], about["machine"])
    made = cargo.digest(light, venv)
    path = ROOT / ".abode" / "cache" / f"anima-{made}.tar.gz"

    def pack() -> None:
        wheels = cargo.wheels(path.parent, about["python"], about["machine"], *groups)
        cargo.tar(path, {**light, **wheels})

    return {"release": made, "venv": venv, "package": str(path), "pack": pack}
