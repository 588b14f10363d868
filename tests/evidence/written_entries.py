"""Hypothesis strategies for lists of entries as the log may hold them."""

from __future__ import annotations

import json
from datetime import UTC

from hypothesis import strategies as st

from audit_core.domain.entries import EARLIEST, LATEST, AuditEntry

_TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"))
_ODD = st.sampled_from(("", "=1", "'", '"', ",", "\r", "\n", "\r\n", "\x85", "\u2028", "\ufeff"))
text = st.lists(_TEXT | _ODD, max_size=3).map("".join)
given_text = text.filter(bool)
optional = st.none() | text

_LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | text
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
metadata = st.dictionaries(text, _VALUES, max_size=4).map(
    lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
)

entry = st.builds(
    AuditEntry,
    id=given_text,
    actor_id=given_text,
    actor_email=text,
    actor_api_key_prefix=optional,
    actor_api_key_suffix=optional,
    organization_id=st.none() | given_text,
    action=given_text,
    target_type=optional,
    target_id=optional,
    status_code=st.none() | st.just(0) | st.integers(100, 599),
    error_message=optional,
    ip_address=optional,
    user_agent=optional,
    source=optional,
    metadata=st.none() | metadata,
    created_at=st.datetimes(
        EARLIEST.replace(tzinfo=None),
        LATEST.replace(year=LATEST.year - 1, tzinfo=None),
        timezones=st.just(UTC),
    ),
)
entries = st.lists(entry, min_size=1, max_size=4)
