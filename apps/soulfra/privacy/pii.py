"""What is personal in a text: mail addresses, phone numbers and @names become tokens.

Not recognised: names without an @, names with spaces, postal addresses, dates of birth, numbers of
accounts and of cards, IP addresses, mail addresses without a domain of two parts or with a quoted
local part, and phone numbers without the country's code.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number

from apps.soulfra.privacy.keys import Subject

EMAIL: Final = re.compile(
    r"(?<![\w.+%-])[\w+%][\w.+%'-]{0,63}@(?:[\w](?:[\w-]{0,61}[\w])?\.)+[^\W\d_][\w-]{0,61}[\w](?![\w-])"
)
NAME: Final = re.compile(r"(?<![\w.@])@\w(?:[\w.-]{0,253}\w)?")
TOKEN: Final = re.compile(r"\[((?:email|phone|name):[A-Za-z0-9_-]{20,40})\]")
"""As it stands in a text."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where something personal is in a text, what it is, and in the one way it is written."""

    start: int
    end: int
    kind: str
    value: str


def found(text: str) -> list[Found]:
    """All of it in its order; of two that overlap the first kind of email, phone and name."""
    taken: list[Found] = []
    for one in (*_emails(text), *_phones(text), *_names(text)):
        if all(one.end <= other.start or other.end <= one.start for other in taken):
            taken.append(one)
    return sorted(taken, key=lambda one: one.start)


def tokenised(text: str, subject: Subject, within: str = "") -> tuple[str, dict[str, str]]:
    """The text with tokens in it, and what each stands for, sealed.

    The same value is the same token for one person; with ``within``, only there.
    """
    parts, told, end = [], {}, 0
    for one in found(text):
        token = f"{one.kind}:{subject.token(one.kind, one.value, within)}"
        told[token] = subject.shut_alike(f"pii/{token}", one.value)
        parts += [text[end : one.start], f"[{token}]"]
        end = one.end
    return "".join((*parts, text[end:])), told


def detokenised(text: str, told: dict[str, str], subject: Subject) -> str:
    """The text as it was meant; a token that nobody told of stays."""

    def meant(token: re.Match[str]) -> str:
        sealed = told.get(token[1])
        return token[0] if sealed is None else subject.open_alike(f"pii/{token[1]}", sealed)

    return TOKEN.sub(meant, text)


def _emails(text: str) -> Iterator[Found]:
    for one in EMAIL.finditer(text):
        yield Found(one.start(), one.end(), "email", one[0].casefold())


def _phones(text: str) -> Iterator[Found]:
    if "+" not in text and "\uff0b" not in text:
        return
    for one in PhoneNumberMatcher(text, None, leniency=Leniency.POSSIBLE):
        yield Found(one.start, one.end, "phone", format_number(one.number, PhoneNumberFormat.E164))


def _names(text: str) -> Iterator[Found]:
    for one in NAME.finditer(text):
        yield Found(one.start(), one.end(), "name", one[0].casefold())
