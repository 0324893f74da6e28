"""One errand at a provider, in a thread of the crew: the message is written, given to the channel, and answered for.

Input: a job. Output: an outcome. State: none. Knows no database: what it needs comes with the job.
"""

from __future__ import annotations

from siaga.contracts.page_result import ResultReason
from siaga.links import Links
from sinks.notify import adapters
from sinks.notify.compose import compose
from sinks.notify.crash import Point, pass_by
from sinks.notify.outcome import Outcome, Verdict
from sinks.notify.plan import Errand, Job


class Errands:
    """Runs errands with links of its own."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def run(self, job: Job) -> Outcome:
        """Send the message, or ask about it."""
        try:
            message = compose(job.pages, job.contact, job.key, self._links, job.reasons)
        except Exception as error:
            # Nothing was sent. The error's text may show what the message holds.
            detail = f"the message could not be written ({type(error).__name__})"
            return Outcome(Verdict.FAILED, ResultReason.OTHER, detail)
        if job.errand is not Errand.SEND:
            return adapters.ask(job.spec, message, job.provider_id)
        outcome = adapters.send(job.spec, message)
        if outcome.verdict is Verdict.ACCEPTED:
            pass_by(Point.AFTER_ACCEPTED)
        return outcome
