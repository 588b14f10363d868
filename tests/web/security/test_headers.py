import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.web.security.headers import (
    content_security_policy,
    inline_script_hashes,
    security_headers,
)
from tests.support.laws import law


def test_the_policy_allows_own_scripts_and_the_own_websocket_only() -> None:
    policy = content_security_policy("audit.example:8501")
    assert policy.split("; ") == [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws://audit.example:8501 wss://audit.example:8501",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ]


@law(300)
@given(st.text(max_size=30) | st.none())
def test_no_host_header_adds_a_directive_or_a_source(host: str | None) -> None:
    policy = content_security_policy(host)
    assert len(policy.split(";")) == 11
    assert "*" not in policy
    assert "\r" not in policy
    assert "\n" not in policy


@pytest.mark.parametrize("host", ["a b", "a;script-src *", "*", "a/b", "", "a\r\nb", "a:99999999"])
def test_a_strange_host_adds_no_socket(host: str) -> None:
    assert "connect-src 'self';" in content_security_policy(host)


def test_an_inline_script_of_the_page_is_allowed_by_its_hash() -> None:
    script = "\n  window.x = false\n"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = f"<script src='a.js'></script><script>{script}</script>"
    hashes = inline_script_hashes(page)
    assert hashes == (f"sha256-{digest}",)
    assert f"script-src 'self' 'sha256-{digest}';" in content_security_policy("a", hashes)


def test_the_api_is_never_cached_and_https_is_made_to_stay() -> None:
    page = dict(security_headers(host="a", path="/", secure=False))
    api = dict(security_headers(host="a", path="/api/health", secure=True))
    assert "cache-control" not in page
    assert "strict-transport-security" not in page
    assert api["cache-control"] == "no-store"
    assert "strict-transport-security" in api
    for headers in (page, api):
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
