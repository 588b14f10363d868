"""What a line of an access review says, in words for people; names in it are not escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit_core.query.time.windows import parse_instant, written
from audit_core.workspace.access_reviews.review import ReviewItem, SubjectKind


def what(item: ReviewItem) -> str:
    """What was frozen, in words."""
    frozen = item.line.frozen
    match item.line.kind:
        case SubjectKind.MEMBER:
            return f"{frozen['role']}{'' if frozen['state'] == 'active' else ', disabled'}"
        case SubjectKind.GRANT:
            return f"{frozen['permission']}{_until(frozen['endsAt'])}"
        case SubjectKind.TOKEN:
            networks = ", ".join(frozen["networks"]) or "anywhere"
            verbs = ", ".join(frozen["verbs"])
            return f"{verbs} from {networks}{_until(frozen['expiresAt'])}"
        case SubjectKind.INVITATION:
            granted = "".join(f", {name}" for name in frozen["grants"])
            return f"{frozen['role']}{granted}, by {frozen['madeBy']}{_until(frozen['expiresAt'])}"
        case SubjectKind.KEY:
            return f"used by {frozen['actor']}"


def used(item: ReviewItem) -> str:
    """How much was used in the quarter, in words."""
    line, frozen = item.line, item.line.frozen
    if line.kind is SubjectKind.MEMBER:
        return _member_use(frozen)
    if line.uses is None:
        return "–" if line.kind is SubjectKind.INVITATION else "not recorded"
    if line.kind is SubjectKind.KEY:
        return f"{line.uses:,} entries, {frozen['failed']:,} failed"
    return f"{line.uses:,} times" if line.uses else "not used"


def _member_use(frozen: Mapping[str, Any]) -> str:
    parts = []
    if frozen["deeds"]:
        as_admin = frozen["deedsAsAdmin"]
        parts.append(f"{frozen['deeds']:,} deeds{f' ({as_admin:,} as admin)' if as_admin else ''}")
    if frozen["entries"]:
        parts.append(f"{frozen['entries']:,} entries")
    return ", ".join(parts) or "nothing"


def _until(text: str | None) -> str:
    return "" if text is None else f" until {written(parse_instant(text), 'UTC', 'minutes')}"
