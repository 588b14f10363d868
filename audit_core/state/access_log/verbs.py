"""Every verb of the access record: what it says, and how it is kept."""

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


def _listed(*verbs: Verb) -> dict[str, Verb]:
    return {verb.name: verb for verb in verbs}


VERBS: dict[str, Verb] = _listed(
    Verb(
        name="sign_in.accepted",
        sentence="Signed in with the right password.",
        category=Category.SIGN_IN,
        about=About.ACTOR,
    ),
    Verb(
        name="sign_in.refused",
        sentence="Tried to sign in and was refused.",
        category=Category.SIGN_IN,
        outcome=AccessOutcome.REFUSED,
        about=About.ACTOR,
        joined=True,
    ),
    Verb(
        name="sign_out",
        sentence="Signed out.",
        category=Category.SIGN_IN,
        about=About.ACTOR,
    ),
    Verb(
        name="permission.refused",
        sentence="Asked for something without the permission for it.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="permission",
    ),
    Verb(
        name="request.refused",
        sentence="Asked for data without being signed in.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="path",
        joined=True,
    ),
    Verb(
        name="token.refused",
        sentence="Used an API token that is unknown, expired, revoked or lacks the permission.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        joined=True,
    ),
    Verb(
        name="host.refused",
        sentence="Asked for a name that this server does not answer to.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="host",
        joined=True,
    ),
    Verb(
        name="origin.refused",
        sentence="Sent what a page of another site may have forged, so it was not answered.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="origin",
        joined=True,
    ),
    Verb(
        name="socket.refused",
        sentence="Sent over a page's connection what no page sends, or opened too many.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="reason",
        joined=True,
    ),
    Verb(
        name="size.refused",
        sentence="Sent more in one request than the server takes.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="path",
        joined=True,
    ),
    Verb(
        name="body.refused",
        sentence="Sent what is not read as entries.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="path",
        joined=True,
    ),
    Verb(
        name="pace.refused",
        sentence="Asked more often, or for more at once, than the server answers.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="path",
        joined=True,
    ),
    Verb(
        name="upload.refused",
        sentence="Sent a file from a page, which was not taken.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="reason",
        joined=True,
    ),
    Verb(
        name="account.added",
        sentence="Added an account.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="account.disabled",
        sentence="Barred an account from signing in, and ended its sessions.",
        category=Category.ACCESS,
        target="email",
        about=About.EMAIL,
    ),
    Verb(
        name="account.enabled",
        sentence="Let a barred account sign in again.",
        category=Category.ACCESS,
        target="email",
        about=About.EMAIL,
    ),
    Verb(
        name="account.password_reset",
        sentence="Gave an account a new password, and ended its sessions.",
        category=Category.ACCESS,
        target="email",
        about=About.EMAIL,
    ),
    Verb(
        name="account.unlocked",
        sentence="Lifted the delays that wrong passwords had brought to an account.",
        category=Category.ACCESS,
        target="email",
        about=About.EMAIL,
    ),
    Verb(
        name="address.unlocked",
        sentence="Lifted the delays that wrong passwords had brought to a network address.",
        category=Category.ACCESS,
        target="address",
    ),
    Verb(
        name="membership.set",
        sentence="Set what somebody is in the organization.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="membership.ended",
        sentence="Took somebody out of the organization.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="token.added",
        sentence="Added an API token.",
        category=Category.ACCESS,
        target="name",
    ),
    Verb(
        name="token.revoked",
        sentence="Revoked an API token.",
        category=Category.ACCESS,
        target="name",
    ),
    Verb(
        name="operator.granted",
        sentence="Made an account an operator, who may read the installation's record.",
        category=Category.INSTALLATION,
        target="email",
    ),
    Verb(
        name="operator.withdrawn",
        sentence="Took the operator's right from an account.",
        category=Category.INSTALLATION,
        target="email",
    ),
    Verb(
        name="export.started",
        sentence="Began to export entries of the log.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="export.finished",
        sentence="Exported entries of the log, to the last one.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="export.broken",
        sentence="An export of entries broke off before its end.",
        category=Category.EXPORT,
        outcome=AccessOutcome.BROKEN,
        target="file",
    ),
    Verb(
        name="record_export.started",
        sentence="Began to export this access record.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="record_export.finished",
        sentence="Exported this access record, to the last event.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="record_export.broken",
        sentence="An export of this access record broke off before its end.",
        category=Category.EXPORT,
        outcome=AccessOutcome.BROKEN,
        target="file",
    ),
    Verb(
        name="support_bundle.downloaded",
        sentence="Downloaded the support bundle of a failed start.",
        category=Category.EXPORT,
        target="entry",
    ),
    Verb(
        name="log.transferred",
        sentence="Read the whole log to copy it elsewhere.",
        category=Category.INSTALLATION,
    ),
    Verb(
        name="log.loss_accepted",
        sentence="Went on with a log that had lost its end, without what was missing.",
        category=Category.INSTALLATION,
        kept=True,
    ),
    Verb(
        name="backup.made",
        sentence="Made a backup of the log, the state and the key.",
        category=Category.INSTALLATION,
    ),
    Verb(
        name="backup.restored",
        sentence="Restored a backup.",
        category=Category.INSTALLATION,
        kept=True,
    ),
    Verb(
        name="log.copied",
        sentence="Copied the log from another database.",
        category=Category.INSTALLATION,
    ),
    Verb(
        name="ingest",
        sentence="Stored entries in the log.",
        category=Category.INGEST,
        target="file",
    ),
    Verb(
        name="view.added",
        sentence="Saved a view.",
        category=Category.WORK,
        target="name",
    ),
    Verb(
        name="view.changed",
        sentence="Changed a saved view.",
        category=Category.WORK,
        target="name",
    ),
    Verb(
        name="view.deleted",
        sentence="Deleted a saved view.",
        category=Category.WORK,
        target="name",
    ),
    Verb(
        name="view.used",
        sentence="Opened the saved view of somebody else.",
        category=Category.WORK,
        target="name",
    ),
    Verb(
        name="failure_group.marked",
        sentence="Said what is the matter with a group of failed starts.",
        category=Category.WORK,
        target="fingerprint",
    ),
    Verb(
        name="organization.zone_set",
        sentence="Set the time zone of the organization.",
        category=Category.SETTING,
        target="zone",
    ),
    Verb(
        name="organization.own_activity",
        sentence="Set whether members see what they did themselves.",
        category=Category.SETTING,
    ),
    Verb(
        name="access_record.expired",
        sentence="Dropped events that were older than the retention allows.",
        category=Category.INSTALLATION,
    ),
    Verb(
        name="demo.started",
        sentence="Began to fill the empty log with the demo.",
        category=Category.INSTALLATION,
        kept=True,
    ),
    Verb(
        name="demo.loaded",
        sentence="Filled the log with the demo, and added its sign-ins.",
        category=Category.INSTALLATION,
        kept=True,
    ),
)
"""Every verb by its name. A deed with a verb that is not here is recorded all the same, since a
missing sentence must not undo it; a test sees to it that none is missing."""


def verb_named(name: str) -> Verb:
    """What is known of a verb; for an unknown one what its name says."""
    return VERBS.get(name) or Verb(
        name=name,
        sentence=f"{name}.",
        category=Category.INSTALLATION,
        outcome=AccessOutcome.REFUSED if name.endswith(".refused") else AccessOutcome.DONE,
    )
