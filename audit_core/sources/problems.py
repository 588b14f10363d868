"""What can be wrong with a source, and what follows from it."""

from __future__ import annotations

from audit_core.domain.errors import AuditError


class SourceUnavailable(AuditError):
    """It cannot be read now: it is asked again, later and later."""


class AnswerUnreadable(SourceUnavailable):
    """It answered something that is not what it should be."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            reason, "Check that the address is that of Daytona's API, such as https://…/api."
        )


class TooManyRequests(SourceUnavailable):
    """It asks to be left alone for a while."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(
            f"It has had too many requests and asks for a pause of {wait_s:,.0f} s.",
            "Lower the requests a minute of this source if that happens often.",
        )
        self.wait_s = wait_s
        """How long it asks to be left alone, in seconds."""


class KeyRefused(AuditError):
    """It does not accept the key, or not for this: nothing is asked until somebody acts."""

    def __init__(self, status: int, *, whole_deployment: bool = False) -> None:
        admin_key = "Give this source the key of an admin of the deployment."
        if status == 401:
            super().__init__(
                "Daytona does not accept the key (401): it has expired, was revoked, or is wrong.",
                admin_key
                if whole_deployment
                else "Make a new key in Daytona with the permission read:audit_logs, and give it "
                "to this source.",
            )
        elif whole_deployment:
            super().__init__(
                "Daytona does not let this key read the audit log of the whole deployment (403).",
                admin_key,
            )
        else:
            super().__init__(
                "Daytona does not let this key read the audit log of this organization (403).",
                "Give the key the permission read:audit_logs in Daytona, or check the id of the "
                "organization.",
            )


class RequestRefused(AuditError):
    """It refuses the request itself: asking again would be refused again."""
