"""The lines of a review, from who has access and from what was used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit_core.domain.access import Permission
from audit_core.domain.addresses import address_key
from audit_core.identity.api_tokens import Token
from audit_core.identity.memberships import Grants, Member
from audit_core.identity.one_time_links import Link
from audit_core.state.access_log.verbs import Category, verb_named
from audit_core.workspace.access_reviews.review import Line, SubjectKind, json_time

USED_BY: dict[Permission, tuple[str, ...]] = {
    Permission.EXPORT: ("export.", "report.", "coverage.", "support_bundle."),
    Permission.REVEAL: ("secrets.",),
    Permission.INGEST: ("ingest", "source.", "mapping.", "webhook."),
    Permission.READ_RECORD: ("record_export.",),
}
"""How the verbs begin by which the use of a permission is recorded. What only reads is not."""


@dataclass(frozen=True, slots=True)
class Use:
    """How often something was used in the period, and when last."""

    count: int
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedKey:
    """An API key of the platform, as the log has it."""

    api_key: str
    """Masked."""
    actor: str
    use: Use
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was used in the period."""

    deeds: Mapping[str, Mapping[str, Use]] = field(default_factory=dict)
    """By actor and verb of the access record; actors by `address_key`."""
    entries: Mapping[str, Use] = field(default_factory=dict)
    """By e-mail address in the log, by its `address_key`."""
    keys: Sequence[UsedKey] = ()
    keys_left_out: int = 0
    head: int = 0
    """The organization's newest revision when this was read."""


def lines_of(
    members: Sequence[Member],
    tokens: Sequence[Token],
    invitations: Sequence[Link],
    usage: Usage,
) -> list[Line]:
    """A line for each access, members first; of tokens those that are given, so valid ones."""
    lines = [_member(member, usage) for member in members]
    for member in members:
        lines += _grants(member, usage)
    lines += [_token(token, usage) for token in tokens]
    lines += [_invitation(link) for link in invitations]
    lines += [_key(key) for key in usage.keys]
    return lines


def _member(member: Member, usage: Usage) -> Line:
    deeds = usage.deeds.get(address_key(member.email), {})
    entries = usage.entries.get(address_key(member.email))
    changing = [
        use
        for verb, use in deeds.items()
        if verb_named(verb).category in (Category.ACCESS, Category.SETTING)
    ]
    used = [*deeds.values(), *([entries] if entries else [])]
    return Line(
        kind=SubjectKind.MEMBER,
        subject=member.email,
        subject_id=member.account_id,
        frozen={
            "role": member.role.value,
            "name": member.name,
            "state": "active" if member.is_able else "disabled",
            "lastSeenAt": json_time(member.last_seen_at),
            "deeds": sum(use.count for use in deeds.values()),
            "deedsAsAdmin": sum(use.count for use in changing),
            "entries": entries.count if entries else 0,
        },
        uses=sum(use.count for use in used),
        last_used_at=max((use.last for use in used), default=None),
    )


def _grants(member: Member, usage: Usage) -> list[Line]:
    deeds = usage.deeds.get(address_key(member.email), {})
    lines = []
    for permission, ends_at in sorted(member.grants.items()):
        begins = USED_BY.get(permission)
        used = [use for verb, use in deeds.items() if begins and verb.startswith(begins)]
        lines.append(
            Line(
                kind=SubjectKind.GRANT,
                subject=member.email,
                subject_id=member.account_id,
                frozen={
                    "permission": permission.value,
                    "endsAt": json_time(ends_at),
                },
                uses=sum(use.count for use in used) if begins else None,
                last_used_at=max((use.last for use in used), default=None),
            )
        )
    return lines


def _token(token: Token, usage: Usage) -> Line:
    used = [*usage.deeds.get(address_key(token.name), {}).values()]
    return Line(
        kind=SubjectKind.TOKEN,
        subject=token.name,
        subject_id=token.id,
        frozen={
            "verbs": sorted(token.verbs),
            "networks": [str(network) for network in token.networks],
            "createdAt": json_time(token.created_at),
            "expiresAt": json_time(token.expires_at),
        },
        uses=sum(use.count for use in used),
        last_used_at=token.last_used_at,
    )


def _invitation(link: Link) -> Line:
    return Line(
        kind=SubjectKind.INVITATION,
        subject=link.email,
        subject_id=link.id,
        frozen={
            "role": link.role.value,
            "grants": _grants_frozen(link.grants),
            "madeBy": link.made_by_name,
            "expiresAt": json_time(link.expires_at),
        },
        uses=None,
        last_used_at=None,
    )


def _key(key: UsedKey) -> Line:
    return Line(
        kind=SubjectKind.KEY,
        subject=key.api_key,
        subject_id=None,
        frozen={"actor": key.actor, "failed": key.failed},
        uses=key.use.count,
        last_used_at=key.use.last,
    )


def _grants_frozen(grants: Grants) -> dict[str, Any]:
    return {permission.value: json_time(ends_at) for permission, ends_at in sorted(grants.items())}
