"""The lines and the queries of the house, and all that the rules say of them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from apps.lint import both, graph, postgres, sqlite
from apps.lint.exempt import EXEMPT
from apps.lint.finding import Finding, Rule, findings
from apps.lint.source import Engine, Source
from apps.lint.squawk import ROOT, squawk
from apps.migrate.lines import ENGINES, UNLABELLED, line

RULES: Final[dict[Engine, tuple[Rule, ...]]] = {
    "postgres": (*both.RULES, *postgres.RULES, *graph.RULES),
    "sqlite": (*both.RULES, *sqlite.RULES),
}
QUERY_RULES: Final[tuple[Rule, ...]] = (both.select_star, graph.age_labels)


def found() -> list[Finding]:
    """Everything that is wrong and not exempt, and every exemption that nothing needs."""
    wrong = [*migrations(), *queries()]
    for name, engine in ENGINES.items():
        wrong += squawk(_paths(name)) if engine == "postgres" else []
    needed = {(Path(each.path).name, each.rule) for each in wrong}
    left = [each for each in wrong if (Path(each.path).name, each.rule) not in EXEMPT]
    for name, rule in sorted(EXEMPT.keys() - needed):
        left.append(
            Finding("apps/lint/exempt.py", 1, "exempt", f"{name} needs no {rule}", "drop it")
        )
    return left


def migrations() -> Iterator[Finding]:
    """What our rules say of each file of each line."""
    for name in ENGINES:
        for source in sources(name):
            yield from findings(RULES[source.engine], source)


def queries() -> Iterator[Finding]:
    """What our rules say of the queries of the apps."""
    for path in sorted((ROOT / "apps").rglob("*.sql")):
        source = Source(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"), "postgres")
        yield from findings(QUERY_RULES, source)


def sources(name: str) -> Iterator[Source]:
    """Every file of a line, each migration with those before it."""
    of, old = line(name), UNLABELLED.get(name, "")
    earlier: list[Source] = []
    for path in _paths(name):
        file = ROOT / path
        back = file.with_name(file.name.replace(".sql", ".rollback.sql"))
        rollback = back.read_text(encoding="utf-8") if back.is_file() else None
        source = Source(
            path,
            file.read_text(encoding="utf-8"),
            of.engine,
            tuple(earlier),
            rollback,
            is_old=file.name[:4] <= old,
        )
        yield source
        if source.is_migration and not source.is_rollback:
            earlier.append(source)


def _paths(name: str) -> Iterable[str]:
    return [str(file.relative_to(ROOT)) for file in sorted(line(name).folder.glob("*.sql"))]
