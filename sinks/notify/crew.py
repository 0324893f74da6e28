"""Threads that run errands: so many at once, none of them holding up the process's end.

Input: jobs. Output: :class:`Done`, in the order in which they came about. State: what is under way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

from siaga.contracts.page_result import ResultReason
from siaga.logs import about
from sinks.notify.outcome import Outcome, Verdict
from sinks.notify.plan import Job


@dataclass(frozen=True, slots=True)
class Done:
    """A job and what became of it, after so many seconds."""

    job: Job
    outcome: Outcome
    seconds: float

    @property
    def may_have_arrived(self) -> bool:
        """Whether the provider has the message, or nobody knows."""
        return self.outcome.verdict in (Verdict.ACCEPTED, Verdict.DELIVERED, Verdict.UNCLEAR)


class Crew:
    """``size`` threads that do ``run`` with each job; ``notice`` is called when one is done."""

    def __init__(self, size: int, run: Callable[[Job], Outcome], notice: Callable[[], None]) -> None:
        self._run = run
        self._notice = notice
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._done: SimpleQueue[Done] = SimpleQueue()
        for number in range(size):
            Thread(target=self._work, name=f"notify-{number}", daemon=True).start()

    def submit(self, job: Job) -> None:
        """Have a job done."""
        self._jobs.put(job)

    def done(self) -> list[Done]:
        """What was done since the last time; never waits."""
        found = []
        while True:
            try:
                found.append(self._done.get_nowait())
            except Empty:
                return found

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            began = time.perf_counter()
            try:
                with about(job.pages[0].incident_id.hex):
                    outcome = self._run(job)
            except Exception as error:
                outcome = Outcome(Verdict.UNCLEAR, ResultReason.OTHER, f"sending raised {type(error).__name__}")
            self._done.put(Done(job, outcome, time.perf_counter() - began))
            self._notice()
