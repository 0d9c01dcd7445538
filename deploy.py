"""What runs where: ``pyinfra inventory.py deploy.py``."""

from pyinfra import host
from pyinfra.api.exceptions import PyinfraError

from schemas.errors import HouseError
from services import images
from services.anima import anima
from services.engine import engine
from services.governance import governance, image
from services.ground import ground
from services.house import house
from services.migrations import postgres_line
from services.postgres import postgres
from services.proof import anima_proof, postgres_proof
from services.redis import GOVERNANCE, SOULFRA, redis
from services.secrets import kept
from services.soulfra import soulfra

try:
    home = house()

    if "mac" in host.groups:
        docker = engine(home.containers, home.networks + home.volumes, home.labels)
        kept(name="Keep new secrets", vault=home.make_secrets())
        images.base(docker)
        ground(home, docker)
        postgres(home, docker)
        redis(home, docker, GOVERNANCE)
        redis(home, docker, SOULFRA)
        tag = image(docker)
        postgres_line(home, tag, "governance")
        governance(home, docker, tag)
        postgres_proof(home, tag, "governance")
        soulfra(home, docker, tag)

    if "pi" in host.groups:
        anima(home, host.data.machine)
        anima_proof(host.data.machine)
except HouseError as error:
    raise PyinfraError(str(error)) from error
