"""What became of a message."""

from __future__ import annotations

from enum import StrEnum


class MessageState(StrEnum):
    """How far a message is. The value is kept."""

    WAITING = "waiting"
    """It is sent, or sent again, when its time comes."""
    DELIVERED = "delivered"
    DEAD = "dead"
    """It was given up, and is sent again only if somebody asks for it."""
