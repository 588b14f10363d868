"""What an erasure is, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from audit_core.domain.erasure import PSEUDONYM, PSEUDONYM_PREFIX

_DIGITS = 16
"""How many digits of an erasure's id are in its pseudonym."""


class Stage(StrEnum):
    """How far an erasure has come. The value is what stands in the state."""

    ASKED = "asked"
    """Another admin has to confirm it."""
    CONFIRMED = "confirmed"
    """It begins in a moment, or once what is in its way is gone."""
    ERASING = "erasing"
    """Entries are being erased; after a stop it goes on where it was."""
    REWRITING = "rewriting"
    """Nothing shows the data any more; old bytes of it are still in files."""
    DONE = "done"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        """For people, in sentence case."""
        return _LABELS[self]

    @property
    def is_open(self) -> bool:
        """Whether it is yet to come to an end."""
        return self in OPEN


_LABELS = {
    Stage.ASKED: "To be confirmed",
    Stage.CONFIRMED: "Confirmed",
    Stage.ERASING: "Erasing",
    Stage.REWRITING: "Erased, old bytes left",
    Stage.DONE: "Done",
    Stage.WITHDRAWN: "Withdrawn",
    Stage.REFUSED: "Refused",
}

OPEN = (Stage.ASKED, Stage.CONFIRMED, Stage.ERASING, Stage.REWRITING)
TO_ERASE = (Stage.CONFIRMED, Stage.ERASING)
"""Whose data is yet to be erased from the entries."""
IN_FORCE = (*TO_ERASE, Stage.REWRITING, Stage.DONE)
"""Confirmed ones: what comes later of these people is erased as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erasure as the state has it. Its fields are columns of `erasure`."""

    id: str
    """128 random bits; the first 64 are in the pseudonym."""
    organization_id: str
    stage: Stage
    subject: str | None
    """Who, encrypted; `None` once the entries are erased, or it was withdrawn or refused."""
    reason: str
    """Of a person's choosing, as is `closing_reason`: never to be read as markup."""
    asked_by: str
    asked_by_account: str | None
    """`None`: asked at the command line."""
    asked_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    """What was made up to then is erased; what the person does later is new."""
    closed_by: str | None
    """Who withdrew or refused it."""
    closed_at: datetime | None
    closing_reason: str | None
    started_at: datetime | None
    erased_at: datetime | None
    """When the entries were, for the first time."""
    done_at: datetime | None
    """When no old byte was left, for the last time."""
    entries: int
    """How many entries of the person were erased."""
    mentions: int
    """How many entries of others lost a text that named the person."""
    late: int
    """How many of both came later, or came back."""
    exports: int
    """How many kept exports were deleted."""
    rejections: int
    """How many rejected records that named the person were erased."""
    filters: int
    """In how many saved filters the pseudonym stands in place of the person."""
    problem: str | None
    """What is in its way, in words; `None`: nothing is known to be."""
    problem_at: datetime | None
    """Since when."""

    @property
    def pseudonym(self) -> str:
        """What stands in the entries in place of the person."""
        return pseudonym_of(self.id)


def pseudonym_of(erasure_id: str) -> str:
    """What stands in the entries in place of the person of an erasure."""
    return PSEUDONYM_PREFIX + erasure_id[:_DIGITS]


def digits_of(actor_id: str | None) -> str | None:
    """The beginning of the id of the erasure that a pseudonym leads to; `None` for what is no
    pseudonym."""
    if actor_id is None or not PSEUDONYM.fullmatch(actor_id):
        return None
    return actor_id.removeprefix(PSEUDONYM_PREFIX)
