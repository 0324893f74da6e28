"""What an answer means for each page that it concerns. Input: a done job and how its pages stand now. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sinks.notify.crew import Done
from sinks.notify.machine import Change, PageState, Status, after_receipt, after_try, held
from sinks.notify.outcome import Verdict
from sinks.notify.plan import Errand


def changes_of(done: Done, states: Mapping[str, PageState], now: float) -> Iterator[Change]:
    """What is to be written of the job's pages; those that the answer comes too late for are left out."""
    job, outcome = done.job, done.outcome
    for page_id, attempt in job.attempts.items():
        state = states.get(page_id)
        if state is None:
            continue
        if job.errand is Errand.RECEIPT:
            if state.status is Status.ACCEPTED:
                yield after_receipt(state, outcome, job.spec, now)
        elif outcome.verdict is Verdict.NOT_ASKED:
            if state.status is Status.UNKNOWN:
                yield held(state, now + job.spec.pause_after(attempt), None)
        else:
            change = after_try(state, attempt, outcome, job.spec, now)
            if change is not None:
                yield change
