"""Commands at random, the same for the same seed: most can be done, some are refused."""

from random import Random
from uuid import UUID

from schemas.soulfra import commands as c
from schemas.soulfra.words import Tone

TONES = tuple(Tone)
TEXTS = ("it rains", "quotes ' \" $$ \\", "ünï¢ode 🜁", "x" * 2_000, "ask a@x.org")


class Play:
    """What it made is what it names later; nothing outside it is asked."""

    def __init__(self, seed: int, name: str = "") -> None:
        self.random = Random(seed)
        self.name = name or f"p{seed}"
        self.users: list[UUID] = []
        self.agents: list[str] = []
        self.loops: list[str] = []
        self.guilds: list[str] = []
        self.votings: list[str] = []
        self.clusters: list[str] = []
        self.prophecies: list[int] = []

    def id(self) -> UUID:
        """Of a command."""
        return UUID(int=self.random.getrandbits(128), version=4)

    def beginning(self, users: int = 2, agents: int = 4) -> list[c.Asked]:
        """Somebody, and their agents."""
        made: list[c.Asked] = [self._user() for _ in range(users)]
        return made + [self._agent() for _ in range(agents)]

    def next(self) -> c.Asked:
        """One more."""
        kinds = [
            (6, self._whisper), (3, self._fork), (4, self._shift), (3, self._voting),
            (8, self._vote), (1, self._guild), (1, self._join), (1, self._prophecy),
            (1, self._fulfil), (1, self._cluster), (1, self._dissolve), (1, self._user),
            (1, self._agent), (0.5, self._forgotten), (1, self._measure),
        ]  # fmt: skip
        weights, makers = zip(*kinds, strict=True)
        return self.random.choices(makers, weights)[0]()

    def _user(self):
        self.users.append(self.id())
        n = len(self.users)
        return c.RegisterUser(
            user_id=self.users[-1], username=f"{self.name}-{n}", email=f"{self.name}-{n}@x.org"
        )

    def _forgotten(self):
        # Not the first: somebody must go on.
        return c.ForgetUser(user_id=self.random.choice(self.users[2:] or [UUID(int=9)]))

    def _agent(self):
        self.agents.append(f"{self.name}-agent-{len(self.agents)}")
        return c.RegisterAgent(
            agent_id=self.agents[-1], user_id=self.random.choice(self.users), archetype="oracle"
        )

    def _whisper(self):
        self.loops.append(f"{self.name}-loop-{len(self.loops)}")
        return c.Whisper(
            loop_id=self.loops[-1],
            agent_id=self.random.choice(self.agents),
            text=self.random.choice(
                ["it rains", "quotes ' \" $$ \\", "ünï¢ode 🜁", "x" * 2_000, "ask a@x.org"]
            ),
            tone=self.random.choice(TONES),
            unsigned=self.random.random() < 0.2,
        )

    def _fork(self):
        parent = self.random.choice(self.loops or ["nobody"])
        self.loops.append(f"{self.name}-loop-{len(self.loops)}")
        return c.Fork(
            loop_id=self.loops[-1], parent=parent, agent_id=self.random.choice(self.agents)
        )

    def _shift(self):
        tone = self.random.choice(TONES)
        if self.random.random() < 0.5 or not self.loops:
            return c.ShiftAgentTone(agent_id=self.random.choice(self.agents), tone=tone)
        return c.ShiftLoopTone(loop_id=self.random.choice(self.loops), tone=tone)

    def _measure(self):
        score = round(self.random.random(), 2)
        if self.random.random() < 0.5 or not self.loops:
            return c.MeasureAgent(
                agent_id=self.random.choice(self.agents),
                consciousness_score=self.random.choice([None, score]),
                memory_depth=self.random.randint(0, 99),
            )
        return c.MeasureLoop(loop_id=self.random.choice(self.loops), consciousness={"depth": score})

    def _voting(self):
        if not self.loops:
            return self._whisper()
        self.votings.append(f"{self.name}-voting-{len(self.votings)}")
        return c.OpenVoting(
            voting_id=self.votings[-1],
            loop_id=self.random.choice(self.loops),
            agent_id=self.random.choice(self.agents),
            guild_id=self.random.choice([None, None, *self.guilds[-2:]]),
            quorum=self.random.randint(1, 3),
        )

    def _vote(self):
        if not self.votings:
            return self._voting()
        return c.CastVote(
            voting_id=self.random.choice(self.votings[-5:]),
            agent_id=self.random.choice(self.agents),
            approves=self.random.random() < 0.7,
        )

    def _guild(self):
        self.guilds.append(f"{self.name}-guild-{len(self.guilds)}")
        return c.FoundGuild(
            guild_id=self.guilds[-1],
            guild_name=self.guilds[-1],
            agent_id=self.random.choice(self.agents),
            threshold=self.random.choice([0.25, 0.5, 0.67, 1]),
        )

    def _join(self):
        if not self.guilds:
            return self._guild()
        return c.JoinGuild(
            guild_id=self.random.choice(self.guilds), agent_id=self.random.choice(self.agents)
        )

    def _prophecy(self):
        return c.Prophesy(
            agent_id=self.random.choice(self.agents),
            text=self.random.choice(["it will rain", "@ada may call +49 30 901820"]),
            loops=tuple(self.random.sample(self.loops, min(2, len(self.loops)))),
        )

    def _fulfil(self):
        number = self.random.choice(self.prophecies or [2**62])
        return c.Fulfil(prophecy_id=number)

    def _cluster(self):
        if not self.loops:
            return self._whisper()
        self.clusters.append(f"{self.name}-cluster-{len(self.clusters)}")
        return c.FormCluster(
            cluster_id=self.clusters[-1],
            cluster_name="those that rhyme",
            loops=tuple(self.random.sample(self.loops, min(3, len(self.loops)))),
            mythology="once",
        )

    def _dissolve(self):
        if self.clusters and self.random.random() < 0.5:
            return c.DissolveCluster(cluster_id=self.random.choice(self.clusters))
        return c.DissolveLoop(loop_id=self.random.choice(self.loops or ["nobody"]))

    def heard(self, answer: c.Answer) -> None:
        """A number that only the database could make."""
        if answer.entity == "prophecy" and int(answer.id) not in self.prophecies:
            self.prophecies.append(int(answer.id))
