"""How an operator reaches each store: words of a command line, to which the question is added."""

from pydantic import Field

from schemas import ports
from schemas.quantity import Closed
from schemas.table import Store

Words = tuple[str, ...]


class Reach(Closed):
    """Of one house. No word is a secret: keys are files, passwords are nowhere."""

    over: Words = Field(default=(), description="ssh to the Mac; none where it is this machine.")
    postgres: Words = ("docker", "exec", "-i", "postgres-age")
    shards: dict[str, Words] = Field(
        default_factory=dict, description="More servers with agents of soulfra's, by their name."
    )
    redis: Words = ("docker", "exec", "-i", "redis")
    redis_soulfra: Words = ("docker", "exec", "-i", "redis-soulfra")
    governance: Words = ("docker", "exec", "-i", "governance")
    soulfra: Words = ("docker", "exec", "-i", "soulfra")
    pis: dict[str, Words] = Field(
        default_factory=dict, description="By the agent: ssh as the user that owns its data."
    )
    url: str = f"http://localhost:{ports.GOVERNANCE}"

    def at(self, postgres: Words) -> "Reach":
        """The same with another server of Postgres."""
        return self.model_copy(update={"postgres": postgres})

    def redis_of(self, tenant: Store) -> Words:
        """The Redis of a tenant."""
        return self.redis_soulfra if tenant == "soulfra" else self.redis
