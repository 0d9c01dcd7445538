"""How an operator of the hosts in force reaches each store."""

from apps.hosts import container, docker_environment
from apps.ops.reach import ssh_command
from schemas.hosts import Hosts
from schemas.reach import Reach, Words
from schemas.soulfra.shards import server


def ways(hosts: Hosts) -> Reach:
    """The words of each command line; what docker needs over ssh is set there."""
    over: Words = ()
    if hosts.mac.ssh is not None:
        over = tuple(ssh_command(hosts.mac.ssh))
    asked = ["env", *(f"{key}={value}" for key, value in docker_environment(hosts.mac).items())]
    docker = (*(asked if len(asked) > 1 else ()), "docker", "exec", "-i")
    return Reach(
        over=over,
        postgres=(*docker, container(hosts, "postgres-age")),
        shards={
            name: (*docker, container(hosts, server(name))) for name in hosts.mac.soulfra_shards
        },
        redis=(*docker, container(hosts, "redis")),
        redis_soulfra=(*docker, container(hosts, "redis-soulfra")),
        governance=(*docker, container(hosts, "governance")),
        soulfra=(*docker, container(hosts, "soulfra")),
        pis={
            pi.agent: tuple(ssh_command(pi.ssh.model_copy(update={"user": pi.user})))
            for pi in hosts.pi
        },
        url=f"http://localhost:{hosts.mac.governance_port}",
    )
