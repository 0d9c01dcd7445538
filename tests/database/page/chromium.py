"""Headless Chromium of this host's own packages; brought when it is not there."""

import shutil
import sys

from apps.lab import packages

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--force-color-profile=srgb",
]  # fmt: skip


def found() -> str | None:
    """Where it is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def brought() -> str:
    """Where it is, if need be after an installation that is told of."""
    if found() is None:
        if not packages.can_install():
            raise AssertionError("chromium: is not here; install it, the page is tested in it")
        sys.__stderr__.write("\nchromium is not here: installing it (some 100 MB)\n")
        packages.install("chromium", "fonts-dejavu-core")
        sys.__stderr__.write("chromium is here\n")
    where = found()
    assert where, "chromium: installed, and still not here"
    return where
