"""What runs where: ``pyinfra inventory.py deploy.py``."""

from pyinfra import host
from pyinfra.api.exceptions import PyinfraError

from schemas.errors import HouseError
from services import docker, images
from services.anima import anima
from services.governance import governance, image, networks
from services.house import house
from services.migrations import governance_line
from services.postgres import postgres
from services.redis import redis
from services.secrets import kept

CONTAINERS = ("postgres-age", "redis", "governance")

try:
    home = house()

    if "mac" in host.groups:
        docker.engine([home.called(c) for c in CONTAINERS], home.labels)
        kept(name="Keep new secrets", vault=home.make_secrets())
        images.base()
        networks(home)
        postgres(home)
        redis(home)
        tag = image()
        governance_line(home, tag)
        governance(home, tag)

    if "pi" in host.groups:
        anima(home, host.data.machine)
except HouseError as error:
    raise PyinfraError(str(error)) from error
