"""The opened installation: everything that a route, a page or a command works with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from audit_core.domain.errors import StoreUnavailableError
from audit_core.evidence.download import FileLimit
from audit_core.evidence.erasures.identities import Identities
from audit_core.evidence.erasures.tools import ErasureTools
from audit_core.evidence.holds.holds import StateHolds
from audit_core.evidence.jobs.files import ExportFiles
from audit_core.evidence.jobs.making import Workshop
from audit_core.evidence.pack.making.stream import PackMaker
from audit_core.evidence.schedules.runner import Calendar
from audit_core.identity.sessions import living_sessions
from audit_core.ingest.uploads import MEGABYTE, Quota, Uploads
from audit_core.installation.high_water_marks import StateMarks
from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.leaf_keeper import LeafKeeper
from audit_core.integrity.tree import Trees
from audit_core.log.retention import Retention
from audit_core.log.store import AuditLog, Limits, open_log
from audit_core.notify.tools import NotificationTools, tools_of
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.runtime.settings import Settings
from audit_core.runtime.signing_key import read_key
from audit_core.state.access_log.retention import drop_expired
from audit_core.state.database import State, open_state


@dataclass(frozen=True, kw_only=True)
class Installation:
    """One log and one state, open, with the settings and the clock they go by."""

    settings: Settings
    log: AuditLog
    state: State
    clock: Callable[[], datetime]
    """The present time, aware, UTC."""
    key: bytes
    """The signing key of this installation, 32 bytes or more."""
    uploads: Uploads
    """The files that people sent to be stored; made with the first one."""
    trees: Trees
    """The trees of hashes over the log."""

    @property
    def outgoing_policy(self) -> OutgoingPolicy:
        """Where this server may be sent by people who do not run it."""
        return OutgoingPolicy(networks=self.settings.outgoing_networks)

    @property
    def exports(self) -> Workshop:
        """What exports are made with, and where their files lie."""
        settings = self.settings
        files = ExportFiles(
            folder=settings.exports_dir or settings.key_file.parent / "exports",
            free_space_floor_mb=settings.free_space_floor_mb,
        )
        megabytes = settings.export_max_mb
        return Workshop(
            log=self.log,
            state=self.state,
            files=files,
            clock=self.clock,
            limit=FileLimit(
                entries=settings.export_max_entries,
                size=None if megabytes is None else megabytes * MEGABYTE,
            ),
            retention=Retention(days=settings.retention_days),
            packs=replace(self.packs, spool=files.folder),
        )

    @property
    def packs(self) -> PackMaker:
        """What packs are made with."""
        return PackMaker(
            log=self.log, trees=self.trees, clock=self.clock, log_url=self.settings.log_url
        )

    @property
    def export_calendar(self) -> Calendar:
        """What schedules of exports are seen to with."""
        return Calendar(
            state=self.state,
            files=self.exports.files,
            clock=self.clock,
            folder=self.settings.export_folder,
        )

    @property
    def notifications(self) -> NotificationTools:
        """What messages about alerts are sent with. Raises `SettingsError` for a mail server that
        lacks something."""
        return tools_of(self.settings, self.state, self.key, self.clock)

    @property
    def erasures(self) -> ErasureTools:
        """What erasures are asked for and carried out with."""
        return ErasureTools(
            log=self.log,
            state=self.state,
            identities=Identities(self.key),
            files=self.exports.files,
            clock=self.clock,
        )

    def close(self) -> None:
        """Let go of both databases, and of uploaded files. Calling it twice is harmless."""
        self.uploads.close()
        self.log.close()
        self.state.close()


def open_installation(
    settings: Settings, clock: Callable[[], datetime], *, holder: str = "the Sandtrail app"
) -> Installation:
    """Open the state, the key and the log; made at first start.

    `holder` is what another process is told of this one while it holds the log. Raises
    `SettingsError`, `LogLockedError`, `SchemaTooNewError` or `StoreUnavailableError`, and
    then leaves nothing open.
    """
    key = read_key(settings.key_file)
    state = open_state(settings.state_url)
    keys = ActorKeys(state, key)
    try:
        log = open_log(
            settings.log_url,
            clock=clock,
            holder=holder,
            limits=Limits(
                memory_limit_mb=settings.memory_limit_mb,
                free_space_floor_mb=settings.free_space_floor_mb,
                query_timeout_s=settings.query_timeout_s,
                retention=Retention(days=settings.retention_days),
            ),
            marks=StateMarks(state),
            keeper=LeafKeeper(state, keys),
            holds=StateHolds(state),
        )
    except BaseException:
        state.close()
        raise
    opened = Installation(
        settings=settings,
        log=log,
        state=state,
        clock=clock,
        key=key,
        uploads=_uploads(settings, clock),
        trees=Trees(log=log, state=state, keys=keys, installation_key=key, clock=clock),
    )
    try:
        expire_access_record(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def expire_access_record(installation: Installation) -> int:
    """Drop from the access record what is older than entries may be; how many events that were.

    Done when the product is opened; an app that runs for long does it daily. Raises
    `StoreUnavailableError`.
    """
    now = installation.clock()
    before = Retention(days=installation.settings.retention_days).earliest(now)
    return 0 if before is None else drop_expired(installation.state, before=before, now=now)


def drop_ended_uploads(installation: Installation) -> None:
    """Remove the uploaded files of sessions that have ended, and what is too old.

    Done each minute by an app that runs. Raises `StoreUnavailableError`.
    """

    def living(session_ids: Collection[str]) -> Collection[str]:
        with installation.state.read() as connection:
            return living_sessions(connection, session_ids=session_ids, now=installation.clock())

    installation.uploads.sweep(living)


def _uploads(settings: Settings, clock: Callable[[], datetime]) -> Uploads:
    quota = Quota(
        of_person=settings.upload_person_mb * MEGABYTE,
        in_all=settings.upload_total_mb * MEGABYTE,
        free_floor=settings.free_space_floor_mb * MEGABYTE,
    )
    folder = settings.upload_folder or settings.key_file.parent / "uploads"
    return Uploads(folder, clock, quota)


class SharedInstallation:
    """The one installation of a process, opened when it is first asked for.

    Held by reference and nowhere else: no cache that somebody may clear decides how long the
    databases stay open.
    """

    def __init__(self, open_one: Callable[[], Installation]) -> None:
        self._open = open_one
        self._installation: Installation | None = None
        self._closed = False
        self._lock = Lock()

    def __call__(self) -> Installation:
        """The opened installation. Blocks while another thread opens it.

        Raises what opening it raises, and the next call tries again; `StoreUnavailableError`
        once it was closed, so that nothing opens the databases of a process that is stopping.
        """
        installation = self._installation
        if installation is not None:
            return installation
        with self._lock:
            if self._closed:
                raise StoreUnavailableError(
                    "Sandtrail is stopping.", "Try again when it has been started."
                )
            if self._installation is None:
                self._installation = self._open()
            return self._installation

    def close(self) -> None:
        """Close the installation for good, if it was opened. Calling it twice is harmless."""
        with self._lock:
            installation, self._installation, self._closed = self._installation, None, True
        if installation is not None:
            installation.close()
