"""Who may do what in an organization, and what a viewer's reads are limited to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum


class Role(StrEnum):
    """A person's role in one organization."""

    ADMIN = "admin"
    AUDITOR = "auditor"
    MEMBER = "member"


class Permission(StrEnum):
    """What can be allowed, by the name that is shown when it is missing."""

    READ = "read:audit_logs"
    READ_OWN = "read:own_audit_logs"
    """What the person did, and nothing of anybody else. Whoever may read all may read this too,
    and an organization may allow it to all its members."""
    EXPORT = "export:audit_logs"
    REVEAL = "reveal:secrets"
    INGEST = "write:audit_logs"
    MANAGE = "manage:access"
    READ_RECORD = "read:access_record"
    """Who signed in, was refused, exported or changed something, in the organization."""


PERMISSIONS_OF_ROLE: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.AUDITOR: frozenset(
        {Permission.READ, Permission.READ_OWN, Permission.EXPORT, Permission.READ_RECORD}
    ),
    Role.MEMBER: frozenset(),
}

GRANTABLE: frozenset[Permission] = frozenset(Permission) - {Permission.MANAGE}
"""What a member can be granted beyond the role. Not `manage:access`: whoever holds it can make
themselves an admin, so a grant of it, and an end of that grant, would mean nothing."""


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """The permission is there."""

    permission: Permission


@dataclass(frozen=True, kw_only=True)
class Denied:
    """The permission is missing. `reason` is a sentence for the person."""

    permission: Permission
    reason: str


@dataclass(frozen=True, kw_only=True)
class Membership:
    """What one account is in one organization."""

    organization_id: str
    organization_name: str
    role: Role
    grants: frozenset[Permission] = frozenset()
    """Permissions beyond those of the role that have not ended."""
    own_activity: bool = False
    """Whether the organization lets its members see what they did themselves."""
    disabled: bool = False
    """Whether the organization has barred the person; then it carries nothing."""

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that it carries."""
        if self.disabled:
            return frozenset()
        permissions = PERMISSIONS_OF_ROLE[self.role] | (self.grants & GRANTABLE)
        own = self.own_activity or Permission.READ in permissions
        return permissions | {Permission.READ_OWN} if own else permissions


def decide(membership: Membership | None, permission: Permission) -> Allowed | Denied:
    """Whether a membership carries a permission; `None` (no membership) carries none."""
    if membership is None:
        return Denied(
            permission=permission,
            reason=f"You are not a member of this organization, so you lack {permission.value}.",
        )
    if permission in membership.permissions:
        return Allowed(permission=permission)
    return Denied(
        permission=permission,
        reason=f"Your role in {membership.organization_name} is {membership.role.value}, "
        f"which lacks the permission {permission.value}.",
    )


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a read may see. Every statement is built from one; there is no other way in."""

    organization_id: str | None
    """The one organization. `None` means all of them, and entries of none: only
    `everything()` makes such a scope, and only the command line may call it."""
    actor_id: str | None = None
    """When set, only what this actor did."""
    secrets: bool = False
    """Whether secrets in the metadata may be shown unredacted."""

    def __post_init__(self) -> None:
        if self.organization_id == "":
            raise ValueError("a scope needs an organization")

    @classmethod
    def everything(cls) -> Scope:
        """The operator's scope at the command line: every organization."""
        return cls(organization_id=None)

    def of_actor(self, actor_id: str) -> Scope | Denied:
        """What of this scope one actor did; denied if it holds nothing of that actor."""
        if self.actor_id not in (None, actor_id):
            return Denied(
                permission=Permission.READ,
                reason="You may see only what you did yourself, not what others did.",
            )
        return replace(self, actor_id=actor_id)


def readable(membership: Membership | None, own_actor_ids: Collection[str]) -> Scope | Denied:
    """What a member may read on People: all, only what they did, or nothing.

    `own_actor_ids` are the actors in the organization's log who have the member's e-mail
    address. An address that several had says nothing about who the member is, so it opens none
    of them.
    """
    decision = decide(membership, Permission.READ_OWN)
    if isinstance(decision, Denied):
        return decision
    assert membership is not None  # noqa: S101 - else it is denied
    whole = Scope(organization_id=membership.organization_id)
    if Permission.READ in membership.permissions:
        return whole
    if len(own_actor_ids) == 1:
        return whole.of_actor(*own_actor_ids)
    return Denied(
        permission=Permission.READ,
        reason="Several people in the log have your e-mail address, so it does not say which of "
        "them you are."
        if own_actor_ids
        else "Nobody in the log has your e-mail address: you have done nothing yet.",
    )
