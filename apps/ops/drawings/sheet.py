"""The contact sheet: every piece with its era, its reason and its numbers, on one picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from apps.ops.drawings.shapes import Shown
from apps.ops.show import span

TINTS = {
    "gestural": (240, 150, 110),
    "pointillist": (240, 205, 110),
    "field": (130, 200, 140),
    "geometric": (120, 175, 240),
    "resonance": (200, 150, 240),
}
PAPER, CARD, BLACK = (21, 23, 27), (31, 34, 40), (6, 7, 9)
INK, GREY, RULE = (236, 232, 224), (150, 152, 158), (58, 62, 70)
PICTURE, PAD, TEXT, GAP, MARGIN, HEAD = 240, 12, 88, 20, 36, 92
CARD_WIDTH, CARD_HEIGHT = PICTURE + 2 * PAD, PICTURE + 2 * PAD + TEXT
COLUMNS = 5


def sheet(pieces: Sequence[Shown], folder: Path, title: str, about: str) -> Any:
    """A Pillow picture of the pieces, in their order; ``folder`` is where their pictures are."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415  wanted by this word only

    columns = max(1, min(COLUMNS, len(pieces)))
    rows = max(1, -(-len(pieces) // columns))
    width = 2 * MARGIN + columns * CARD_WIDTH + (columns - 1) * GAP
    height = HEAD + rows * (CARD_HEIGHT + GAP) + MARGIN - GAP
    image = Image.new("RGB", (max(width, 640), height), PAPER)
    pen = ImageDraw.Draw(image)
    large, plain, small = (ImageFont.load_default(size) for size in (28, 15, 12.5))
    pen.text((MARGIN, 24), title, INK, large)
    pen.text((MARGIN + 2, 60), about, GREY, plain)
    for number, piece in enumerate(pieces):
        x = MARGIN + number % columns * (CARD_WIDTH + GAP)
        y = HEAD + number // columns * (CARD_HEIGHT + GAP)
        pen.rounded_rectangle((x, y, x + CARD_WIDTH, y + CARD_HEIGHT), 8, CARD)
        _picture(image, pen, folder, piece, (x + PAD, y + PAD))
        _label(pen, piece, (x + PAD, y + PAD + PICTURE + 9), (plain, small))
    return image


def _picture(image: Any, pen: Any, folder: Path, piece: Shown, at: tuple[int, int]) -> None:
    """As it was drawn; a black field where it is not here or cannot be read."""
    from PIL import Image  # noqa: PLC0415

    x, y = at
    pen.rectangle((x, y, x + PICTURE - 1, y + PICTURE - 1), BLACK)
    if piece.picture is None:
        return
    try:
        with Image.open(folder / piece.picture) as drawn:
            image.paste(drawn.convert("RGB").resize((PICTURE, PICTURE), 0), at)
    except (OSError, ValueError, SyntaxError):
        pen.line((x, y, x + PICTURE - 1, y + PICTURE - 1), RULE)


def _label(pen: Any, piece: Shown, at: tuple[int, int], fonts: tuple[Any, Any]) -> None:
    """Era and day; why it was over, how many marks and how long; E, I, S, V, C as bars."""
    (x, y), record, (plain, small) = at, piece.record, fonts
    tint = TINTS.get(record.era, GREY)
    pen.ellipse((x, y + 4, x + 9, y + 13), tint)
    pen.text((x + 16, y), record.era, INK, plain)
    pen.text((x + PICTURE, y + 2), f"{record.finished_at:%d %b %H:%M}", GREY, small, anchor="ra")
    said = f"{record.completion_reason}, {record.marks} marks, {span(record.duration_seconds)}"
    pen.text((x, y + 24), said, GREY, small)
    step = PICTURE / 5
    for place, (name, share) in enumerate(shares(piece).items()):
        left = x + place * step
        pen.text((left, y + 45), f"{name} {getattr(record, name):.2f}", GREY, small)
        pen.rectangle((left, y + 66, left + step - 8, y + 69), RULE)
        pen.rectangle((left, y + 66, left + (step - 8) * share, y + 69), tint)


def shares(piece: Shown) -> dict[str, float]:
    """How far each of E, I, S, V, C is up its range, in [0, 1]; V from -2 and S up to 2."""
    record = piece.record
    return {
        "E": record.E, "I": record.I, "S": record.S / 2, "V": (record.V + 2) / 4, "C": record.C,
    }  # fmt: skip
