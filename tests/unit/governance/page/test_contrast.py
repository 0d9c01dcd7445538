"""The declared colours can be read, in light and in dark (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from itertools import product

import pytest

from apps.governance.page.assets import FOLDER

CSS = (FOLDER / "page.css").read_text(encoding="utf-8")
COLOUR = re.compile(r"--([a-z-]+): (#[0-9a-f]{6})")
GROUNDS = ("ground", "card")
TEXT = [
    *product(("ink", "soft", "accent", "good", "warn", "bad"), GROUNDS),
    *product(("governance", "drawing", "risk", "edge"), ("card",)),
    *((word, f"{word}-tint") for word in ("good", "warn", "bad")),
    ("soft", "plain-tint"), ("ink", "plain-tint"), ("accent", "tint"), ("ink", "tint"),
    ("ink", "hit"), ("accent", "plain-tint"),
]  # fmt: skip
LINES = list(product(("governance", "drawing", "risk", "edge", "soft", "good", "warn"), GROUNDS))


def schemes():
    """The two sets of colours."""
    light, dark = (
        dict(COLOUR.findall(block)) for block in re.findall(r":root \{\n.*?\}", CSS, re.DOTALL)
    )
    return {"light": light, "dark": dark}


def luminance(colour):
    """Relative luminance, as WCAG defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def ratio(one, other):
    """Contrast of two colours.

    >>> round(ratio("#000000", "#ffffff"), 1)
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_both_schemes_declare_the_same_colours():
    """A colour forgotten in the dark would be the light one."""
    light, dark = schemes().values()

    assert light.keys() == dark.keys()
    assert len(light) > 15


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (LINES, 3.0)], ids=["text", "lines"])
def test_what_is_read_stands_out(scheme, pairs, least):
    """Each text on each ground that it is put on, and each line of a chart."""
    colours = schemes()[scheme]
    weak = {
        f"{front} on {back}": round(found, 2)
        for front, back in pairs
        if (found := ratio(colours[front], colours[back])) < least
    }

    assert not weak


def test_no_colour_is_written_past_the_declared_ones():
    """Else this file would say nothing about it."""
    rules = re.sub(r":root \{\n.*?\}", "", CSS, flags=re.DOTALL)

    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rules)


def test_nothing_of_elsewhere_is_loaded():
    """No font, image or sheet with an address of its own."""
    assert not re.findall(r"url\(|@import|@font-face", CSS)
