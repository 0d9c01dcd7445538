"""What the containers stand on: networks, and the volumes that outlive them."""

from services import docker
from services.engine import Engine
from services.house import House


def ground(house: House, engine: Engine) -> None:
    """Every network and volume of the house, with the labels that say whose they are."""
    labels = dict(house.labels)
    for called in house.networks:
        docker.network(name=f"Network {called}", engine=engine, network=called, labels=labels)
    for called in house.volumes:
        docker.volume(name=f"Volume {called}", engine=engine, volume=called, labels=labels)
