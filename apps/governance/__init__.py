"""The governance process: check-ins in, verdicts out, every acknowledged one on disk."""

from typing import Final

VERSION: Final = "0.1.0"
