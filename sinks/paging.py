"""What the store does about escalations and pages, as part of a batch's transaction.

Input: a batch's rows. Output: rows, and what they tell of answers and of escalations that nobody answers.
State: none. What the notifier has done to a page is never undone here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from siaga.contracts.page_result import PageStatus, ResultReason
from siaga.store.tables import clusters, escalation_steps, escalations, page_cancellations, page_results, pages
from sinks.batch import Batch, Kept
from sinks.bulk import put
from sinks.work import Work, chunks

_NEWER_SNAPSHOT: Final = ("epoch", "version")
_NEWER_RESULT: Final = ("epoch",)
#: Results that say where a page stands, the strongest last. After all but the first, nothing more is done for it.
_LAST: Final = (
    PageStatus.UNKNOWN,
    PageStatus.SUPPRESSED,
    PageStatus.FAILED,
    PageStatus.ACCEPTED,
    PageStatus.DELIVERED,
)
#: Suppressions after which the page still waits for its turn.
_WAITS: Final = (ResultReason.BUNDLED.value, ResultReason.CIRCUIT_OPEN.value, ResultReason.RATE_LIMITED.value)


def put_paging(work: Work, numbered: Callable[[Iterable[Kept]], list[Kept]]) -> None:
    """Store what a batch holds of escalations, pages and results."""
    batch, written = work.batch, work.written
    if not (batch.escalations or batch.pages or batch.page_results or batch.steps):
        return
    work.put(escalations, numbered(batch.escalations.values()), newer=_NEWER_SNAPSHOT)
    known_steps = work.known(escalation_steps, batch.steps)
    steps = {key: kept for key, kept in batch.steps.items() if key not in known_steps}
    work.put(escalation_steps, numbered(steps.values()))
    written.answers += [batch.answers[key] for key in steps if key in batch.answers]
    written.exhausted += sum(key in batch.exhausted for key in steps)
    put(work.connection, page_cancellations, list(batch.cancellations.items()))
    known = work.known(pages, batch.pages)
    work.put(pages, numbered(kept for key, kept in batch.pages.items() if key not in known))
    work.put(page_results, numbered(batch.page_results.values()), newer=_NEWER_RESULT)
    _tell_again(work.connection, list(known))
    if not work.caught_up:
        _learn(work.connection, {*batch.pages, *(row[0] for row, _, _ in batch.page_results.values())})


def _tell_again(connection: sa.Connection, page_ids: Collection[str]) -> None:
    """A page that comes again was not heard of by the streams: have what became of it told again."""
    for some in chunks(page_ids):
        connection.execute(sa.update(page_results).values(published_at=None).where(page_results.c.page_id.in_(some)))


def _learn(connection: sa.Connection, page_ids: Collection[str]) -> None:
    """A database made anew learns from Kafka what became of pages before, so that none is sent once more."""
    for some in chunks(page_ids):
        for status in _LAST:
            connection.execute(
                sa.update(pages)
                .values(
                    status=status.value,
                    reason=page_results.c.reason,
                    attempts=page_results.c.attempt,
                    available_at=pages.c.available_at if status is PageStatus.UNKNOWN else None,
                    doubtful=status is PageStatus.UNKNOWN,
                    provider_id=page_results.c.provider_id,
                    sent_at=page_results.c.at if status in (PageStatus.ACCEPTED, PageStatus.DELIVERED) else None,
                )
                .where(
                    pages.c.page_id == page_results.c.page_id,
                    pages.c.page_id.in_(some),
                    pages.c.begun_at.is_(None),
                    page_results.c.epoch > 0,
                    page_results.c.status == status.value,
                    page_results.c.reason.not_in(_WAITS),
                )
            )


def mark_caught_up(connection: sa.Connection, cluster_id: str, now: datetime) -> None:
    """Write down that everything the cluster knew of pages is stored."""
    connection.execute(sa.update(clusters).values(caught_up_at=now).where(clusters.c.cluster_id == cluster_id))


def is_caught_up(connection: sa.Connection, cluster_id: str) -> bool:
    """Whether that is written down."""
    asked = sa.select(clusters.c.caught_up_at).where(clusters.c.cluster_id == cluster_id)
    return connection.scalar(asked) is not None


def batch_has_paging(batch: Batch) -> bool:
    """Whether a batch brings something that the notifier wants to know at once."""
    return bool(batch.pages or batch.cancellations or batch.escalations)
