"""What lies one step away, as a small picture: a centre, and its neighbours around it."""

from collections.abc import Sequence
from math import cos, pi, sin
from typing import Final, NamedTuple

from apps.governance.page.render import link

WIDTH, HEIGHT, CENTRE = 360, 270, 21
LIMIT: Final = 14
"""More than these would lie on one another; the list beside the picture has them all."""


class Neighbour(NamedTuple):
    """One step: how it is connected, to what, and where that is shown."""

    manner: str
    kind: str
    """discovery, agent, tag or dispute: which shape it has."""
    name: str
    href: str
    word: str = ""
    """What it is, where the name does not say it."""


class Node(NamedTuple):
    """A neighbour in the picture, numbered as in the list."""

    number: int
    x: float
    y: float
    edge_x: float
    edge_y: float
    neighbour: Neighbour


class Neighbourhood(NamedTuple):
    """The picture and the list."""

    centre: str
    kind: str
    nodes: tuple[Node, ...]
    neighbours: tuple[Neighbour, ...]


def neighbourhood(centre: str, kind: str, found: Sequence[Neighbour]) -> Neighbourhood:
    """The first of them on an ellipse, clockwise from the top; two side by side."""
    near = found[:LIMIT]
    x, y = WIDTH / 2, HEIGHT / 2
    first = pi if len(near) == 2 else -pi / 2
    nodes = []
    for place, one in enumerate(near):
        angle = 2 * pi * place / len(near) + first
        right, down = cos(angle), sin(angle)
        nodes.append(
            Node(
                place + 1,
                round(x + 0.42 * WIDTH * right, 1),
                round(y + 0.4 * HEIGHT * down, 1),
                round(x + CENTRE * right, 1),
                round(y + CENTRE * down, 1),
                one,
            )
        )
    return Neighbourhood(centre, kind, tuple(nodes), tuple(found))


def agent(manner: str, name: str) -> Neighbour:
    """An agent, one step away."""
    return Neighbour(manner, "agent", name, link("/page/agent", id=name))


def discovery(manner: str, name: str, kind: str, summary: str) -> Neighbour:
    """A discovery, one step away."""
    href = link("/page/discovery", id=name)
    return Neighbour(manner, "discovery", summary, href, kind.replace("_", " "))


def dispute(manner: str, name: str, reason: str | None) -> Neighbour:
    """A dispute, one step away."""
    return Neighbour(manner, "dispute", reason or name, link("/page/dispute", id=name))


def tag(word: str) -> Neighbour:
    """A tag, one step away."""
    return Neighbour("is tagged", "tag", word, link("/page/knowledge", tag=word))
