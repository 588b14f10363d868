"""The verbs of the access record that are about erasing people's data. None names the person."""

from __future__ import annotations

from audit_core.state.access_log.verb import Category, Verb

_TARGET = "erasure"

ERASURE_VERBS = (
    Verb(
        name="erasure.asked",
        sentence="Asked to erase a person's data; another admin has to confirm it.",
        category=Category.SETTING,
        target=_TARGET,
        kept=True,
    ),
    Verb(
        name="erasure.confirmed",
        sentence="Confirmed that a person's data is erased.",
        category=Category.SETTING,
        target=_TARGET,
        kept=True,
    ),
    Verb(
        name="erasure.withdrawn",
        sentence="Withdrew the request to erase a person's data.",
        category=Category.SETTING,
        target=_TARGET,
        kept=True,
    ),
    Verb(
        name="erasure.refused",
        sentence="Refused to erase a person's data.",
        category=Category.SETTING,
        target=_TARGET,
        kept=True,
    ),
    Verb(
        name="erasure.erased",
        sentence="Erased a person's data from the entries and all that is made of them.",
        category=Category.SETTING,
        target=_TARGET,
        kept=True,
    ),
    Verb(
        name="erasure.completed",
        sentence="Wrote anew what still held old bytes of erased data: nothing is left of it here.",
        category=Category.SETTING,
        target=_TARGET,
        kept=True,
    ),
    Verb(
        name="erasure.repeated",
        sentence="Erased once more what came later, or came back, of a person who was erased.",
        category=Category.SETTING,
        target=_TARGET,
        kept=True,
    ),
    Verb(
        name="erasure.listed",
        sentence="Wrote the list of erasures into a file, which names nobody.",
        category=Category.INSTALLATION,
        kept=True,
    ),
)
