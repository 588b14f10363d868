"""The cause within an error message: what stands after the words that each such message begins
with."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONSTANT = re.compile(
    r"(?P<constant>[A-Za-z]+(?:[ '\u2019-][A-Za-z]+){1,9}): +(?P<cause>\S.*)", re.DOTALL
)
"""Two to ten words of letters alone before a colon: no name, number or quotation is among them."""


@dataclass(frozen=True, slots=True)
class MessageParts:
    """A message taken apart; together the parts hold all of its words."""

    cause: str
    """What differs between such messages; the whole message if it has no constant beginning."""
    constant: str
    """What each of them begins with, without the colon; empty if it has no such beginning."""


def split_message(message: str) -> MessageParts:
    """The cause and the constant beginning of a message in one line.

    `Sandbox failed to start: no runner available` has the cause `no runner available`.
    """
    found = _CONSTANT.fullmatch(message)
    if found is None:
        return MessageParts(cause=message, constant="")
    return MessageParts(cause=found["cause"], constant=found["constant"])
