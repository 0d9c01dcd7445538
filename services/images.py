"""The images of the house: a tag is the hash of everything that goes in."""

from pathlib import Path

from apps.hosts import BASE
from schemas import ports
from services import cargo, docker
from services.cargo import CACHE, ROOT
from services.engine import Engine

BASE_PYTHON = "3.13"
"""What Debian trixie ships."""


def base(engine: Engine) -> None:
    """Debian trixie, the ground under every image."""
    docker.base_image(
        engine=engine,
        name=f"Base image {BASE}",
        image=BASE,
        script=str(ROOT / "templates/base/make.sh"),
    )


def built(engine: Engine, template: str, image: str, code: dict[str, bytes], *locks: str) -> str:
    """The image of templates/<template>, with code and the wheels of its locks; gives its tag."""
    machine = engine.machine
    own = {
        str(Path(name).relative_to(f"templates/{template}")): content
        for name, content in cargo.files([f"templates/{template}"]).items()
        if not name.endswith((".j2", ".conf", ".sql"))
    }
    source = {f"code/{name}": content for name, content in code.items()}
    requirements = {"requirements.txt": cargo.lock(*locks).encode()} if locks else {}
    arguments = {
        "BASE": BASE,
        "FILES_DIR": ports.CONTAINER_FILES_DIR,
        "SOULFRA_DATA_DIR": ports.SOULFRA_DATA_DIR,
        "POSTGRES_SOCKET_DIR": ports.POSTGRES_SOCKET_DIR,
        "REDIS_SOCKET_DIR": ports.REDIS_SOCKET_DIR,
        "REDIS_SOCKET": ports.REDIS_SOCKET,
        "GOVERNANCE_DATA_DIR": ports.GOVERNANCE_DATA_DIR,
        "GOVERNANCE_PORT": str(ports.GOVERNANCE),
    }
    light = {**own, **source, **requirements}
    tag = f"abode/{image}:{cargo.digest(light, machine, BASE_PYTHON, *arguments.values())}"
    path = CACHE / f"{image}-{tag.rsplit(':', 1)[1]}.tar.gz"

    def pack() -> bool:
        return cargo.pack(path, light, BASE_PYTHON, machine, *locks)

    docker.image(
        engine=engine,
        name=f"Image {tag}",
        tag=tag,
        context=str(path),
        pack=pack,
        build_args=arguments,
        made_of=image,
    )
    return tag
