"""The next piece is made while this one is written: Postgres works beside Python, not after it."""

from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(made: Generator[T, None, None]) -> Iterator[T]:
    """The same in the same order; it is made, and ended, in one other thread."""
    with ThreadPoolExecutor(1) as maker:
        try:
            coming: Future[T | None] = maker.submit(next, made, None)
            while (one := coming.result()) is not None:
                coming = maker.submit(next, made, None)
                yield one
        finally:
            maker.submit(made.close).result()
