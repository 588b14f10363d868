"""The verbs of signing in, accounts, members and tokens."""

from __future__ import annotations

from audit_core.state.access_log.verb import About, AccessOutcome, Category, Verb

ACCOUNT_VERBS: tuple[Verb, ...] = (
    Verb(
        name="sign_in.accepted",
        sentence="Signed in with the right password.",
        category=Category.SIGN_IN,
        about=About.ACTOR,
    ),
    Verb(
        name="sign_in.refused",
        sentence="Tried to sign in and was refused.",
        category=Category.SIGN_IN,
        outcome=AccessOutcome.REFUSED,
        about=About.ACTOR,
        joined=True,
    ),
    Verb(
        name="sign_out",
        sentence="Signed out.",
        category=Category.SIGN_IN,
        about=About.ACTOR,
    ),
    Verb(
        name="link.refused",
        sentence="Tried a one-time link that is unknown, used, over, or for somebody else.",
        category=Category.SIGN_IN,
        outcome=AccessOutcome.REFUSED,
        joined=True,
    ),
    Verb(
        name="password_change.refused",
        sentence="Gave a wrong present password for a new one.",
        category=Category.SIGN_IN,
        outcome=AccessOutcome.REFUSED,
        about=About.ACTOR,
        joined=True,
    ),
    Verb(
        name="account.password_changed",
        sentence="Changed the own password, and ended the other sessions.",
        category=Category.SIGN_IN,
        about=About.ACTOR,
    ),
    Verb(
        name="own_sessions.ended",
        sentence="Signed out of other browsers.",
        category=Category.SIGN_IN,
        about=About.ACTOR,
    ),
    Verb(
        name="account.added",
        sentence="Added an account.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="account.disabled",
        sentence="Barred an account from signing in, and ended its sessions.",
        category=Category.ACCESS,
        target="email",
        about=About.EMAIL,
    ),
    Verb(
        name="account.enabled",
        sentence="Let a barred account sign in again.",
        category=Category.ACCESS,
        target="email",
        about=About.EMAIL,
    ),
    Verb(
        name="account.password_reset",
        sentence="Gave an account a new password, and ended its sessions.",
        category=Category.ACCESS,
        target="email",
        about=About.EMAIL,
    ),
    Verb(
        name="account.unlocked",
        sentence="Lifted the delays that wrong passwords had brought to an account.",
        category=Category.ACCESS,
        target="email",
        about=About.EMAIL,
    ),
    Verb(
        name="address.unlocked",
        sentence="Lifted the delays that wrong passwords had brought to a network address.",
        category=Category.ACCESS,
        target="address",
    ),
    Verb(
        name="membership.set",
        sentence="Set what somebody is in the organization.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="membership.ended",
        sentence="Took somebody out of the organization.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="membership.disabled",
        sentence="Barred a member from the organization, and ended their sessions there.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="membership.enabled",
        sentence="Let a barred member into the organization again.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="sessions.ended",
        sentence="Signed somebody out in every browser.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="invitation.added",
        sentence="Invited somebody into the organization.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="invitation.withdrawn",
        sentence="Withdrew an invitation.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="invitation.accepted",
        sentence="Accepted an invitation, and joined the organization.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="password_link.added",
        sentence="Made a link by which a member can set a new password, once.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="access_request.added",
        sentence="Asked the admins for a permission.",
        category=Category.ACCESS,
        target="permission",
    ),
    Verb(
        name="access_request.granted",
        sentence="Granted a permission that somebody had asked for.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="access_request.declined",
        sentence="Declined a permission that somebody had asked for.",
        category=Category.ACCESS,
        target="email",
    ),
    Verb(
        name="token.added",
        sentence="Added an API token.",
        category=Category.ACCESS,
        target="name",
    ),
    Verb(
        name="token.revoked",
        sentence="Revoked an API token.",
        category=Category.ACCESS,
        target="name",
    ),
)
