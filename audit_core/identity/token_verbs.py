"""What API tokens can be allowed to do: one table, for page, command line and routes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from audit_core.domain.access import Membership, Permission
from audit_core.domain.errors import AccountError


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenVerb:
    """One thing that a token can be allowed to do."""

    name: str
    """As it is stored, given on the command line, and shown; it never changes."""
    label: str
    """For people, in sentence case."""
    permission: Permission | None
    """What a person must hold in the organization to make such a token; `None`: nobody on the
    page, only the operator at the command line."""
    installation: bool = False
    """Whether a token of the whole installation can have it, which belongs to no organization."""
    organization: bool = True
    """Whether a token of one organization can have it."""
    only_with: str | None = None
    """The verb without which it means nothing."""


WRITE = TokenVerb(name=Permission.INGEST.value, label="Send entries", permission=Permission.INGEST)
READ = TokenVerb(
    name=Permission.READ.value,
    label="Read entries",
    permission=Permission.READ,
    installation=True,
)
REVEAL = TokenVerb(
    name=Permission.REVEAL.value,
    label="Read secrets unredacted",
    permission=Permission.REVEAL,
    installation=True,
    only_with=READ.name,
)

EXPORT = TokenVerb(
    name=Permission.EXPORT.value,
    label="Make and download exports",
    permission=Permission.EXPORT,
)

METRICS = TokenVerb(
    name="read:metrics",
    label="Read metrics",
    permission=None,
    installation=True,
    organization=False,
)

TOKEN_VERBS: dict[str, TokenVerb] = {
    verb.name: verb for verb in (WRITE, READ, REVEAL, EXPORT, METRICS)
}
"""Every verb by its name, in the order in which they are offered. A new one is a line here."""


def require_possible(verbs: Collection[str], *, installation: bool) -> None:
    """Raises `AccountError` unless a token can have just these verbs: one of an organization, or
    one of the whole `installation`."""
    offered = [
        verb.name
        for verb in TOKEN_VERBS.values()
        if (verb.installation if installation else verb.organization)
    ]
    impossible = sorted(set(verbs) - set(offered))
    if impossible or not verbs:
        whose = "of the whole installation" if installation else "of an organization"
        raise AccountError(
            f"A token {whose} cannot be for {', '.join(impossible) or 'nothing'}.",
            f"Choose from {', '.join(offered)}.",
        )
    for name in sorted(verbs):
        needed = TOKEN_VERBS[name].only_with
        if needed is not None and needed not in verbs:
            raise AccountError(
                f"A token that is for {name} has to be for {needed} as well.",
                f"Add {needed}, or leave {name} out.",
            )


def can_give(membership: Membership | None) -> tuple[TokenVerb, ...]:
    """The verbs that a member may give to a token of the organization: what they may do
    themselves, and nothing else."""
    held = membership.permissions if membership is not None else frozenset()
    return tuple(
        verb for verb in TOKEN_VERBS.values() if verb.organization and verb.permission in held
    )


def require_can_give(membership: Membership | None, verbs: Collection[str]) -> None:
    """Raises `AccountError` unless the member may give all of these to a token."""
    lacking = sorted(set(verbs) - {verb.name for verb in can_give(membership)})
    if lacking:
        raise AccountError(
            f"You cannot make a token for {', '.join(lacking)}: a token may do no more than "
            "you may do yourself.",
            "Leave it out, or ask an admin who holds the permission.",
        )
