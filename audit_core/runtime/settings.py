"""The settings: environment variables with the prefix SANDTRAIL_, read once by the roots."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from audit_core.domain.errors import SettingsError

Network = IPv4Network | IPv6Network
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")


class ForwardedHeader(StrEnum):
    """The header in which proxies say where a request came from."""

    X_FORWARDED_FOR = "x-forwarded-for"
    FORWARDED = "forwarded"


def _networks(value: object) -> object:
    """The networks in a list with commas; a single address is a network of one."""
    if not isinstance(value, str):
        return value
    return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())


def _base_path(value: object) -> object:
    """A path with one slash before it and none behind it."""
    if not isinstance(value, str) or not value.strip("/"):
        return "" if value == "/" else value
    path = value.strip("/")
    if not all(_SEGMENT.fullmatch(part) and part.strip(".") for part in path.split("/")):
        raise ValueError("must be a path such as /audit, of letters, digits and . _ ~ -")
    return f"/{path}"


_HOST = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:]+")


def _hosts(value: object) -> object:
    """The names in a list with commas, in lower case; `*.example.org` is every name below it."""
    if not isinstance(value, str):
        return value
    names = tuple(part.strip().lower().strip("[]") for part in value.split(",") if part.strip())
    if wrong := [name for name in names if not _HOST.fullmatch(name)]:
        raise ValueError(f"{wrong[0]!r} is no name of a host; give it without scheme and port")
    return names


def _items(value: object) -> object:
    """The texts in a list with commas."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


Items = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_items)]


class MailSecurity(StrEnum):
    """How the connection to a mail server is encrypted."""

    STARTTLS = "starttls"
    """It is begun in the open, and given up unless it can be encrypted."""
    TLS = "tls"
    NONE = "none"


def _public_url(value: object) -> object:
    """An address without a slash at its end."""
    if not isinstance(value, str) or not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://audit.example.org")
    return value.rstrip("/")


class Settings(BaseSettings):
    """What an operator can set. Each field is the variable SANDTRAIL_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="SANDTRAIL_", frozen=True, extra="ignore")

    log_url: str = "duckdb:///data/log.duckdb"
    """SQLAlchemy URL of the log; a relative path starts at the working directory."""
    state_url: str = "sqlite:///data/state.sqlite"
    """SQLAlchemy URL of the state."""
    key_file: Path = Path("data/secret.key")
    """Where the signing key lies; made at first start with mode 0600."""
    demo: bool = True
    """Whether an empty log is filled with the demo organizations at first start."""
    demo_entries: int = Field(default=200_000, ge=1_000, le=50_000_000)
    demo_seed: int = 7
    base_path: Annotated[str, BeforeValidator(_base_path)] = ""
    """Below which path of its host people reach the app: empty for the whole host, else a path
    that begins with a slash and ends without one, such as `/audit`."""
    secure_cookie: bool = False
    """Set to 1 when the app is reached by HTTPS: the session cookie then never goes over HTTP."""
    hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_hosts)] = ()
    """The names by which people reach the app, with commas in between; addresses, `localhost`,
    the machine's own name, and whatever a trusted proxy passes on, need not be named."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = ()
    """The proxies whose forwarding header is believed, as addresses or networks with commas in
    between; empty, nobody's is, not even that of this machine."""
    forwarded_header: ForwardedHeader = ForwardedHeader.X_FORWARDED_FOR
    """The header that these proxies set; the other one is never read."""
    outgoing_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = ()
    """Where addresses that admins give on a page (of sources) may lead besides public ones, as
    addresses or networks with commas in between; there HTTP will do, everywhere else it is
    HTTPS."""
    public_url: Annotated[str, BeforeValidator(_public_url)] = ""
    """How people reach the app, such as `https://audit.example.org/audit`, for links in messages;
    empty: messages have none."""
    smtp_host: str = ""
    """The mail server that e-mails are handed to; empty: none are sent."""
    smtp_port: int = Field(default=587, ge=1, le=65_535)
    smtp_security: MailSecurity = MailSecurity.STARTTLS
    """How the connection to it is encrypted."""
    smtp_user: str = ""
    """Empty: it asks for no password."""
    smtp_password: SecretStr | None = None
    smtp_from: str = ""
    """The address that e-mails come from; needed where a mail server is named."""
    anchor_folders: Items = ()
    """Folders outside of this machine's disks, such as mounted buckets, that keep a copy of each
    organization's checkpoints, with commas in between."""
    anchor_webhooks: Items = ()
    """Addresses that checkpoints are posted to, with commas in between."""
    anchor_time_stamps: Items = ()
    """Addresses of time-stamping authorities (RFC 3161), with commas in between."""
    anchor_witnesses: Items = ()
    """Witnesses by the protocol tlog-witness, with commas in between: each the address, a space,
    and the witness's verifier key."""
    anchor_minutes: int = Field(default=5, ge=1, le=1_440)
    """How often an organization's newest checkpoint goes to folders, webhooks and witnesses, at
    most."""
    time_stamp_minutes: int = Field(default=60, ge=1, le=10_080)
    """How often one goes to a time-stamping authority, at most."""
    time_stamp_roots: Path | None = None
    """A file of the root certificates (PEM) that time stamps are checked against as they come;
    unset, they are kept as they came."""
    anchor_lag_minutes: int = Field(default=180, ge=1, le=43_200)
    """By how much the newest checkpoint that is kept outside may be older than the newest one
    here before it is warned of."""
    session_hours: int = Field(default=12, ge=1, le=720)
    """When a session ends, however much it is used."""
    session_idle_minutes: int = Field(default=120, ge=1, le=43_200)
    """When a session ends that nobody uses. What Real-time asks by itself is no use."""
    query_timeout_s: float = Field(default=30.0, gt=0, le=3600)
    memory_limit_mb: int = Field(default=1024, ge=256)
    """What DuckDB's buffers may hold; plan 700 MB more for the process."""
    retention_days: int | None = Field(default=None, ge=1)
    """Months that lie wholly further back are dropped; unset, everything is kept."""
    silent_failure_minutes: float = Field(default=8.0, gt=0, le=120)
    """Within how many minutes after a start that was answered well the next start, recover or
    delete without any use in between makes it a suspected failure."""
    silent_failure_delete_s: float = Field(default=60.0, ge=0, le=3600)
    """A delete that comes sooner than this was planned, and makes nothing suspected."""
    free_space_floor_mb: int = Field(default=256, ge=0)
    """Below this much free space on the log's disk no entries are accepted, and on the upload
    folder's disk no files."""
    upload_folder: Path | None = None
    """Where files from the page wait to be stored; unset, the folder `uploads` beside the key."""
    upload_person_mb: int = Field(default=1_000, ge=1)
    """How much one person may have waiting there."""
    upload_total_mb: int = Field(default=4_000, ge=1)
    """How much all people together may."""
    exports_dir: Path | None = None
    """Where the files of exports lie; unset, the folder `exports` beside the key. Processes that
    share a state share it."""
    export_folder: Path | None = None
    """The folder to which schedules may hand their files; unset, to none."""
    export_max_entries: int | None = Field(default=None, ge=1)
    """Where an export ends, though more matched; unset, all of it is written."""
    export_max_mb: int | None = Field(default=None, ge=1)
    """How large an export gets before it ends."""

    def with_memory(self, most_mb: int) -> Settings:
        """The same with `most_mb` for DuckDB's buffers, if there was more."""
        return self.model_copy(update={"memory_limit_mb": min(self.memory_limit_mb, most_mb)})


def read_settings() -> Settings:
    """The settings of this process.

    Raises `SettingsError` naming each variable that does not fit, and its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"SANDTRAIL_{'_'.join(str(part) for part in problem['loc']).upper()}"
            f"={problem['input']!r}: {problem['msg']}"
            for problem in error.errors()
        )
        raise SettingsError(
            f"The settings cannot be read: {problems}.",
            "Correct or unset the variable; docs/settings.md lists all of them.",
        ) from error
