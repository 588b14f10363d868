"""The proxies of docs/examples, run for real in front of real apps."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.app_process import ROOT, free_port

EXAMPLES = ROOT / "docs" / "examples"
UP_WITHIN_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A proxy that runs."""

    url: str
    port: int
    certificate: Path
    """What its certificate is checked against."""

    @property
    def trust(self) -> ssl.SSLContext:
        """The same for clients in Python."""
        return ssl.create_default_context(cafile=str(self.certificate))


def require(*programs: str) -> None:
    """Skip the test where one of the programs is not installed, but fail it where it must be."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    reason = f"There is no {' and no '.join(missing)} on PATH; on Debian: apt-get install them"
    if os.environ.get("SANDTRAIL_REQUIRE_PROXIES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def installed(program: str) -> bool:
    """Whether a proxy can be run here, with a certificate of ours. Fails where it must be there."""
    missing = shutil.which(program) is None or shutil.which("openssl") is None
    if missing and os.environ.get("SANDTRAIL_REQUIRE_PROXIES") == "1":
        pytest.fail(f"There is no {program} or no openssl on PATH")
    return not missing


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and localhost, and its key."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    if not certificate.exists():
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        )
        subprocess.run(
            [
                *command.split(),
                *("-subj", "/CN=localhost"),
                *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
                *("-keyout", str(key), "-out", str(certificate)),
            ],
            check=True,
            capture_output=True,
        )
    return certificate, key


Change = Callable[[str], str]


@contextmanager
def nginx(folder: Path, apps: Sequence[int], *, change: Change = str) -> Iterator[Proxy]:
    """nginx by its example, in front of the apps at these ports; `change` alters the example."""
    require("nginx", "openssl")
    certificate, key = make_certificate(folder)
    port = free_port()
    servers = "\n".join(f"server 127.0.0.1:{item} max_fails=1 fail_timeout=5s;" for item in apps)
    site = change((EXAMPLES / "nginx.conf").read_text(encoding="utf-8"))
    site = _replaced(site, "server 127.0.0.1:8501 max_fails=1 fail_timeout=5s;", servers)
    site = _replaced(site, "listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
    site = _replaced(site, "server_name audit.example.org;", "server_name _;")
    site = _replaced(site, "/etc/ssl/sandtrail.crt", str(certificate))
    site = _replaced(site, "/etc/ssl/sandtrail.key", str(key))
    temporary = " ".join(
        f"{kind}_temp_path {folder / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / f"nginx-{port}.conf"
    main.write_text(
        f"daemon off; pid {folder / f'nginx-{port}.pid'}; error_log stderr warn;\n"
        "worker_processes 1; events {}\n"
        f"http {{ access_log off; {temporary}\n{site}\n}}\n",
        encoding="utf-8",
    )
    with _running(
        ["nginx", "-p", str(folder), "-c", str(main)], folder, port, certificate
    ) as proxy:
        yield proxy


@contextmanager
def caddy(folder: Path, apps: Sequence[int], *, change: Change = str) -> Iterator[Proxy]:
    """Caddy by its example, with a certificate of ours in place of one that it would fetch."""
    require("caddy", "openssl")
    certificate, key = make_certificate(folder)
    port = free_port()
    site = change((EXAMPLES / "Caddyfile").read_text(encoding="utf-8"))
    site = _replaced(
        site, "audit.example.org {", f"https://127.0.0.1:{port} {{\n\ttls {certificate} {key}"
    )
    site = _replaced(site, "127.0.0.1:8501", " ".join(f"127.0.0.1:{item}" for item in apps))
    main = folder / f"Caddyfile-{port}"
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
    main.write_text(options + site, encoding="utf-8")
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(main)]
    with _running(command, folder, port, certificate) as proxy:
        yield proxy


@contextmanager
def haproxy(folder: Path, apps: Sequence[int], *, change: Change = str) -> Iterator[Proxy]:
    """HAProxy by its example."""
    require("haproxy", "openssl")
    certificate, key = make_certificate(folder)
    both = folder / "tls.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    port = free_port()
    site = change((EXAMPLES / "haproxy.cfg").read_text(encoding="utf-8"))
    site = _replaced(
        site, "bind :443 ssl crt /etc/ssl/sandtrail.pem", f"bind 127.0.0.1:{port} ssl crt {both}"
    )
    servers = "\n".join(f"    server s{item} 127.0.0.1:{item} cookie s{item}" for item in apps)
    site = _replaced(site, "    server one 127.0.0.1:8501 cookie one", servers)
    main = folder / f"haproxy-{port}.cfg"
    main.write_text(site, encoding="utf-8")
    with _running(["haproxy", "-db", "-f", str(main)], folder, port, certificate) as proxy:
        yield proxy


PROXIES = {"nginx": nginx, "caddy": caddy, "haproxy": haproxy}


def below(path: str) -> Change:
    """The example of nginx, for an app below a path of the host."""
    return lambda site: _replaced(site, "location / {", f"location {path}/ {{")


def without(setting: str) -> Change:
    """An example without the lines that begin with a setting."""

    def change(site: str) -> str:
        return re.sub(rf"(?m)^\s*{re.escape(setting)}.*$", "", site)

    return change


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text, f"the example no longer holds {old!r}"
    return text.replace(old, new)


@contextmanager
def _running(command: list[str], folder: Path, port: int, certificate: Path) -> Iterator[Proxy]:
    log = folder / f"proxy-{port}.log"
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **home}
        )
    proxy = Proxy(url=f"https://127.0.0.1:{port}", port=port, certificate=certificate)
    try:
        _wait(process, proxy, log)
        yield proxy
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], proxy: Proxy, log: Path) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    with httpx.Client(verify=proxy.trust, timeout=5) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.get(f"{proxy.url}/api/health")
                return
            except httpx.TransportError:
                time.sleep(0.05)
    raise RuntimeError(f"The proxy did not come up:\n{log.read_text(errors='replace')[-3000:]}")
