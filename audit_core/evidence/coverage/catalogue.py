"""What Daytona audits, action by target, and what it does not record at all.

The pairs are those that the last published source of the platform (v0.190.0) declares at its
routes. Later versions record more: the names of these actions are known (`ACTIONS_OF_CATEGORY`),
their targets were not published.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from audit_core.domain.entries import TOOLBOX_PREFIX


class Recorded(StrEnum):
    """Where the platform records an action."""

    ORGANIZATION = "organization"
    """In the log of the organization that it is done in."""
    ELSEWHERE = "elsewhere"
    """Without an organization: what the platform's operators do, and what belongs to an account."""
    SWITCHED_ON = "switched_on"
    """In the organization's log, once the platform's operators switched it on: it is off unless
    `AUDIT_TOOLBOX_REQUESTS_ENABLED` is set."""


Pair = tuple[str | None, str]
"""Target type and action; `None` for an action without a target."""

_IN_THE_ORGANIZATION: dict[str | None, str] = {
    "sandbox": """
        create start stop pause recover delete archive resize fork snapshot create_backup
        create_ssh_access revoke_ssh_access replace_labels update_public_status
        update_network_settings set_auto_stop_interval set_auto_archive_interval
        set_auto_delete_interval
    """,
    "snapshot": "create delete activate deactivate",
    "volume": "create delete",
    "api_key": "create delete",
    "docker_registry": "create update delete",
    "organization": "update delete update_otel_config delete_otel_config initialize_webhooks",
    "organization_invitation": "create update delete accept",
    "organization_role": "create update delete",
    "organization_user": "update_access delete",
    "region": """
        create update delete regenerate_proxy_api_key regenerate_ssh_gateway_api_key
        regenerate_snapshot_manager_credentials
    """,
    "runner": "create delete update_scheduling update_draining",
    None: "leave_organization",
}

_WITHOUT_AN_ORGANIZATION: dict[str | None, str] = {
    "docker_registry": "set_default",
    "organization": """
        create suspend unsuspend update_quota create_region_quota update_region_quota
        delete_region_quota update_sandbox_default_limited_network_egress send_webhook_message
    """,
    "organization_invitation": "decline",
    "snapshot": "set_general_status",
    "user": "create regenerate_key_pair",
    None: "link_account unlink_account",
}

_TOOLBOX = """
    delete_file download_file create_folder move_file set_file_permissions replace_in_files
    upload_file bulk_upload_files git_add_files git_create_branch git_delete_branch
    git_clone_repository git_commit_changes git_pull_changes git_push_changes git_checkout_branch
    execute_command create_session session_execute_command delete_session computer_use_start
    computer_use_stop computer_use_restart_process
"""


def _pairs(actions: dict[str | None, str]) -> list[Pair]:
    return [(target, action) for target, names in actions.items() for action in names.split()]


CATALOGUE: dict[Pair, Recorded] = {
    **dict.fromkeys(_pairs(_IN_THE_ORGANIZATION), Recorded.ORGANIZATION),
    **dict.fromkeys(_pairs(_WITHOUT_AN_ORGANIZATION), Recorded.ELSEWHERE),
    **{("sandbox", f"{TOOLBOX_PREFIX}{name}"): Recorded.SWITCHED_ON for name in _TOOLBOX.split()},
}
"""Where each action on each target is recorded."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that happens on the platform, and that no log of it can show."""

    what: str
    """A phrase in sentence case, without a full stop."""
    why: str
    """A sentence."""


GAPS = (
    Gap(
        "Reads: listing, opening and searching",
        "The platform records what changes something, and no requests that only read.",
    ),
    Gap(
        "Requests refused before they are handled: wrong passwords and keys, permissions, rates",
        "An entry is made after authentication, authorization and rate limits: that none of them "
        "failed cannot be read off the log.",
    ),
    Gap(
        "What is done inside a sandbox: its terminal, SSH sessions, its own processes",
        "Only the creation and the end of SSH access are recorded; work by the toolbox's API is if "
        "the operators have switched that on.",
    ),
    Gap(
        "Traffic through previews and ports of a sandbox",
        "The proxy writes no audit entries.",
    ),
    Gap(
        "How long a request took, the runner, and values before a change",
        "An entry holds parts of the request and its status, nothing else.",
    ),
)
"""In the order in which they are told."""
