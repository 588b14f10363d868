"""The tables of the state: the only place where a column of them is named.

Written for SQLite and PostgreSQL alike. A change here needs a revision in ``migrations``.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.anchors import anchor as anchor
from audit_core.state.columns import Counter as _Counter
from audit_core.state.columns import Digest as _Digest
from audit_core.state.columns import FreeText as FreeText
from audit_core.state.columns import RandomId as _RandomId
from audit_core.state.columns import metadata as metadata
from audit_core.state.detections.ruleset_tables import own_rule as own_rule
from audit_core.state.detections.ruleset_tables import rule_mute as rule_mute
from audit_core.state.detections.ruleset_tables import rule_setting as rule_setting
from audit_core.state.detections.ruleset_tables import ruleset as ruleset
from audit_core.state.detections.tables import finding as finding
from audit_core.state.detections.tables import rule_watermark as rule_watermark
from audit_core.state.detections.watch_tables import blind_time as blind_time
from audit_core.state.detections.watch_tables import rule_watch as rule_watch
from audit_core.state.detections.watch_tables import watch_beat as watch_beat
from audit_core.state.detections.watch_tables import watched_organization as watched_organization
from audit_core.state.erasures.tables import erasure as erasure
from audit_core.state.erasures.tables import erasure_identity as erasure_identity
from audit_core.state.erasures.tables import erasure_sweep as erasure_sweep
from audit_core.state.export_tables import export as export
from audit_core.state.import_checkpoints import database_import as database_import
from audit_core.state.legal_holds import legal_hold as legal_hold
from audit_core.state.notifications.tables import channel as channel
from audit_core.state.notifications.tables import digest as digest
from audit_core.state.notifications.tables import notification as notification
from audit_core.state.notifications.tables import notification_message as notification_message
from audit_core.state.notifications.tables import notification_route as notification_route
from audit_core.state.review_tables import access_review as access_review
from audit_core.state.review_tables import access_review_item as access_review_item
from audit_core.state.source_tables import source as source
from audit_core.state.source_tables import source_progress as source_progress
from audit_core.state.source_tables import webhook_endpoint as webhook_endpoint
from audit_core.state.tree.tables import actor_key as actor_key
from audit_core.state.tree.tables import tree_checkpoint as tree_checkpoint
from audit_core.state.tree.tables import tree_leaf as tree_leaf
from audit_core.state.tree.tables import tree_status as tree_status
from audit_core.state.tree.tables import tree_tile as tree_tile
from audit_core.state.tree.tables import work_lease as work_lease

account = Table(
    "account",
    metadata,
    Column("id", _RandomId, primary_key=True),
    Column("email", FreeText, nullable=False, unique=True),
    Column("name", FreeText, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("operator", Boolean, nullable=False, server_default=false()),
)

organization = Table(
    "organization",
    metadata,
    Column("id", FreeText, primary_key=True),
    Column("name", FreeText, nullable=False),
)

# `grants` and `verbs` hold permissions by name, sorted, with one space between; a grant that ends
# has "@" and the moment behind its name.
membership = Table(
    "membership",
    metadata,
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("role", Text, nullable=False),
    Column("grants", Text, nullable=False),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("last_seen_at", UtcTime),
)

sign_in_code = Table(
    "sign_in_code",
    metadata,
    Column("code_hash", _Digest, primary_key=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", UtcTime, nullable=False, index=True),
)

# What a link opens, once: an invitation into an organization, or a new password for a member of it.
# `role` and `grants` are those of the invitation; without `made_by` the operator made it.
one_time_link = Table(
    "one_time_link",
    metadata,
    Column("id", _RandomId, primary_key=True),
    Column("code_hash", _Digest, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column(
        "organization_id",
        ForeignKey("organization.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("email", FreeText, nullable=False),
    Column("role", Text, nullable=False),
    Column("grants", Text, nullable=False),
    Column("made_by", ForeignKey("account.id", ondelete="CASCADE")),
    Column("made_by_name", FreeText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
)

# What a member has asked for last of each permission, and the answer.
access_request = Table(
    "access_request",
    metadata,
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("permission", Text, primary_key=True),
    Column("reason", FreeText, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("answered_at", UtcTime),
    Column("answered_by", FreeText),
    Column("granted", Boolean, nullable=False, server_default=false()),
)

session = Table(
    "session",
    metadata,
    Column("id", _RandomId, primary_key=True),
    Column("secret_hash", _Digest, nullable=False, unique=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("organization_id", ForeignKey("organization.id", ondelete="SET NULL")),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
    Column("last_seen_at", UtcTime),
    Column("address", FreeText),
    Column("user_agent", FreeText),
)

# One row for each browser and account that signed in there; the secret is in a cookie.
known_browser = Table(
    "known_browser",
    metadata,
    Column("secret_hash", _Digest, primary_key=True),
    Column(
        "account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
    Column("signed_in_at", UtcTime, nullable=False),
)

# One row for each account and address that it signed in from; the key is a digest.
known_address = Table(
    "known_address",
    metadata,
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("address_key", _Digest, primary_key=True),
    Column("signed_in_at", UtcTime, nullable=False),
)

# What `delays.py` counts; the keys are digests.
sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    Column("key", _Digest, primary_key=True),
    Column("account_key", _Digest, index=True),
    Column("address_key", _Digest, index=True),
    Column("failures", Integer, nullable=False),
    Column("last_failed_at", UtcTime, nullable=False, index=True),
    Column("refused_until", UtcTime, nullable=False),
)

# Accounts that an operator has spared their counters for a while; the key is a digest.
sign_in_opening = Table(
    "sign_in_opening",
    metadata,
    Column("account_key", _Digest, primary_key=True),
    Column("opened_until", UtcTime, nullable=False),
)

# One row, written anew to see whether the state takes writes.
health_check = Table(
    "health_check",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("checked_at", UtcTime, nullable=False),
)

# The highest numbers that the log has given each organization ("" for none).
log_mark = Table(
    "log_mark",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("organization_seq", BigInteger, nullable=False),
    Column("organization_revision", BigInteger, nullable=False),
)

# Without an organization it is of the whole installation. `networks` with spaces in between;
# none: from anywhere.
token = Table(
    "token",
    metadata,
    Column("id", _RandomId, primary_key=True),
    Column(
        "organization_id",
        ForeignKey("organization.id", ondelete="CASCADE"),
        index=True,
    ),
    Column("name", FreeText, nullable=False),
    Column("secret_hash", _Digest, nullable=False, unique=True),
    Column("verbs", Text, nullable=False),
    Column("networks", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("last_used_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("arrivals", Text),
)

# No foreign keys: what was done outlives the account and organization it was done with.
# `uid` is what people see of a row: `id` would tell how much happens in other organizations.
# `search_text` is all of it in lower case; `address_digits` the address as hexadecimal digits
# that sort like addresses. `join_key` is set where alike events are joined, `networks` in the
# row for those that came after too many different ones.
access_event = Table(
    "access_event",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("verb", Text, nullable=False),
    Column("actor", FreeText, nullable=False),
    Column("organization_id", FreeText),
    Column("address", FreeText),
    Column("detail", JSON, nullable=False),
    Column("uid", _RandomId, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("target", FreeText),
    Column("count", Integer, nullable=False),
    Column("last_at", UtcTime),
    Column("networks", Integer),
    Column("address_digits", String(33)),
    Column("search_text", FreeText, nullable=False),
    Column("join_key", String(80)),
    Index("ix_access_event_organization_id_id", "organization_id", "id"),
    Index("ix_access_event_uid", "uid", unique=True),
    Index("ix_access_event_at", "at", "uid"),
    Index("ix_access_event_organization_id_at", "organization_id", "at", "uid"),
    Index("ix_access_event_organization_id_verb", "organization_id", "verb", "at", "uid"),
)
# PostgreSQL cannot read the rows without an organization in the order of the index above.
Index(
    "ix_access_event_installation",
    access_event.c.at,
    access_event.c.uid,
    sqlite_where=access_event.c.organization_id.is_(None),
    postgresql_where=access_event.c.organization_id.is_(None),
)
Index(
    "ix_access_event_join_key",
    access_event.c.join_key,
    unique=True,
    sqlite_where=access_event.c.join_key.is_not(None),
    postgresql_where=access_event.c.join_key.is_not(None),
)

# The networks that were counted in the row with this key, as long as its minute lasts.
access_event_network = Table(
    "access_event_network",
    metadata,
    Column("join_key", String(80), primary_key=True),
    Column("network", FreeText, primary_key=True),
)

rejection = Table(
    "rejection",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("origin", FreeText, nullable=False),
    Column("organization_id", FreeText),
    Column("place", FreeText, nullable=False),
    Column("reason", FreeText, nullable=False),
    Column("raw", FreeText, nullable=False),
    Index("ix_rejection_organization_id_id", "organization_id", "id"),
)
# PostgreSQL cannot read the rows without an organization in the order of the index above.
Index(
    "ix_rejection_no_organization",
    rejection.c.id,
    sqlite_where=rejection.c.organization_id.is_(None),
    postgresql_where=rejection.c.organization_id.is_(None),
)

# How many rejections of an organization ("" for none) are kept, and how many were once.
rejection_count = Table(
    "rejection_count",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("kept", BigInteger, nullable=False),
    Column("dropped", BigInteger, nullable=False),
)

preference = Table(
    "preference",
    metadata,
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("name", FreeText, primary_key=True),
    Column("value", FreeText, nullable=False),
)

organization_setting = Table(
    "organization_setting",
    metadata,
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("name", FreeText, primary_key=True),
    Column("value", FreeText, nullable=False),
)

# `params` holds the parameters of an address: lists of texts by name.
saved_view = Table(
    "saved_view",
    metadata,
    Column("id", _RandomId, primary_key=True),
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), nullable=False),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", FreeText, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("params", JSON, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Index("ix_saved_view_organization_id_account_id", "organization_id", "account_id"),
)

# What people said of a group of failures, by the group's fingerprint; the last word only.
failure_mark = Table(
    "failure_mark",
    metadata,
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("note", FreeText, nullable=False),
    Column("marked_by", FreeText, nullable=False),
    Column("marked_at", UtcTime, nullable=False),
)

# How an organization reads records of other systems, beside the mappings that are shipped.
mapping = Table(
    "mapping",
    metadata,
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("text", FreeText, nullable=False),
    Column("saved_by", FreeText, nullable=False),
    Column("saved_at", UtcTime, nullable=False),
)
