"""What lies on a Pi beside its releases: packages, the service's user, directories, files.

pyinfra's own operations do the same in twenty questions over ssh (``server.user`` alone asks
ten); each of these asks one.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff

from pyinfra import host, logger, state
from pyinfra.api import FactBase, QuoteString, StringCommand, operation


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory and who may enter."""

    path: str
    owner: str
    mode: str


@dataclass(frozen=True, slots=True, repr=False)
class HostFile:
    """A file of root's on the host; a secret one is never shown."""

    path: str
    text: str
    mode: str = "644"
    secret: bool = False

    def __repr__(self) -> str:
        """pyinfra prints the arguments of its operations."""
        return f"HostFile({self.path!r}, {self.sha256()[:16]})"

    def sha256(self) -> str:
        """Digest of the content."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Missing(FactBase[list[str]]):
    """Which of some Debian packages are not installed."""

    def command(self, packages: list[str]) -> str:
        return (
            f"for p in {' '.join(packages)}; do dpkg-query -W -f '${{db:Status-Status}}\\n' $p "
            "2>/dev/null | grep -qx installed || echo $p; done"
        )

    def process(self, output: list[str]) -> list[str]:
        return list(output)

    default = list


class Account(FactBase[tuple[str, ...]]):
    """Home, shell and authorized keys of a user; empty when there is none."""

    def command(self, user: str) -> str:
        return (
            f"getent passwd {user} | cut -d: -f6,7; "
            f"cat $(getent passwd {user} | cut -d: -f6)/.ssh/authorized_keys 2>/dev/null; true"
        )

    def process(self, output: list[str]) -> tuple[str, ...]:
        return tuple(line for line in output if line)

    default = tuple


class Lies(FactBase[dict[str, tuple[str, str, str]]]):
    """Owner, mode and, of a file, the SHA-256, by path."""

    def command(self, paths: list[str]) -> StringCommand:
        return StringCommand(
            "for p in", *map(QuoteString, paths),
            "; do stat -c '%U %a %n' $p 2>/dev/null",
            "&& { sha256sum $p 2>/dev/null || echo -; }; done; true",
        )  # fmt: skip

    def process(self, output: list[str]) -> dict[str, tuple[str, str, str]]:
        pairs = zip(output[::2], output[1::2], strict=True)
        said = ((stat.split(" ", 2), hashed.split(" ")[0]) for stat, hashed in pairs)
        return {path: (owner, mode, sha) for (owner, mode, path), sha in said}

    default = dict


@operation()
def packages(packages: list[str]) -> Iterator[StringCommand]:
    """Debian packages, with the lists brought up to date only when one is missing."""
    missing = host.get_fact(Missing, packages=packages)
    if not missing:
        host.noop(f"installed: {', '.join(packages)}")
        return
    yield StringCommand(
        "export DEBIAN_FRONTEND=noninteractive; dpkg --configure -a &&",
        "apt-get update -qq -o DPkg::Lock::Timeout=300 &&",
        "apt-get install -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends", *missing,
    )  # fmt: skip


@operation()
def account(user: str, home: str, keys: list[str]) -> Iterator[StringCommand]:
    """A user without a password who may log in with these keys only."""
    found = host.get_fact(Account, user=user)
    if found == (f"{home}:/bin/bash", *keys):
        host.noop(f"user {user} is as declared")
        return
    if not found:
        yield StringCommand("useradd --system --create-home --shell /bin/bash -d", home, user)
        # A home that outlived its system belongs to whoever had the number before.
        yield StringCommand(f"chown -R {user}:{user} {home}")
    elif found[0] != f"{home}:/bin/bash":
        yield StringCommand("usermod --shell /bin/bash --home", home, user)
    yield StringCommand(
        f"install -d -o {user} -g {user} -m 0700 {home} {home}/.ssh &&",
        f"cat > {home}/.ssh/.keys && chown {user}:{user} {home}/.ssh/.keys &&",
        f"chmod 0600 {home}/.ssh/.keys && mv {home}/.ssh/.keys {home}/.ssh/authorized_keys",
        _stdin="\n".join(keys),
    )


@operation()
def directories(wanted: list[Directory]) -> Iterator[StringCommand]:
    """Directories with their owner and mode; what lies in them is left alone."""
    found = host.get_fact(Lies, paths=[each.path for each in wanted])
    wrong = [w for w in wanted if found.get(w.path, ())[:2] != (w.owner, w.mode)]
    if not wrong:
        host.noop("every directory is as declared")
        return
    for each in wrong:
        if state.config.DIFF:
            host.log(f"  {each.path}: {each.owner} {each.mode}", logger.info)
        yield StringCommand(
            "install -d -o", each.owner, "-g", each.owner, "-m", each.mode, each.path
        )


@operation()
def written(wanted: list[HostFile]) -> Iterator[StringCommand]:
    """Files of root's, each whole or not at all, never readable by others on the way."""
    found = host.get_fact(Lies, paths=[file.path for file in wanted])
    wrong = [f for f in wanted if found.get(f.path) != ("root", f.mode, f.sha256())]
    if not wrong:
        host.noop("every file is as declared")
        return
    for file in wrong:
        if state.config.DIFF:
            _show(file)
        draft = QuoteString(f"{file.path}.new")
        yield StringCommand(
            "umask 077 && cat >", draft, "&& chmod", file.mode, draft, "&& mv", draft,
            QuoteString(file.path), _stdin=file.text.removesuffix("\n"),
        )  # fmt: skip


class Text(FactBase[list[str]]):
    """The lines of a file; none when it is not there."""

    def command(self, path: str) -> StringCommand:
        return StringCommand("cat", QuoteString(path), "2>/dev/null || true")

    def process(self, output: list[str]) -> list[str]:
        return list(output)

    default = list


def _show(file: HostFile) -> None:
    if file.secret:
        host.log(f"Will write {file.path} (secret, not shown)", logger.info)
        return
    host.log(f"Will write {file.path}", logger.info)
    old = host.get_fact(Text, path=file.path)
    for line in unified_diff(old, file.text.splitlines(), "there", "declared", "", "", 0, ""):
        host.log(f"  {line}", logger.info)
