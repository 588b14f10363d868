"""Connections go where they were checked, whatever a name means a moment later."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from urllib3.exceptions import NameResolutionError, SSLError

from audit_core.runtime.outgoing.connections import guard
from audit_core.runtime.outgoing.policy import OutgoingPolicy, OutgoingRefused

NAME = "daytona.example"
OWN = OutgoingPolicy(networks=(ip_network("127.0.0.1/32"),))


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.asked += 1  # type: ignore[attr-defined]
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not at the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = 0  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def meanings(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What `NAME` resolves to, the first time, the second time, …; the last for ever."""
    meanings: list[list[str]] = []
    resolve = socket.getaddrinfo

    def resolved(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host != NAME:
            return resolve(host, port, *args, **kwargs)
        found = meanings.pop(0) if len(meanings) > 1 else meanings[0]
        return [answer for address in found for answer in resolve(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return meanings


def ask(server: ThreadingHTTPServer, policy: OutgoingPolicy, host: str = NAME) -> int:
    manager = urllib3.PoolManager(retries=False)
    guard(manager, policy)
    return manager.request("GET", f"http://{host}:{server.server_port}/").status


def test_a_name_that_means_another_address_a_moment_later_gets_nobody_further(
    server: ThreadingHTTPServer, meanings: list[list[str]]
) -> None:
    meanings += [["127.0.0.1"], ["127.0.0.2"]]
    assert ask(server, OWN) == 200
    assert meanings == [["127.0.0.2"]], "it was resolved once"
    with pytest.raises(OutgoingRefused):
        ask(server, OWN)
    assert server.asked == 1  # type: ignore[attr-defined]


def test_one_closed_address_among_a_host_s_is_enough(
    server: ThreadingHTTPServer, meanings: list[list[str]]
) -> None:
    meanings += [["127.0.0.1", "127.0.0.2"]]
    with pytest.raises(OutgoingRefused):
        ask(server, OWN)
    assert server.asked == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "0"])
def test_loopback_is_closed_in_every_spelling(server: ThreadingHTTPServer, host: str) -> None:
    with pytest.raises((OutgoingRefused, NameResolutionError)):
        ask(server, OutgoingPolicy(), host)
    assert server.asked == 0  # type: ignore[attr-defined]


def certificate(folder: Path, name: str) -> Path:
    """A file with a key and a certificate of a name, which signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, SHA256())
    )
    file = folder / f"{name}.pem"
    encoded = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(encoded + signed.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize(("of", "fits"), [(NAME, True), ("other.example", False)])
def test_a_certificate_has_to_be_that_of_the_name_though_the_address_is_connected_to(
    server: ThreadingHTTPServer, meanings: list[list[str]], tmp_path: Path, of: str, fits: bool
) -> None:
    meanings += [["127.0.0.1"]]
    file = certificate(tmp_path, of)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    manager = urllib3.PoolManager(retries=False, ca_certs=str(file))
    guard(manager, OWN)
    url = f"https://{NAME}:{server.server_port}/"
    if fits:
        assert manager.request("GET", url).status == 200
    else:
        with pytest.raises(SSLError, match="mismatch"):
            manager.request("GET", url)
