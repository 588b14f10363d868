"""Sources: what is pulled; files into the log, with a preview; other ways in; rejections."""

import streamlit as st

from audit_core.domain.access import Allowed, Permission, decide
from audit_core.ingest.uploads import StoredFile
from pages.parts.shell import viewer
from pages.parts.sources import (
    dated_ahead,
    file_preview,
    file_storing,
    ingest_howto,
    mapping_choice,
    mapping_editor,
    pulled_sources,
    rejection_list,
    stale_note,
    uploaded_files,
    webhook_list,
)

person, scope = viewer.require(Permission.INGEST)
st.title("Sources", anchor=False)
stale_note.draw(person, scope, link=False)

st.header("Pulled", anchor=False)
pulled_sources.draw(person, scope)

st.header("Webhooks", anchor=False)
webhook_list.draw(person, scope)

st.header("Files", anchor=False)
uploaded_files.expect(person)
files = st.file_uploader(
    "JSON lines, JSON arrays, saved API pages, CSV, console logs or syslog; plain, gzip or zstd",
    accept_multiple_files=True,
    key=file_storing.uploader_key(),
    on_change=file_storing.forget_report,
)
file_storing.draw_report()
chosen = uploaded_files.chosen(files or [], person)
if files:
    button_slot = st.container()
    there = [file for file in chosen if isinstance(file, StoredFile)]
    known = mapping_choice.known(scope)
    drawn = [file_preview.draw(file, scope, known) for file in chosen]
    readable = [item for item in drawn if item is not None]
    noun = "file" if len(readable) == 1 else "files"
    with button_slot:
        if readable and st.button(
            f"Store {len(readable)} {noun}", type="primary", icon=":material/save:"
        ):
            file_storing.store(readable, scope, let_go=there)
        st.caption("Nothing is stored yet. Check the first records, then store the files.")

st.header("Mappings", anchor=False)
mapping_editor.draw(scope, chosen)

st.header("Rejected records", anchor=False)
rejection_list.draw(scope)

if isinstance(decide(person.membership, Permission.READ), Allowed):
    st.header("Dated ahead", anchor=False)
    dated_ahead.draw(scope)

st.header("Other ways to send entries", anchor=False)
ingest_howto.draw()
