"""The piece that was on the canvas, or its last good copy, or an empty canvas: never a stop."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from apps.anima import canvas
from apps.anima.canvas import Canvas
from apps.anima.drawing import Drawing
from apps.anima.failures import Failures
from apps.anima.finished import Finished
from apps.anima.log import say
from apps.anima.piece import Piece


def pick_up(
    path: Path,
    rng: Random,
    failures: Failures,
    finish: Callable[[Finished, Canvas], None] = lambda *_: None,
    seconds: float = 1.0,
) -> Drawing:
    """Go on where the hand was; a damaged canvas is set aside, said and counted."""
    for file in (path, path.with_name(f"{path.name}.{canvas.LAST}")):
        try:
            if saved := canvas.load(file):
                piece = saved[1] and Piece.restored(saved[1])
                if file != path:
                    say("canvas healed", file=file, pixels=saved[0].count)
                return Drawing(saved[0], piece or None, rng, finish, seconds)
        except (ValueError, OSError) as error:
            failures.note("canvas damaged", error)
            _set_aside(file, error, failures)
    return Drawing(Canvas(), None, rng, finish, seconds)


def _set_aside(file: Path, reason: Exception, failures: Failures) -> None:
    """On a card that takes no writes it stays where it is."""
    try:
        canvas.set_aside(file, reason)
    except OSError as error:
        failures.note("canvas set aside", error)
