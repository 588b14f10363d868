"""The anchors that the settings name."""

from __future__ import annotations

from datetime import timedelta

from audit_core.integrity.anchors.anchor import Anchor
from audit_core.integrity.anchors.folder import folder_anchor
from audit_core.integrity.anchors.time_stamp import read_roots, time_stamp_anchor
from audit_core.integrity.anchors.webhook import webhook_anchor
from audit_core.integrity.anchors.witness_client import witness_anchor
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.runtime.settings import Settings


def anchors_of(settings: Settings) -> list[Anchor]:
    """All of them, in the order of the settings. Makes no request. Raises `SettingsError`."""
    often = timedelta(minutes=settings.anchor_minutes)
    policy = OutgoingPolicy(networks=settings.outgoing_networks)
    # What these are told is no secret, and what they answer is signed: many speak HTTP only.
    signed = OutgoingPolicy(networks=settings.outgoing_networks, unencrypted=True)
    roots = read_roots(settings.time_stamp_roots) if settings.time_stamp_roots else ()
    stamped = timedelta(minutes=settings.time_stamp_minutes)
    return [
        *(folder_anchor(folder, often) for folder in settings.anchor_folders),
        *(webhook_anchor(url, often, policy) for url in settings.anchor_webhooks),
        *(time_stamp_anchor(url, stamped, signed, roots) for url in settings.anchor_time_stamps),
        *(witness_anchor(setting, often, signed) for setting in settings.anchor_witnesses),
    ]
