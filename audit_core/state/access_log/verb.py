"""What a verb of the access record is: its sentence, its category, and whose record it goes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """What kind of deed a verb names. The value is the name that a filter uses."""

    SIGN_IN = "sign_in"
    REFUSAL = "refusal"
    ACCESS = "access"
    EXPORT = "export"
    INGEST = "ingest"
    WORK = "work"
    SETTING = "setting"
    INSTALLATION = "installation"

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return _LABELS[self]


_LABELS = {
    Category.SIGN_IN: "Signing in",
    Category.REFUSAL: "Refusals",
    Category.ACCESS: "Accounts and tokens",
    Category.EXPORT: "Exports",
    Category.INGEST: "Ingest",
    Category.WORK: "Views and triage",
    Category.SETTING: "Settings",
    Category.INSTALLATION: "Installation",
}


class AccessOutcome(StrEnum):
    """How a deed ended. The value is the name that a filter uses."""

    DONE = "done"
    REFUSED = "refused"
    BROKEN = "broken"
    """It began and did not reach its end, such as a download that broke off."""


class About(StrEnum):
    """Whose organizations a deed belongs to, when that is not one organization."""

    ACTOR = "actor"
    """All of those that the account with the actor's e-mail address is in at that moment."""
    EMAIL = "email"
    """All of those that the account named by `email` in the detail is in at that moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One verb of the access record."""

    name: str
    """Dotted; it never changes, since it stands in databases, links and exports."""
    sentence: str
    """What was done, in the past tense, without the actor and with its full stop."""
    category: Category
    outcome: AccessOutcome = AccessOutcome.DONE
    target: str | None = None
    """The name in the detail of what it was done to; `None` if it has no target."""
    about: About | None = None
    """`None`: the event belongs to the organization that is given, or to none."""
    joined: bool = False
    """Whether alike events of one minute become one row with a count: for what anybody can have
    refused as often as they like, who could otherwise fill the record."""
    kept: bool = False
    """Whether retention leaves it: for what the program itself looks up later."""
