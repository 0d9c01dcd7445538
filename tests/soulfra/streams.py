"""A Redis of soulfra's own, as a relay and its tests ask it."""

import json

from tests.redis_server import PASSWORD, RedisServer


class Streams(RedisServer):
    """With streams in it."""

    def ids(self, stream="loop:created"):
        """All of a stream, in its order."""
        said = self.cli("--json", "XRANGE", f"events:{stream}", "-", "+")
        return [name for name, _ in json.loads(said)]

    def environment(self, folder):
        """For a process of its own."""
        (folder / "redis_password").write_text(PASSWORD)
        return {
            "REDIS_SOCKET": str(self.socket),
            "REDIS_USER": self.kept.user,
            "REDIS_PASSWORD_FILE": str(folder / "redis_password"),
        }
