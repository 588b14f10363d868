"""Whoever names an address cannot send this server to where only this server can go."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.runtime.outgoing.policy import OutgoingPolicy, OutgoingRefused
from tests.support.laws import law

CLOSED = (
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2001:0:7f00:1::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
)
OPEN = ("8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::808:808", "2606:4700:4700::1111")


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(OutgoingRefused, match=r"^host\.example leads") as refusal:
        OutgoingPolicy().require("host.example", address, encrypted=True)
    assert address not in str(refusal.value)


@pytest.mark.parametrize("address", OPEN)
def test_what_is_public_is_reached_by_https_only(address: str) -> None:
    OutgoingPolicy().require("host.example", address, encrypted=True)
    with pytest.raises(OutgoingRefused, match="without encryption"):
        OutgoingPolicy().require("host.example", address, encrypted=False)


@law(200)
@given(address=st.ip_addresses(v=4), encrypted=st.booleans())
def test_an_address_is_the_same_in_every_spelling(address: IPv4Address, encrypted: bool) -> None:
    policy = OutgoingPolicy(networks=(ip_network("10.0.0.0/8"),))

    def refused(text: str) -> bool:
        try:
            policy.require("h", text, encrypted=encrypted)
        except OutgoingRefused:
            return True
        return False

    translated = IPv6Address(int(IPv6Address("64:ff9b::")) + int(address))
    spellings = (str(address), f"::ffff:{address}", str(translated))
    assert len({refused(text) for text in spellings}) == 1
    if address in IPv4Network("10.0.0.0/8"):
        assert not refused(str(address))
    elif not address.is_global or not encrypted:
        assert refused(str(address))


def test_the_operator_names_what_may_be_reached_besides() -> None:
    policy = OutgoingPolicy(networks=(ip_network("10.0.3.0/24"), ip_network("::1")))
    for address in ("10.0.3.7", "::1", "::ffff:10.0.3.7"):
        policy.require("h", address, encrypted=False)
    for address in ("10.0.4.7", "127.0.0.1"):
        with pytest.raises(OutgoingRefused):
            policy.require("h", address, encrypted=True)
    policy.require_scheme("h", "http")
    with pytest.raises(OutgoingRefused):
        OutgoingPolicy().require_scheme("h", "http")
