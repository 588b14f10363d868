"""A time-stamping authority: `openssl ts` with a root of its own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.receiver import Answer

_CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[stamping]
extendedKeyUsage = critical,timeStamping
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_chain = no
"""


@dataclass(frozen=True)
class Authority:
    """An authority whose files are in a folder."""

    folder: Path

    @property
    def root(self) -> Path:
        """Its root certificate, PEM."""
        return self.folder / "root.pem"

    def answer(self, query: bytes) -> Answer:
        """The answer to a request by HTTP."""
        reply = self.stamp(query)
        return 200, {"content-type": "application/timestamp-reply"}, reply

    def stamp(self, query: bytes) -> bytes:
        """The reply to a query, both DER."""
        (self.folder / "query.tsq").write_bytes(query)
        _openssl(
            *("ts", "-reply", "-config", "openssl.cnf", "-section", "tsa"),
            *("-queryfile", "query.tsq", "-out", "reply.tsr"),
            folder=self.folder,
        )
        return (self.folder / "reply.tsr").read_bytes()


def new_authority(folder: Path, name: str = "Test authority") -> Authority:
    """Make one in an empty folder."""
    config = _CONFIG.format(folder=folder, name=name)
    (folder / "openssl.cnf").write_text(config)
    (folder / "serial").write_text("01\n")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    new_key = ("req", "-config", "openssl.cnf", *curve, "-nodes")
    _openssl(
        *(*new_key, "-x509", "-days", "30", "-extensions", "root"),
        *("-keyout", "root.key", "-out", "root.pem"),
        folder=folder,
    )
    _openssl(
        *new_key, "-subj", "/CN=Stamps", "-keyout", "tsa.key", "-out", "tsa.csr", folder=folder
    )
    _openssl(
        *("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key"),
        *("-CAcreateserial", "-days", "30", "-extfile", "openssl.cnf", "-extensions", "stamping"),
        *("-out", "tsa.pem"),
        folder=folder,
    )
    return Authority(folder)


def _openssl(*arguments: str, folder: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
