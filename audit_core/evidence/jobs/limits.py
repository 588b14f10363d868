"""How many exports are made at once, and which of those that wait comes next. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from audit_core.evidence.jobs.job import ExportJob, JobState

MAX_RUNNING_OF_PERSON = 1
MAX_RUNNING_OF_ORGANIZATION = 2
MAX_RUNNING = 3
"""In all. Fewer than the reads that run at once, so that pages have their turn."""
MAX_OPEN_OF_PERSON = 10
MAX_OPEN_OF_ORGANIZATION = 50
"""How many may be under way or wait in line."""


def next_job(open_jobs: Sequence[ExportJob]) -> ExportJob | None:
    """The one to be made now: the first in line whose person and organization have a place.

    `open_jobs` are all that run or wait, in the order in which they were asked for.
    """
    for job in open_jobs:
        if job.state is not JobState.RUNNING and reason_to_wait(job, open_jobs) is None:
            return job
    return None


def reason_to_wait(job: ExportJob, open_jobs: Sequence[ExportJob]) -> str | None:
    """Why it does not begin yet, as a sentence that tells nothing of other organizations; `None`
    if it may begin."""
    running = [one for one in open_jobs if one.state is JobState.RUNNING]
    own = sum(one.person == job.person for one in running)
    if own >= MAX_RUNNING_OF_PERSON:
        return "It waits in line until another export of the same person has ended."
    together = sum(one.organization_id == job.organization_id for one in running)
    if together >= MAX_RUNNING_OF_ORGANIZATION:
        return (
            f"It waits in line: {together} exports of this organization are being made, which is "
            "as many as are made at once."
        )
    if len(running) >= MAX_RUNNING:
        return "It waits in line until the server has a place for it."
    return None
