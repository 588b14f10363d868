"""Who may do what in an organization, and what a viewer's reads are limited to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """A person's role in one organization."""

    ADMIN = "admin"
    AUDITOR = "auditor"
    MEMBER = "member"


class Permission(StrEnum):
    """What can be allowed, by the name that is shown when it is missing."""

    READ = "read:audit_logs"
    EXPORT = "export:audit_logs"
    REVEAL = "reveal:secrets"
    INGEST = "write:audit_logs"
    MANAGE = "manage:access"


PERMISSIONS_OF_ROLE: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.AUDITOR: frozenset({Permission.READ, Permission.EXPORT}),
    Role.MEMBER: frozenset(),
}

GRANTABLE: frozenset[Permission] = frozenset({Permission.READ})
"""What a member can be granted beyond the role."""


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
    """Permissions beyond those of the role."""


def decide(membership: Membership | None, permission: Permission) -> Allowed | Denied:
    """Whether a membership carries a permission; `None` (no membership) carries none."""
    if membership is None:
        return Denied(
            permission=permission,
            reason=f"You are not a member of this organization, so you lack {permission.value}.",
        )
    held = PERMISSIONS_OF_ROLE[membership.role] | (membership.grants & GRANTABLE)
    if permission in held:
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
