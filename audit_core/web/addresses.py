"""Where routes are that links lead to and the command line asks: paths below the app's own, without
the routes themselves, which need the whole product."""

from __future__ import annotations

from urllib.parse import urlencode

from audit_core.web.security.origins import WEBHOOKS

DIGEST_PATH = "/api/operator/digest"
ROWS_PATH = "/api/operator/rows"
HEADS_PATH = "/api/operator/heads"
DOCTOR_PATH = "/api/operator/doctor"
CHECKPOINT_PATH = "/api/operator/checkpoint"

DAYTONA_WEBHOOK_PATH = f"{WEBHOOKS}daytona"

INVITATION_PAGE = "/api/session/invitation"
NEW_PASSWORD_PAGE = "/api/session/new-password"  # noqa: S105


def invitation_address(code: str) -> str:
    """The path of the link of an invitation, with the code behind its #."""
    return f"{INVITATION_PAGE}#{urlencode({'code': code})}"


def new_password_address(code: str) -> str:
    """The path of the link for a new password, with the code behind its #."""
    return f"{NEW_PASSWORD_PAGE}#{urlencode({'code': code})}"
