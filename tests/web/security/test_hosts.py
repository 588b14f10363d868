import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from audit_core.domain.errors import AuditError, SettingsError
from audit_core.runtime.settings import Settings, read_settings
from audit_core.web.errors import ErrorCode
from audit_core.web.security.forwarded import TrustedProxies
from audit_core.web.security.gate import Gate
from audit_core.web.security.hosts import KnownHosts
from tests.support.error_shape import code_of
from tests.web.conftest import echo, stream

KNOWN = KnownHosts(names=("audit.example.org", "*.internal"), own=frozenset({"box"}))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8501",
        "app.localhost:8501",
        "127.0.0.1:8501",
        "192.168.1.7",
        "[::1]:8501",
        "box:8501",
        "audit.example.org",
        "Audit.Example.org.:443",
        "log.internal",
    ],
)
def test_names_of_ours_and_addresses_are_answered(host: str) -> None:
    assert KNOWN.allows(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8501",
        "audit.example.org.evil.example",
        "internal",
        "notlocalhost",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "audit.example.org@evil.example",
        "audit.example.org/",
        "audit.example.org:port",
        "[::1",
    ],
)
def test_any_other_name_is_not(host: str | None) -> None:
    assert not KNOWN.allows(host)


@given(st.text(max_size=30))
def test_no_text_is_more_than_refused(host: str) -> None:
    assert KNOWN.allows(host) in (True, False)


def client(known: KnownHosts, *proxies: str, host: str) -> TestClient:
    def no_installation() -> None:
        raise AuditError("There is none.", "None is needed.")

    settings = Settings(trusted_proxies=",".join(proxies))
    app = Starlette(
        routes=[WebSocketRoute("/_stcore/stream", stream), Route("/{rest:path}", echo)],
        middleware=[
            Middleware(
                Gate,
                installation=no_installation,
                hosts=known,
                proxies=TrustedProxies(networks=settings.trusted_proxies),
            )
        ],
    )
    return TestClient(app, base_url=f"http://{host}", client=("10.0.0.1", 5000))


def test_a_request_for_a_strange_name_is_refused_with_a_sentence() -> None:
    answer = client(KNOWN, host="evil.example").get("/")
    assert answer.status_code == 400
    assert code_of(answer) is ErrorCode.UNKNOWN_HOST
    assert "SANDTRAIL_HOSTS" in answer.json()["hint"]
    assert "content-security-policy" in answer.headers
    assert client(KNOWN, host="audit.example.org").get("/").status_code == 200


def test_a_socket_for_a_strange_name_is_refused_though_its_origin_is_the_same() -> None:
    headers = {"origin": "http://evil.example"}
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client(KNOWN, host="evil.example").websocket_connect("/_stcore/stream", headers=headers),
    ):
        pass
    assert refused.value.code == 1008


def test_a_trusted_proxy_answers_for_the_names_that_it_passes_on() -> None:
    assert client(KNOWN, "10.0.0.0/8", host="other.example").get("/").status_code == 200
    assert client(KNOWN, "10.9.0.0/16", host="other.example").get("/").status_code == 400


def test_names_are_set_with_commas_and_a_wrong_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDTRAIL_HOSTS", " Audit.example.org, *.internal ,")
    assert read_settings().hosts == ("audit.example.org", "*.internal")
    monkeypatch.setenv("SANDTRAIL_HOSTS", "https://audit.example.org")
    with pytest.raises(SettingsError, match="without scheme and port"):
        read_settings()
