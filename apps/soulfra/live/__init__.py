"""``/soulfra/v1/live``: what happens, to whoever listens, as it happens."""
