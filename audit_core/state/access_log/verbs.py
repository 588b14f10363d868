"""Every verb of the access record: what it says, and how it is kept."""

from __future__ import annotations

from audit_core.state.access_log.account_verbs import ACCOUNT_VERBS
from audit_core.state.access_log.alert_verbs import ALERT_VERBS
from audit_core.state.access_log.detection_verbs import DETECTION_VERBS
from audit_core.state.access_log.erasure_verbs import ERASURE_VERBS
from audit_core.state.access_log.export_verbs import EXPORT_VERBS
from audit_core.state.access_log.integrity_verbs import INTEGRITY_VERBS
from audit_core.state.access_log.notification_verbs import NOTIFICATION_VERBS
from audit_core.state.access_log.review_verbs import REVIEW_VERBS
from audit_core.state.access_log.verb import About, AccessOutcome, Category, Verb

__all__ = ["VERBS", "About", "AccessOutcome", "Category", "Verb", "verb_named"]


def _listed(*verbs: Verb) -> dict[str, Verb]:
    return {verb.name: verb for verb in verbs}


VERBS: dict[str, Verb] = _listed(
    *ACCOUNT_VERBS,
    *ALERT_VERBS,
    *DETECTION_VERBS,
    *EXPORT_VERBS,
    *ERASURE_VERBS,
    *INTEGRITY_VERBS,
    *NOTIFICATION_VERBS,
    *REVIEW_VERBS,
    Verb(
        name="permission.refused",
        sentence="Asked for something without the permission for it.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="permission",
    ),
    Verb(
        name="request.refused",
        sentence="Asked for data without being signed in.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="path",
        joined=True,
    ),
    Verb(
        name="token.refused",
        sentence="Used an API token that is unknown, expired, revoked or lacks the permission.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        joined=True,
    ),
    Verb(
        name="webhook.refused",
        sentence="Sent a webhook that is not signed, or is about another organization.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="reason",
        joined=True,
    ),
    Verb(
        name="host.refused",
        sentence="Asked for a name that this server does not answer to.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="host",
        joined=True,
    ),
    Verb(
        name="origin.refused",
        sentence="Sent what a page of another site may have forged, so it was not answered.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="origin",
        joined=True,
    ),
    Verb(
        name="socket.refused",
        sentence="Sent over a page's connection what no page sends, or opened too many.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="reason",
        joined=True,
    ),
    Verb(
        name="size.refused",
        sentence="Sent more in one request than the server takes.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="path",
        joined=True,
    ),
    Verb(
        name="body.refused",
        sentence="Sent what is not read as entries.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="path",
        joined=True,
    ),
    Verb(
        name="pace.refused",
        sentence="Asked more often, or for more at once, than the server answers.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="path",
        joined=True,
    ),
    Verb(
        name="upload.refused",
        sentence="Sent a file from a page, which was not taken.",
        category=Category.REFUSAL,
        outcome=AccessOutcome.REFUSED,
        target="reason",
        joined=True,
    ),
    Verb(
        name="operator.granted",
        sentence="Made an account an operator, who may read the installation's record.",
        category=Category.INSTALLATION,
        target="email",
    ),
    Verb(
        name="operator.withdrawn",
        sentence="Took the operator's right from an account.",
        category=Category.INSTALLATION,
        target="email",
    ),
    Verb(
        name="record_export.started",
        sentence="Began to export this access record.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="record_export.finished",
        sentence="Exported this access record, to the last event.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="record_export.broken",
        sentence="An export of this access record broke off before its end.",
        category=Category.EXPORT,
        outcome=AccessOutcome.BROKEN,
        target="file",
    ),
    Verb(
        name="entries.read",
        sentence="Read entries over HTTP.",
        category=Category.EXPORT,
        target="path",
        joined=True,
    ),
    Verb(
        name="secrets.revealed",
        sentence="Looked at the secrets of an entry.",
        category=Category.EXPORT,
        target="entry",
    ),
    Verb(
        name="support_bundle.downloaded",
        sentence="Downloaded the support bundle of a failed start.",
        category=Category.EXPORT,
        target="entry",
    ),
    Verb(
        name="coverage.downloaded",
        sentence="Downloaded which actions the log covers.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="report.made",
        sentence="Made a printable report of the log.",
        category=Category.EXPORT,
        target="file",
    ),
    Verb(
        name="log.transferred",
        sentence="Read the whole log to copy it elsewhere.",
        category=Category.INSTALLATION,
    ),
    Verb(
        name="log.loss_accepted",
        sentence="Went on with a log that had lost its end, without what was missing.",
        category=Category.INSTALLATION,
        kept=True,
    ),
    Verb(
        name="backup.made",
        sentence="Made a backup of the log, the state and the key.",
        category=Category.INSTALLATION,
    ),
    Verb(
        name="backup.restored",
        sentence="Restored a backup.",
        category=Category.INSTALLATION,
        kept=True,
    ),
    Verb(
        name="log.copied",
        sentence="Copied the log from another database.",
        category=Category.INSTALLATION,
    ),
    Verb(
        name="source.added",
        sentence="Set up a source from which entries are pulled.",
        category=Category.INGEST,
        target="source",
    ),
    Verb(
        name="source.paused",
        sentence="Paused a source.",
        category=Category.INGEST,
        target="source",
    ),
    Verb(
        name="source.resumed",
        sentence="Had a source go on.",
        category=Category.INGEST,
        target="source",
    ),
    Verb(
        name="source.key_changed",
        sentence="Gave a source another key.",
        category=Category.INGEST,
        target="source",
    ),
    Verb(
        name="source.tested",
        sentence="Had an address asked for entries, with a key.",
        category=Category.INGEST,
        target="source",
    ),
    Verb(
        name="source.organization_added",
        sentence="Made an organization known that appeared in a deployment; nobody is in it.",
        category=Category.INSTALLATION,
        target="organization",
    ),
    Verb(
        name="source.removed",
        sentence="Removed a source; what it brought stays.",
        category=Category.INGEST,
        target="source",
    ),
    Verb(
        name="mapping.saved",
        sentence="Saved a mapping, by which records of another system are read.",
        category=Category.INGEST,
        target="mapping",
    ),
    Verb(
        name="mapping.deleted",
        sentence="Deleted a mapping; the entries that it made stay.",
        category=Category.INGEST,
        target="mapping",
    ),
    Verb(
        name="webhook.added",
        sentence="Set up where webhooks come in.",
        category=Category.INGEST,
        target="webhook",
    ),
    Verb(
        name="webhook.removed",
        sentence="Removed where webhooks come in; what they brought stays.",
        category=Category.INGEST,
        target="webhook",
    ),
    Verb(
        name="ingest",
        sentence="Stored entries in the log.",
        category=Category.INGEST,
        target="file",
    ),
    Verb(
        name="view.added",
        sentence="Saved a view.",
        category=Category.WORK,
        target="name",
    ),
    Verb(
        name="view.changed",
        sentence="Changed a saved view.",
        category=Category.WORK,
        target="name",
    ),
    Verb(
        name="view.deleted",
        sentence="Deleted a saved view.",
        category=Category.WORK,
        target="name",
    ),
    Verb(
        name="view.used",
        sentence="Opened the saved view of somebody else.",
        category=Category.WORK,
        target="name",
    ),
    Verb(
        name="failure_group.marked",
        sentence="Said what is the matter with a group of failed starts.",
        category=Category.WORK,
        target="fingerprint",
    ),
    Verb(
        name="legal_hold.set",
        sentence="Set a legal hold: what matches it is neither dropped nor erased.",
        category=Category.SETTING,
        target="filter",
    ),
    Verb(
        name="legal_hold.lifted",
        sentence="Lifted a legal hold.",
        category=Category.SETTING,
        target="filter",
    ),
    Verb(
        name="organization.zone_set",
        sentence="Set the time zone of the organization.",
        category=Category.SETTING,
        target="zone",
    ),
    Verb(
        name="organization.own_activity",
        sentence="Set whether members see what they did themselves.",
        category=Category.SETTING,
    ),
    Verb(
        name="access_record.expired",
        sentence="Dropped events that were older than the retention allows.",
        category=Category.INSTALLATION,
    ),
    Verb(
        name="demo.started",
        sentence="Began to fill the empty log with the demo.",
        category=Category.INSTALLATION,
        kept=True,
    ),
    Verb(
        name="demo.loaded",
        sentence="Filled the log with the demo, and added its sign-ins.",
        category=Category.INSTALLATION,
        kept=True,
    ),
)
"""Every verb by its name. A deed with a verb that is not here is recorded all the same, since a
missing sentence must not undo it; a test sees to it that none is missing."""


def verb_named(name: str) -> Verb:
    """What is known of a verb; for an unknown one what its name says."""
    return VERBS.get(name) or Verb(
        name=name,
        sentence=f"{name}.",
        category=Category.INSTALLATION,
        outcome=AccessOutcome.REFUSED if name.endswith(".refused") else AccessOutcome.DONE,
    )
