"""Which places a term means: by name, by words, by what is said of them, with typing errors."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise
from math import log
from typing import Final

from apps.where.entry import Entry, entries
from schemas.governance.calls.where import Kind

ASIDE: Final = frozenset({
    "a", "all", "an", "and", "any", "are", "as", "at", "be", "by", "can", "did", "do", "does",
    "every", "fetch", "find", "for", "from", "get", "give", "go", "has", "have", "how", "i", "in",
    "is", "it", "its", "keep", "keeps", "kept", "live", "lived", "lives", "long", "me", "my",
    "much", "new", "now", "of", "old", "on", "own", "owned", "owner", "owners", "owns", "please",
    "range", "ranges", "read", "reads", "retention", "see", "sensitive", "sensitivity", "should",
    "show", "stay", "stays", "store", "stored", "stores", "tell", "that", "the", "their", "there",
    "these", "they", "this", "to", "unit", "units", "us", "was", "we", "what", "when", "where",
    "which", "who", "whom", "whose", "will", "with", "write", "writes", "written", "you",
})  # fmt: skip
"""Words of a question that say nothing of where."""
HINTS: Final = {
    "table": Kind.TABLE, "view": Kind.VIEW, "label": Kind.LABEL, "vertex": Kind.LABEL,
    "edge": Kind.LABEL, "redis": Kind.KEY, "key": Kind.KEY, "file": Kind.FILE,
    "message": Kind.MESSAGE, "metric": Kind.METRIC, "column": Kind.COLUMN, "role": Kind.ROLE,
    "property": Kind.PROPERTY,
}  # fmt: skip
"""Words that tell the kind of place; they may be in a name as well."""
ALSO: Final = {
    "archive": "retired", "archived": "retired", "debate": "dialectic", "dispute": "dialectic",
    "finding": "discovery", "friend": "relationship", "kg": "discovery", "knowledge": "discovery",
    "login": "role", "picture": "canvas", "queue": "outbox", "remember": "memory",
    "temperature": "temp",
}  # fmt: skip
"""Words that people use where nothing is called so."""
WEIGHT: Final = {
    Kind.TABLE: 0.10, Kind.FILE: 0.08, Kind.KEY: 0.07, Kind.MESSAGE: 0.06, Kind.VIEW: 0.05,
    Kind.LABEL: 0.04, Kind.METRIC: 0.02, Kind.ROLE: 0.02,
}  # fmt: skip
"""What lies nearer at hand when all else is equal."""
WORD: Final = re.compile(r"[a-z]+|[0-9]+[a-z]*")
CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
PUNCTUATION: Final = re.compile(r"^[\"'`(]+|(?:'s)?[?!,;.\"'`)]*$")
MARKED: Final = re.compile(r"[_.:]")
"""A word that is a name, not a word."""
PLAIN: Final = 0.5
"""What the whole name is worth, where it is a word that people use anyway."""
LIKE: Final = 0.74
"""Two words that are less alike are different ones."""
ENOUGH: Final = 0.30
"""A place that scores less does not answer."""


@dataclass(slots=True)
class Index:
    """Every place by the words of its name, of its whole and of its description."""

    named: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    within: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    said: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    names: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Whole names and whole places, in lower case."""
    lengths: list[int] = field(default_factory=list)
    """How many words each name has."""
    by_pair: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Words, and names, by the pairs of letters that they have."""

    def add(self, number: int, entry: Entry) -> None:
        """Make one place known."""
        name = words(entry.name)
        self.lengths.append(max(1, len(set(name))))
        for word in name:
            self.named[word].add(number)
        for word in words(entry.whole or entry.place) + words(entry.store):
            self.within[word].add(number)
        for word in words(entry.what):
            self.said[word].add(number)
        file = entry.name.rpartition("/")[2].partition(".")[0] if entry.kind is Kind.FILE else ""
        last = entry.name.rpartition(".")[2]
        for whole in {entry.name, entry.place, last, file} - {""}:
            self.names[whole.lower()].add(number)

    def close(self) -> None:
        """After the last one: remember which letters follow one another where."""
        for word in {*self.named, *self.within, *self.said, *self.names}:
            for pair in _pairs(word):
                self.by_pair[pair].add(word)

    def rarity(self, word: str) -> float:
        """How much it says that a place has this word."""
        among = self.named.get(word) or self.within.get(word) or self.said.get(word) or ()
        return log(1 + len(self.lengths) / (1 + len(among)))

    def like(self, word: str) -> list[tuple[float, str]]:
        """Known words that it may be a misspelling of, the likeliest first."""
        shared: dict[str, int] = defaultdict(int)
        for pair in _pairs(word):
            for known in self.by_pair.get(pair, ()):
                shared[known] += 1
        near = [k for k in shared if abs(len(k) - len(word)) <= max(2, len(word) // 4)]
        near.sort(key=lambda known: (-shared[known], abs(len(known) - len(word)), known))
        found = [(likeness(word, known), known) for known in near[:40]]
        return sorted((one for one in found if one[0] >= LIKE), reverse=True)


@cache
def index() -> Index:
    """Of everything that is declared; made once."""
    made = Index()
    for number, entry in enumerate(entries()):
        made.add(number, entry)
    made.close()
    return made


def find(term: str, limit: int = 5) -> list[tuple[float, Entry]]:
    """The places that are meant, the best one first; none where nothing is near."""
    known, of = index(), entries()
    asked = [*_meant(term, known)]
    total = sum(rarity for _, rarity, _ in asked) or 1.0
    scores: dict[int, float] = defaultdict(float)
    for worth, numbers in _by_name(term, known):
        for number in numbers:
            # The more is asked, the less a plain word says by itself.
            scores[number] += worth if worth > PLAIN else worth / max(1, len(asked)) ** 1.5
    hits: dict[int, set[str]] = defaultdict(set)
    for word, rarity, trust in asked:
        share = rarity * trust / total
        for worth, where in ((1.0, known.named), (0.55, known.within), (0.4, known.said)):
            for number in where.get(word, ()):
                # Only the best way in which a place has the word counts.
                if word not in hits[number]:
                    scores[number] += share * worth
                    hits[number].add(word)
    hints = {HINTS[word] for word in words(term) if word in HINTS}
    ranked = []
    for number, score in scores.items():
        entry, hit = of[number], hits[number]
        part = len(hit) / max(1, len(asked))
        named = sum(number in known.named.get(word, ()) for word in hit) / known.lengths[number]
        whole = score + 0.25 * part * named + 0.5 * (part == 1.0 and len(asked) > 1)
        if whole >= ENOUGH:
            whole += WEIGHT.get(entry.kind, 0.0) + 0.8 * (entry.kind in hints)
            ranked.append((whole, -number))
    ranked.sort(reverse=True)
    return [(score, of[-number]) for score, number in ranked[:limit]]


def words(text: str) -> list[str]:
    """The words of a name or a sentence, in lower case and in the singular."""
    return [_singular(word) for word in WORD.findall(CAMEL.sub(" ", text).lower())]


def likeness(one: str, other: str) -> float:
    """From 0 to 1; letters that changed places count as one slip."""
    if sorted(one) == sorted(other):
        return 0.95
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _by_name(term: str, known: Index) -> Iterator[tuple[float, set[int]]]:
    """Places whose whole name is written in the term, or nearly so."""
    yield 2.0, known.names.get(term.strip().lower(), set())
    plain = [PUNCTUATION.sub("", said) for said in term.lower().split()]
    joined = (f"{one}{by}{two}" for one, two in pairwise(plain) for by in "_.")
    yield from ((0.8, known.names[name]) for name in joined if name in known.names)
    for said in plain:
        if said in ASIDE or len(said) < 2:
            continue
        if said in known.names:
            yield 1.0 if MARKED.search(said) else PLAIN, known.names[said]
        elif MARKED.search(said) or (len(said) > 4 and not _is_known(said, known)):
            yield from (
                (0.8 * like**4, known.names[name])
                for like, name in known.like(said)[:3]
                if name in known.names
            )


def _meant(term: str, known: Index) -> Iterator[tuple[str, float, float]]:
    """Each word that tells something, as it is known, how rare it is and how sure that is."""
    every = [word for word in dict.fromkeys(words(term)) if word not in ASIDE]
    asked = [word for word in every if len(word) > 1] or every
    for word in asked:
        if word in HINTS and len(asked) > 1:
            continue
        if _is_known(word, known):
            yield word, known.rarity(word), 1.0
        elif word in ALSO:
            yield ALSO[word], known.rarity(ALSO[word]), 1.0
        elif not word.isdigit():
            near = [one for one in known.like(word) if not MARKED.search(one[1])]
            if near and near[0][0] >= max(likeness(word, each) for each in ASIDE):
                like, meant = near[0]
                yield meant, known.rarity(meant), like


def _is_known(word: str, known: Index) -> bool:
    one = _singular(word)
    return one in known.named or one in known.within or one in known.said


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if plural else word


def _pairs(word: str) -> set[str]:
    whole = f" {word} "
    return {whole[at : at + 2] for at in range(len(whole) - 1)}
