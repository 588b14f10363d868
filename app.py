"""The composition root of the app: `streamlit run app.py` is the whole product."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from audit_core.detect.watching.watcher import Watcher
from audit_core.domain.errors import AuditError
from audit_core.domain.terminal_text import make_logs_printable, printable_lines
from audit_core.evidence.erasures.runner import RunningErasures
from audit_core.evidence.jobs.runner import RunningExports
from audit_core.evidence.schedules.runner import ScheduledExports
from audit_core.installation.anchors import start_anchoring
from audit_core.installation.notifications import digest_of_alerts
from audit_core.installation.opened import drop_ended_uploads, expire_access_record
from audit_core.installation.readiness import NO_ACCOUNTS, state_was_lost
from audit_core.integrity.anchors.anchoring import Anchoring
from audit_core.integrity.sealer import Sealer
from audit_core.integrity.verification.verifier import Verifier
from audit_core.log.retention import Retention
from audit_core.notify.delivery.running import RunningNotifications
from audit_core.notify.digests.running import RunningDigests
from audit_core.runtime.settings import Settings, read_settings
from audit_core.simulator.running import RunningTrickle
from audit_core.sources.following import FollowedSources
from audit_core.sources.watching.feeds import rule_feeds
from audit_core.state.access_log.record import list_events
from audit_core.web.app_routes import routes
from audit_core.web.base_path import BasePath
from audit_core.web.client_log import throttle_client_lines
from audit_core.web.error_response import EXCEPTION_HANDLERS, ErrorShape
from audit_core.web.framing import FramedOnly
from audit_core.web.limits.connections import limit_connections
from audit_core.web.metrics.exposition import Metrics
from audit_core.web.metrics.requests import MeasuredRequests
from audit_core.web.routes.page import WatchedPage, page_routes
from audit_core.web.security.forwarded import TrustedProxies
from audit_core.web.security.gate import Gate
from audit_core.web.security.headers import inline_script_hashes
from audit_core.web.security.hosts import KnownHosts
from audit_core.web.server_options import leave_peers_as_they_are, wrong_options
from audit_core.web.stopping import bounded_stop, running_server
from pages.parts.shell import back_messages, error_boundary, opened
from pages.parts.shell.app_address import PATHS
from sandtrail import ASSETS

HOME = Path(__file__).resolve().parent
Feed = (
    RunningTrickle
    | FollowedSources
    | ScheduledExports
    | RunningExports
    | RunningErasures
    | RunningNotifications
    | RunningDigests
    | Sealer
    | Verifier
    | Watcher
    | Anchoring
)
DAY_S = 24 * 60 * 60
SWEEP_S = 60

# The databases are for their owner only, also those files that an engine makes later.
os.umask(0o077)


def start() -> list[Feed]:
    """Open the product and what works by itself: the sources, the exports, the erasures, the
    rules, the sealing of the log, the anchors of checkpoints, and a trickle if the log is the
    demo."""
    installation = opened.installation()
    if installation.log.loss is not None:
        tell(installation.log.loss.error())
    if state_was_lost(installation):
        print(NO_ACCOUNTS, file=sys.stderr)  # noqa: T201
    with installation.state.read() as connection:
        loaded = list_events(connection, organization_id=None, verb="demo.loaded", limit=1)
    feeds: list[Feed] = [
        FollowedSources(installation),
        ScheduledExports(installation.export_calendar),
        RunningExports(installation.exports, shared_log=installation.log.shared),
        RunningErasures(installation.erasures),
    ]
    try:
        tools = installation.notifications
    except AuditError as error:
        tell(error)
    else:
        shared = installation.log.shared
        feeds.append(RunningNotifications(tools, shared_log=shared))
        feeds.append(RunningDigests(tools, digest_of_alerts, shared_log=shared))
    try:
        feeds.append(start_anchoring(installation))
    except AuditError as error:
        tell(error)
    if loaded and installation.settings.demo:
        seed = installation.settings.demo_seed
        feeds.append(RunningTrickle(installation.log.append, installation.clock, seed=seed))
    feeds.append(
        Verifier(
            log=installation.log,
            state=installation.state,
            trees=installation.trees,
            clock=installation.clock,
            retention=Retention(days=installation.settings.retention_days),
        )
    )
    feeds.append(
        Watcher(
            log=installation.log,
            state=installation.state,
            clock=installation.clock,
            feeds=rule_feeds(),
        )
    )
    # Stopped last: it may still seal what the others append.
    feeds.append(
        Sealer(
            log=installation.log,
            state=installation.state,
            trees=installation.trees,
            clock=installation.clock,
        )
    )
    return feeds


def page_hashes() -> tuple[str, ...]:
    """The inline scripts of the page that Streamlit serves, for the content security policy."""
    page = Path(st.__file__).parent / "static" / "index.html"
    return inline_script_hashes(page.read_text(encoding="utf-8"))


def gate_settings() -> Settings:
    """The settings, or the defaults where they cannot be read: that is told elsewhere."""
    try:
        return read_settings()
    except AuditError:
        return Settings.model_construct()


def own_names() -> frozenset[str]:
    """The names of this machine, and the one that the server was told to listen at."""
    names = {socket.gethostname(), st.get_option("server.address") or ""}
    return frozenset(name.lower() for name in names if name)


async def to_root(request: Request) -> RedirectResponse:
    """The default page has the address "/" only; its own name leads there, query and all."""
    query = request.url.query
    return RedirectResponse(f"/?{query}" if query else "/")


async def expire_daily() -> None:
    """Lets the access record go as far back as entries do, also where nothing is restarted."""
    while True:
        await asyncio.sleep(DAY_S)
        try:
            await asyncio.to_thread(lambda: expire_access_record(opened.installation()))
        except AuditError as error:
            tell(error)


async def sweep_uploads() -> None:
    """Removes the uploaded files of sessions that have ended, and what is too old."""
    while True:
        await asyncio.sleep(SWEEP_S)
        try:
            await asyncio.to_thread(lambda: drop_ended_uploads(opened.installation()))
        except AuditError as error:
            tell(error)


def tell(error: AuditError) -> None:
    """The error at the terminal, for the operator."""
    print(printable_lines(f"{error.message}\n{error.hint}"), file=sys.stderr)  # noqa: T201


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Opens the product before the first request, closes it after the last.

    While it cannot be opened the app runs all the same, and says why on every page.
    """
    # First: the server is found by its handler of signals, which the next one replaces.
    if (server := running_server()) is not None:
        connections = limit_connections(server.config, trusted=proxies)
        if connections is not None:
            metrics.connections = lambda: connections.count
    with bounded_stop():
        feeds: list[Feed] = []
        try:
            feeds = await asyncio.to_thread(start)
        except AuditError as error:
            tell(error)
        chores = [asyncio.create_task(chore()) for chore in (expire_daily, sweep_uploads)]
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            for feed in feeds:
                await asyncio.to_thread(feed.stop)
            client_lines.summarize(all_now=True)
            await asyncio.to_thread(opened.installation.close)


leave_peers_as_they_are()
make_logs_printable()
client_lines = throttle_client_lines()
settings = gate_settings()
proxies = TrustedProxies(networks=settings.trusted_proxies, header=settings.forwarded_header)
metrics = Metrics(opened.installation)

app = st.App(
    HOME / "pages" / "main.py",
    lifespan=lifespan,
    routes=[
        *page_routes(ASSETS / "connection.js", ASSETS / "icon.svg"),
        *routes(opened.installation, metrics),
        Route("/overview", to_root),
    ],
    middleware=[
        Middleware(BasePath, path=settings.base_path),
        Middleware(MeasuredRequests, metrics=metrics.requests),
        Middleware(
            Gate,
            installation=opened.installation,
            codec=back_messages.CODEC,
            secure=settings.secure_cookie,
            proxies=proxies,
            hosts=KnownHosts(names=settings.hosts, own=own_names()),
            script_hashes=page_hashes(),
        ),
        Middleware(FramedOnly),
        Middleware(WatchedPage, pages=PATHS),
        Middleware(ErrorShape),
    ],
    exception_handlers=EXCEPTION_HANDLERS,
    on_script_error=error_boundary.draw_script_error,
)

if wrong := wrong_options(st.get_option):
    sys.exit(
        "\n".join((*wrong, "Start the app in its own folder, with its .streamlit/config.toml."))
    )
