"""The audit entry: its 16 fields, its outcome and its category."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""The first instant that an entry may carry (inclusive)."""

LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""The first instant that an entry may no longer carry (exclusive)."""


class Outcome(StrEnum):
    """What became of a request. The value is the name used in URLs and files."""

    INFO = "info"
    SUCCESS = "success"
    REDIRECT = "redirect"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    IN_FLIGHT = "in_flight"
    UNANSWERED = "unanswered"

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return self.value.replace("_", " ").capitalize()


UNANSWERED_STATUS = 0
"""The status code that means "never answered" (set by the platform after 30 minutes)."""

OUTCOME_OF_HUNDRED: dict[int, Outcome] = {
    1: Outcome.INFO,
    2: Outcome.SUCCESS,
    3: Outcome.REDIRECT,
    4: Outcome.CLIENT_ERROR,
    5: Outcome.SERVER_ERROR,
}
"""The outcome by the first digit of a three-digit status code."""

FAILURES: tuple[Outcome, ...] = (Outcome.CLIENT_ERROR, Outcome.SERVER_ERROR)


def outcome_of(status_code: int | None) -> Outcome:
    """The outcome of a status code: `None` is in flight, 0 is unanswered.

    Raises `ValueError` for any other number outside 100-599.
    """
    if status_code is None:
        return Outcome.IN_FLIGHT
    if status_code == UNANSWERED_STATUS:
        return Outcome.UNANSWERED
    if not 100 <= status_code <= 599:
        raise ValueError(f"status code {status_code} is neither 0 nor from 100 to 599")
    return OUTCOME_OF_HUNDRED[status_code // 100]


class Category(StrEnum):
    """What kind of action it was. The value is the name used in URLs and files."""

    LIFECYCLE = "lifecycle"
    MEMBERS = "members"
    ACCESS = "access"
    SYSTEM = "system"
    TOOLBOX = "toolbox"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return "Access and security" if self is Category.ACCESS else self.value.capitalize()

    @property
    def description(self) -> str:
        """What belongs to it, for whoever chooses one: a phrase without a full stop."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Category.LIFECYCLE: "what is created, started, changed and deleted: sandboxes, snapshots, "
    "volumes, but also roles, invitations and secrets",
    Category.MEMBERS: "sign-ins, joining and leaving, and which roles and permissions members have",
    Category.ACCESS: "credentials: API keys, SSH access, key pairs, single sign-on, suspension",
    Category.SYSTEM: "settings, quotas, networks, webhooks, runners",
    Category.TOOLBOX: "work inside a sandbox: files, git, commands",
    Category.OTHER: "actions that Sandtrail does not know",
}


TOOLBOX_PREFIX = "toolbox_"

SANDBOX = "sandbox"
CREATE = "create"
NAME_PATH = ("body", "name")
"""The way to the name in the metadata of a create."""

ACCESS_TARGETS = (
    "api_key",
    "identity_provider",
    "organization_invitation",
    "organization_role",
    "organization_user",
    "secret",
)
"""What decides who may do what: whatever is done to one of these changes somebody's access, also
where the action's category is another (a role is created by `create`, which is lifecycle)."""

API_KEY_TARGET = "api_key"
API_KEY_ACCESS_ACTIONS = frozenset({"create", "delete"})
"""On the target `api_key` these actions belong to `Category.ACCESS`, else to lifecycle."""

_LIFECYCLE = """
    create update delete start stop pause archive recover resize fork snapshot activate deactivate
    create_backup replace_labels update_public_status set_auto_stop_interval
    set_auto_pause_interval set_auto_archive_interval set_auto_delete_interval set_ttl auto_stop
    auto_archive auto_delete ttl_expire spot_evict toggle_state set_general_status
    get_port_preview_url read
"""
_MEMBERS = """
    login register change_password accept decline leave_organization update_role
    update_assigned_roles update_access link_account unlink_account
"""
_ACCESS = """
    regenerate_key_pair create_ssh_access revoke_ssh_access suspend unsuspend rotate_signing_key
    update_secrets update_sso_enabled regenerate_proxy_api_key regenerate_ssh_gateway_api_key
    regenerate_snapshot_manager_credentials
"""
_SYSTEM = """
    update_network_settings update_scheduling update_draining set_default update_quota
    create_region_quota update_region_quota delete_region_quota
    update_sandbox_default_limited_network_egress update_preview_warning update_otel_config
    delete_otel_config initialize_webhooks send_webhook_message
"""

ACTIONS_OF_CATEGORY: dict[Category, frozenset[str]] = {
    Category.LIFECYCLE: frozenset(_LIFECYCLE.split()),
    Category.MEMBERS: frozenset(_MEMBERS.split()),
    Category.ACCESS: frozenset(_ACCESS.split()),
    Category.SYSTEM: frozenset(_SYSTEM.split()),
}
"""The actions that are known by name. The vocabulary is open: any other action is valid,
and belongs to `TOOLBOX` by its prefix or else to `OTHER`."""

_CATEGORY_OF_ACTION = {
    action: category for category, actions in ACTIONS_OF_CATEGORY.items() for action in actions
}


def category_of(action: str, target_type: str | None) -> Category:
    """The category of an action on a target type; `OTHER` for an unknown action."""
    if action.startswith(TOOLBOX_PREFIX):
        return Category.TOOLBOX
    if target_type == API_KEY_TARGET and action in API_KEY_ACCESS_ACTIONS:
        return Category.ACCESS
    return _CATEGORY_OF_ACTION.get(action, Category.OTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit log, as the platform wrote it.

    Text is never changed but for NUL, which stands as U+2400. All of it may have been
    written by any user of the platform: none of it is to be trusted.
    """

    id: str
    """Unique within the organization; never empty."""
    actor_id: str
    """A user id, or a role such as `runner`, `proxy`, `system`; never empty."""
    actor_email: str
    """Empty for actors that are not users."""
    actor_api_key_prefix: str | None
    actor_api_key_suffix: str | None
    organization_id: str | None
    """`None` for an action on an account, which belongs to no organization."""
    action: str
    """From an open vocabulary; never empty."""
    target_type: str | None
    target_id: str | None
    """An id, or sometimes a name; `None` for a failed `create`."""
    status_code: int | None
    """`None` while in flight, 0 when never answered, else an HTTP status from 100 to 599."""
    error_message: str | None
    ip_address: str | None
    user_agent: str | None
    source: str | None
    """The client's own claim; `None` means the dashboard or the bare API."""
    metadata: str | None
    """A JSON object as text, never any other JSON value; `None` if there was none."""
    created_at: datetime
    """When the request was made, before it was handled. Aware, UTC, whole microseconds,
    from `EARLIEST` to before `LATEST`."""

    @property
    def outcome(self) -> Outcome:
        """See `outcome_of`."""
        return outcome_of(self.status_code)

    @property
    def category(self) -> Category:
        """See `category_of`."""
        return category_of(self.action, self.target_type)

    @property
    def finished(self) -> bool:
        """Whether the entry has its final status and will never change again."""
        return self.status_code is not None and self.status_code != UNANSWERED_STATUS

    @property
    def actor(self) -> str:
        """How the actor is shown: the e-mail address, or the id where that is empty."""
        return self.actor_email or self.actor_id

    @property
    def api_key(self) -> str | None:
        """The masked API key, such as `dtn_ab…9f`; `None` if no key was used."""
        if self.actor_api_key_prefix is None and self.actor_api_key_suffix is None:
            return None
        return f"{self.actor_api_key_prefix or ''}…{self.actor_api_key_suffix or ''}"


FIELDS: tuple[tuple[str, str], ...] = (
    ("id", "id"),
    ("actorId", "actor_id"),
    ("actorEmail", "actor_email"),
    ("actorApiKeyPrefix", "actor_api_key_prefix"),
    ("actorApiKeySuffix", "actor_api_key_suffix"),
    ("organizationId", "organization_id"),
    ("action", "action"),
    ("targetType", "target_type"),
    ("targetId", "target_id"),
    ("statusCode", "status_code"),
    ("errorMessage", "error_message"),
    ("ipAddress", "ip_address"),
    ("userAgent", "user_agent"),
    ("source", "source"),
    ("metadata", "metadata"),
    ("createdAt", "created_at"),
)
"""The 16 fields in order: the name in JSON (as Daytona's API writes it) and ours."""

COLUMN_OF = dict(FIELDS)
"""Our column by its name in files."""
