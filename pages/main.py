"""Every run starts here: sign-in, organization, navigation, and the one error boundary."""

from typing import Any, Literal

import streamlit as st

from audit_core.domain.access import Allowed, Denied, Permission, decide
from audit_core.evidence.access_log.record_filter import readable_parts
from audit_core.identity.sessions import Viewer
from audit_core.log.reads.read_context import reading_in
from audit_core.runtime.version import product_version
from pages.parts.alerts import alert_place
from pages.parts.filters import unknown_params
from pages.parts.shell import (
    abandoned,
    access_request,
    brand,
    cached,
    error_boundary,
    lost_session,
    organization_switcher,
    own_preferences,
    session,
    sign_in,
    viewer,
)
from sandtrail import ASSETS


def pages(person: Viewer | None) -> dict[str, list[st.Page]]:
    """The pages by section. Those that a person may not open are registered but not shown; who may
    read nothing keeps the first one, where access is asked for."""
    membership = person.membership if person else None
    reads_nothing = isinstance(decide(membership, Permission.READ_OWN), Denied)

    def page(script: str, path: str, permission: Permission, **shown: Any) -> st.Page:
        allowed = isinstance(decide(membership, permission), Allowed)
        if permission is Permission.READ_RECORD:
            allowed = person is not None and bool(readable_parts(person))
        asked_here = reads_nothing and path == own_preferences.DEFAULT_PAGE
        visibility: Literal["visible", "hidden"] = "visible" if allowed or asked_here else "hidden"
        return st.Page(script, url_path=path, visibility=visibility, **shown)

    return {
        "Activity": [
            page(
                "activity/overview.py",
                "overview",
                Permission.READ,
                title="Overview",
                icon=":material/monitoring:",
                help="Activity at a glance: volume, failures, people and unusual hours.",
                default=True,
            ),
            page(
                "activity/explore.py",
                "explore",
                Permission.READ,
                title="Explore",
                icon=":material/search:",
                help="All entries: filter, inspect, watch live and download.",
            ),
            page(
                "activity/alerts.py",
                "alerts",
                Permission.READ,
                title=alert_place.counted("Alerts", person),
                icon=":material/notification_important:",
                help="What rules found, until somebody has worked it off.",
            ),
            page(
                "activity/sandboxes.py",
                "sandboxes",
                Permission.READ,
                title="Sandboxes",
                icon=":material/deployed_code:",
                help="Which sandboxes did not start and why, and the history of each.",
            ),
            page(
                "activity/people.py",
                "people",
                Permission.READ_OWN,
                title="People",
                icon=":material/group:",
                help="Who is active: people, services and API keys, and what each of them did.",
            ),
        ],
        "Evidence": [
            page(
                "evidence/access_record.py",
                "access_record",
                Permission.READ_RECORD,
                title="Access record",
                icon=":material/policy:",
                help="Who signed in, was refused, exported or changed something here.",
            ),
            page(
                "evidence/exports.py",
                "exports",
                Permission.EXPORT,
                title="Exports",
                icon=":material/file_export:",
                help="Files of entries, made in the background: ask for one, see how far it is.",
            ),
            page(
                "evidence/downloads.py",
                "downloads",
                Permission.READ_RECORD,
                title="Downloads",
                icon=":material/download:",
                help="Which files were downloaded, by whom, how large, with their checksums.",
            ),
            page(
                "evidence/integrity.py",
                "integrity",
                Permission.READ,
                title="Integrity",
                icon=":material/verified_user:",
                help="Whether the log is what was sealed of it: checkpoints and verifications.",
            ),
            page(
                "evidence/coverage.py",
                "coverage",
                Permission.READ,
                title="Coverage",
                icon=":material/fact_check:",
                help="What is recorded, what was seen, and what no log of the platform shows.",
            ),
            page(
                "evidence/access_review.py",
                "access_review",
                Permission.MANAGE,
                title="Access review",
                icon=":material/rule:",
                help="Who has access and what was used of it, attested or revoked each quarter.",
            ),
            page(
                "evidence/legal_holds.py",
                "legal_holds",
                Permission.MANAGE,
                title="Legal holds",
                icon=":material/gavel:",
                help="What is kept beyond the retention and not erased, and why.",
            ),
            page(
                "evidence/erasure.py",
                "erasure",
                Permission.MANAGE,
                title="Erasure",
                icon=":material/person_remove:",
                help="A person's data goes from the log: asked by one admin, confirmed by another.",
            ),
        ],
        "Admin": [
            page(
                "admin/sources.py",
                "sources",
                Permission.INGEST,
                title="Sources",
                icon=":material/input:",
                help="Load entries from files, and see which records were rejected.",
            ),
            page(
                "admin/rules.py",
                "rules",
                Permission.READ,
                title="Rules",
                icon=":material/notification_settings:",
                help="What raises an alert: rules that are on, their settings, and mutes.",
            ),
            page(
                "admin/notifications.py",
                "notifications",
                Permission.MANAGE,
                title="Notifications",
                icon=":material/outgoing_mail:",
                help="Where alerts are told, of which and when, and what was not delivered.",
            ),
            page(
                "admin/access.py",
                "access",
                Permission.MANAGE,
                title="Access",
                icon=":material/key:",
                help="Members and their permissions, API tokens, and settings.",
            ),
        ],
        # Opened by the account menu.
        "Account": [
            st.Page(
                "account/profile.py",
                url_path="profile",
                title="Profile",
                icon=":material/person:",
                visibility="hidden",
            ),
        ],
    }


def _draw(person: Viewer, chosen: st.Page, *, unseen: bool) -> None:
    """The page with all that stands around it. `unseen`: see `lost_session`."""
    st.set_page_config(page_title=brand.tab_title(chosen.title))
    st.logo(brand.LOGO, icon_image=brand.ICON, size="large")
    if not unseen:
        viewer.note_run(person)
        lost_session.draw_lost()
    organization_switcher.forget_former(person)
    own_preferences.load(person)
    with st.sidebar:
        organization_switcher.draw_switcher(cached.installation(), person)
        access_request.draw_waiting(person)
        sign_in.draw_sign_out(cached.installation(), person)
        st.caption(f"Sandtrail {product_version()}")
    if (missing := cached.installation().log.loss) is not None:
        error_boundary.draw(missing.error())
    request = cached.installation().log.new_request(
        person=person.account_id, abandoned=abandoned.check_of_this_run()
    )
    with reading_in(request):
        unknown_params.draw_ignored()
        chosen.run()


st.set_page_config(page_title=brand.NAME, page_icon=brand.ICON, layout="wide")
st.html(ASSETS / "page.css")

session.forget_gone_widgets()
with error_boundary.boundary():
    person = viewer.find()
    # Registered for everybody, so that a deep link is still there after sign-in.
    chosen = st.navigation(
        pages(person),
        position="sidebar" if person else "hidden",
        # Else it hides the last pages behind "View more".
        expanded=True,
    )
    if person is None:
        sign_in.draw(cached.installation())
    else:
        with lost_session.first_action() as unseen:
            _draw(person, chosen, unseen=unseen)
