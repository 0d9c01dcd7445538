"""One line on stdout per event; the journal adds the time."""

import sys


def say(event: str, **facts: object) -> None:
    """Write ``event key=value …`` as one line."""
    words = [event, *(f"{name}={_as_word(value)}" for name, value in facts.items())]
    line = " ".join(words).encode("utf-8", "backslashreplace").decode()  # half a character, too
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _as_word(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return repr(text) if not text or any(c.isspace() or c in "'\"" for c in text) else text
