"""What the official package signs verifies here, and nothing else does."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from audit_core.domain.errors import AuditError
from audit_core.runtime.webhook_signing import new_secret
from audit_core.sources.webhooks.signature import (
    TOLERANCE_S,
    key_of,
    signed_headers,
    verifies,
)

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
SECRET, OTHER = new_secret(), new_secret()


def sent(body: str, *secrets: str, at: datetime = NOW, name: str = "svix") -> dict[str, str]:
    """The headers of a message, signed by the official package with each of the secrets."""
    signatures = [Webhook(secret).sign("msg_1", at, body) for secret in secrets]
    return {
        f"{name}-id": "msg_1",
        f"{name}-timestamp": str(int(at.timestamp())),
        f"{name}-signature": " ".join(signatures),
    }


def known(headers: dict[str, str], body: bytes, secret: str = SECRET) -> bool:
    signed = signed_headers(headers)
    return signed is not None and verifies(key_of(secret), signed, body, NOW)


@given(st.text(max_size=200), st.sampled_from(("svix", "webhook")))
def test_what_the_official_package_signs_verifies(body: str, name: str) -> None:
    body = body.encode("utf-8", "replace").decode()
    assert known(sent(body, SECRET, name=name), body.encode())
    assert known(sent(body, OTHER, SECRET, name=name), body.encode())
    assert not known(sent(body, OTHER, name=name), body.encode())


@given(st.binary(min_size=1, max_size=50), st.integers(min_value=0))
def test_a_body_that_was_changed_does_not(body: bytes, place: int) -> None:
    text = base64.b64encode(body).decode()
    changed = bytearray(text.encode())
    changed[place % len(changed)] ^= 1
    assert not known(sent(text, SECRET), bytes(changed))


@pytest.mark.parametrize(
    ("late_s", "is_known"),
    [(0, True), (TOLERANCE_S, True), (-TOLERANCE_S, True), (301, False), (-301, False)],
)
def test_a_message_is_taken_for_five_minutes(late_s: int, is_known: bool) -> None:
    headers = sent("{}", SECRET, at=NOW - timedelta(seconds=late_s))
    assert known(headers, b"{}") is is_known


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("svix-id", ""),
        ("svix-id", "msg_2"),
        ("svix-id", "msg.1"),
        ("svix-id", "m" * 300),
        ("svix-timestamp", ""),
        ("svix-timestamp", "now"),
        ("svix-timestamp", "1" * 20),
        ("svix-timestamp", "-5"),
        ("svix-signature", ""),
        ("svix-signature", "v1"),
        ("svix-signature", "v1,"),
        ("svix-signature", "v1,\xe9"),
    ],
)
def test_headers_that_nobody_signed_do_not(name: str, value: str) -> None:
    assert not known({**sent("{}", SECRET), name: value}, b"{}")


def test_a_signature_of_another_scheme_does_not() -> None:
    headers = sent("{}", SECRET)
    headers["svix-signature"] = headers["svix-signature"].replace("v1,", "v1a,")
    assert not known(headers, b"{}")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_short", "whsec_*" + "a" * 40, "a" * 300])
def test_what_is_no_secret_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(AuditError, match="no secret of a webhook") as caught:
        key_of(secret)
    assert not secret or secret not in f"{caught.value.message} {caught.value.hint}".replace(
        "whsec_.", ""
    )
