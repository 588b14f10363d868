"""Entries that a careless writer would damage, and a way to make more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from audit_core.domain.entries import AuditEntry

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def made(number: int, **fields: Any) -> AuditEntry:
    """An entry of its own id and time, of which only some fields matter."""
    values: dict[str, Any] = {
        "id": f"entry-{number:06}",
        "actor_id": "user-1",
        "actor_email": "ann@example.org",
        "actor_api_key_prefix": None,
        "actor_api_key_suffix": None,
        "organization_id": "org-alpha",
        "action": "create",
        "target_type": "sandbox",
        "target_id": f"box-{number}",
        "status_code": 200,
        "error_message": None,
        "ip_address": None,
        "user_agent": None,
        "source": None,
        "metadata": None,
        "created_at": NOON + timedelta(seconds=number),
    }
    return AuditEntry(**{**values, **fields})


FORMULAS = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠A1", "\u22121",
    " =1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\u2060=1", "\f=1", "\v=1", "\u0301=1", " \ufe66 1",
    "\u3164=1", "\u202e=1", "\x1b=1", " \u3000\t ＝1",
)  # fmt: skip

NASTY = (
    made(1, target_id="=cmd|' /C calc'!A0", error_message='Said "no",\nthen left', status_code=500),
    made(2, target_id="＝HYPERLINK(1)", user_agent="-1+2", status_code=0, source=""),
    made(
        3,
        actor_id="@runner",
        actor_email="",
        organization_id=None,
        target_type=None,
        target_id=None,
        status_code=None,
        error_message="Ünïcode \u2400 ☃ 🦀\u2028<script>",
        metadata='{"body":{"name":"Ä=1","n":[1,2.5,null,true]},"é":""}',
        created_at=NOON.replace(microsecond=1),
    ),
    made(4, target_id="a;b\tc'd\\e", error_message="\rstart", source="a,b", ip_address="::1"),
)
"""Formulas, quotes, line ends of all kinds, absent and empty values, all kinds of status."""
