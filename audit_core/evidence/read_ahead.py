"""The next step of an export is read, and the next piece of it made, while the last one is used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import TypeVar

_Item = TypeVar("_Item")


def ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """The items, none of them `None`, each made in a thread of its own while the one before it is
    used: within the context, and so the deadline, of whoever asks for that one.

    What making one raises comes when that one is asked for. Closing waits for the one under way.
    """

    def following(context: Context) -> _Item | None:
        return context.run(next, items, None)

    with ThreadPoolExecutor(1, thread_name_prefix="export") as reading:
        under_way = reading.submit(following, copy_context())
        while (item := under_way.result()) is not None:
            under_way = reading.submit(following, copy_context())
            yield item
