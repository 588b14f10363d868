from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from audit_core.domain.errors import SettingsError
from audit_core.runtime.settings import ForwardedHeader, Settings, read_settings
from audit_core.web.security.forwarded import (
    Client,
    TrustedProxies,
    client_of,
    parse_address,
    with_client,
)

PROXIES = ("10.0.0.0/8", "127.0.0.1", "fd00::/8")
TRUSTED = TrustedProxies(networks=tuple(ip_network(text) for text in PROXIES))
FORWARDED = TrustedProxies(networks=TRUSTED.networks, header=ForwardedHeader.FORWARDED)
CLIENTS = ("203.0.113.9", "2001:db8::1")

proxies = st.sampled_from(("10.0.0.1", "10.9.9.9", "127.0.0.1", "fd00::1"))
sent = st.text(alphabet='0123456789abcdef.:, []"unk;=', max_size=60)


def headers(*lines: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.encode(), value.encode("latin-1")) for name, value in lines])


@given(client=st.sampled_from(CLIENTS), junk=st.lists(sent, max_size=3), hops=st.lists(proxies))
def test_whatever_a_client_sends_the_address_is_the_one_that_the_first_proxy_saw(
    client: str, junk: list[str], hops: list[str]
) -> None:
    # Each proxy appends the address that it saw, in the last line.
    appended = ", ".join([client, *hops])
    lines = [("x-forwarded-for", line) for line in (*junk, appended)]
    assert client_of("10.0.0.7", headers(*lines), TRUSTED).address == client


@given(client=st.sampled_from(CLIENTS), junk=st.lists(sent, max_size=3), hops=st.lists(proxies))
def test_the_same_of_the_standard_header(client: str, junk: list[str], hops: list[str]) -> None:
    seen = [f'for="[{hop}]:4711";proto=http' if ":" in hop else f"for={hop}" for hop in hops]
    first = f'by=10.0.0.1;For="[{client}]"' if ":" in client else f"FOR={client};proto=https"
    lines = [("forwarded", line) for line in (*junk, ", ".join([first, *seen]))]
    assert client_of("10.0.0.7", headers(*lines), FORWARDED).address == client


@given(peer=st.sampled_from((*CLIENTS, "127.0.0.2", "testclient")), line=sent)
def test_nobody_else_is_believed(peer: str, line: str) -> None:
    told = headers(
        ("x-forwarded-for", line), ("forwarded", f"for={line}"), ("x-forwarded-proto", "https")
    )
    assert client_of(peer, told, TRUSTED) == Client(address=peer)
    for nearby in ("127.0.0.1", "::1", "10.0.0.1"):
        assert client_of(nearby, told, TrustedProxies()) == Client(address=nearby)


def test_only_the_header_that_the_proxies_set_is_read() -> None:
    told = headers(("forwarded", "for=192.0.2.1;proto=https"), ("x-forwarded-for", "203.0.113.9"))
    assert client_of("10.0.0.1", told, TRUSTED) == Client(address="203.0.113.9")
    assert client_of("10.0.0.1", told, FORWARDED) == Client(address="192.0.2.1", scheme="https")


@pytest.mark.parametrize("hop", ["unknown", "_hidden", "", "203.0.113.9.evil"])
def test_where_a_proxy_does_not_know_the_address_is_that_proxys(hop: str) -> None:
    told = headers(("x-forwarded-for", f"203.0.113.9, {hop}, 10.0.0.2"))
    assert client_of("10.0.0.1", told, TRUSTED).address == "10.0.0.2"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9:4711 ", "203.0.113.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("[", "None"),
        ("1:2", "None"),
        ("example.com", "None"),
    ],
)
def test_addresses_are_read_however_they_are_written(text: str, address: str) -> None:
    assert str(parse_address(text)) == address


def test_a_proxy_says_the_scheme_and_a_websocket_keeps_its_kind() -> None:
    for kind, scheme in (("http", "https"), ("websocket", "wss")):
        scope = {
            "type": kind,
            "client": ("127.0.0.1", 5),
            "scheme": "http" if kind == "http" else "ws",
            "headers": [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-proto", b"https")],
        }
        changed = with_client(scope, TRUSTED)
        assert (changed["client"][0], changed["scheme"]) == ("203.0.113.9", scheme)
        assert with_client(scope, TrustedProxies()) == scope
    assert with_client({"type": "http", "client": None, "headers": []}, TRUSTED)["client"] is None


@pytest.mark.parametrize("value", ["nginx", "10.0.0.1/8", "10.0.0.1,,10.0.0.2/40"])
def test_what_names_no_network_is_refused_with_the_value(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SANDTRAIL_TRUSTED_PROXIES", value)
    with pytest.raises(SettingsError, match="SANDTRAIL_TRUSTED_PROXIES="):
        read_settings()


def test_proxies_are_named_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().trusted_proxies == ()
    monkeypatch.setenv("SANDTRAIL_TRUSTED_PROXIES", " 127.0.0.1, 10.0.0.0/8 ,fd00::/8,")
    assert {str(network) for network in Settings().trusted_proxies} == {
        "127.0.0.1/32",
        "10.0.0.0/8",
        "fd00::/8",
    }
