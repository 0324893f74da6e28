"""The outbox: all that the notifier asks of the database and writes into it. Each function is part of a transaction.

Input: a connection with its transaction begun. Output: candidates with what concerns them; rows changed. State: none.
Times come in and go out as epoch seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from siaga.contracts.page import ChannelKind, Page
from siaga.contracts.page_result import PageStatus, ResultReason
from siaga.store.tables import clusters, page_messages, page_results, pages, utc_text
from sinks.bulk import Row, put, put_one
from sinks.notify.machine import Change, PageState, Status, Told
from sinks.work import chunks

#: Accepted pages asked about in one round.
_MOST_RECEIPTS: Final = 100
#: Rows that go one by one: the detour that many take costs more.
_FEW: Final = 4
#: Pages of a kind of channel looked at in one round besides as many as it can take.
_MORE: Final = 16
#: Of one contact, pages that may be told together.
_MOST_TOGETHER: Final = 40
_WAITING: Final = (Status.QUEUED.value, Status.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A page that something may have to be done about."""

    page: Page
    state: PageState
    begun: bool

    @property
    def contact(self) -> tuple[str, str]:
        """Whose limits it falls under: the officer and the kind of channel."""
        return self.page.officer_id, self.page.channel_kind.value


def moment(at: float) -> datetime:
    """Epoch seconds as a time in UTC."""
    return datetime.fromtimestamp(at, UTC)


def _epoch(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


# -- what there is to do --------------------------------------------------------------------------------------------


def candidates(
    connection: sa.Connection, now: float, *, free: Mapping[ChannelKind, int], most: int
) -> list[Candidate]:
    """Pages that are due, the gravest first, then the oldest; ``most`` at most.

    ``free`` says how many more each kind of channel can take. Of one that is busy none are looked at, of the others
    not many more than that: some will not be sent.
    """
    busy = [kind.value for kind, room in free.items() if room <= 0]
    where = sa.and_(pages.c.status.in_(_WAITING), pages.c.available_at <= moment(now), _not_held(connection))
    if busy:
        where = sa.and_(where, pages.c.channel_kind.not_in(busy))
    left = {kind.value: room + _MORE for kind, room in free.items()}
    found = []
    for row in connection.execute(_in_order(where, most)):
        left[row.channel_kind] -= 1
        if left[row.channel_kind] >= 0:
            found.append(_candidate(row))
    return found


def companions(connection: sa.Connection, contact: tuple[str, str]) -> list[Candidate]:
    """Every page that waits for one contact, due or not."""
    officer_id, kind = contact
    return _candidates(
        connection,
        sa.and_(
            pages.c.officer_id == officer_id,
            pages.c.channel_kind == kind,
            pages.c.status == Status.QUEUED.value,
            _not_held(connection),
        ),
        limit=_MOST_TOGETHER,
    )


def of_message(connection: sa.Connection, key: str) -> list[Candidate]:
    """The pages that were sent in one message of which nobody knows."""
    return _candidates(
        connection,
        sa.and_(
            pages.c.message_key == key,
            pages.c.status == Status.UNKNOWN.value,
            pages.c.available_at.is_not(None),
        ),
        limit=_MOST_TOGETHER,
    )


def receipts(connection: sa.Connection, now: float) -> list[Candidate]:
    """Accepted pages whose providers are to be asked whether they arrived."""
    return _candidates(
        connection,
        sa.and_(pages.c.status == Status.ACCEPTED.value, pages.c.available_at <= moment(now)),
        limit=_MOST_RECEIPTS,
    )


def _not_held(connection: sa.Connection) -> sa.ColumnElement[bool]:
    """Pages older than this database's knowledge of the cluster may have been sent: their results are awaited."""
    newest = connection.execute(
        sa.select(clusters.c.first_seen_at, clusters.c.caught_up_at).order_by(clusters.c.epoch.desc()).limit(1)
    ).one_or_none()
    if newest is None or newest.caught_up_at is not None:
        return sa.true()
    return sa.and_(pages.c.due_at >= newest.first_seen_at)


def _candidates(connection: sa.Connection, where: sa.ColumnElement[bool], *, limit: int) -> list[Candidate]:
    return [_candidate(row) for row in connection.execute(_in_order(where, limit))]


#: The page as text: the contract reads it, not the driver.
_BODY: Final = sa.cast(pages.c.body, sa.Text).label("body")
_STATE: Final = tuple(column for column in pages.c if column is not pages.c.body)


def _in_order(where: sa.ColumnElement[bool], limit: int) -> sa.Select[Any]:
    order = (pages.c.severity, pages.c.due_at, pages.c.page_id)
    return sa.select(*_STATE, _BODY).where(where).order_by(*order).limit(limit)


def _candidate(row: Any) -> Candidate:
    return Candidate(_page(row), _state(row), row.begun_at is not None)


def _page(row: Any) -> Page:
    """The page, which keeps as long as the store says: what it says itself was told by another clock."""
    page = Page.model_validate_json(row.body)
    return page.model_copy(update={"expires_at": row.expires_at})


def _state(row: Any) -> PageState:
    return PageState(
        page_id=row.page_id,
        status=Status(row.status),
        severity=row.severity,
        attempts=row.attempts,
        waits=row.waits,
        doubtful=row.doubtful,
        reason=ResultReason(row.reason),
        provider_id=row.provider_id,
        sent_at=_epoch(row.sent_at),
        message_key=row.message_key,
    )


def states(connection: sa.Connection, page_ids: Collection[str]) -> dict[str, PageState]:
    """How pages stand now."""
    return {
        row.page_id: _state(row)
        for some in chunks(page_ids)
        for row in connection.execute(sa.select(*_STATE).where(pages.c.page_id.in_(some)))
    }


def overdue_leases(connection: sa.Connection, now: float, longest: float, *, own: Collection[str]) -> list[PageState]:
    """Pages that somebody was sending who has fallen silent, ``own`` apart.

    A lease that ends later than any lease could, given now, was taken by another clock: it counts as run out.
    """
    table = pages.c
    ran_out = sa.or_(table.lease_until <= moment(now), table.lease_until > moment(now + longest + 1.0))
    asked = sa.select(*_STATE).where(table.status == Status.SENDING.value, ran_out)
    return [_state(row) for row in connection.execute(asked) if row.page_id not in own]


def sent_to(
    connection: sa.Connection, contacts: Collection[tuple[str, str]], since: float
) -> dict[tuple[str, str], list[float]]:
    """When messages were sent to contacts, since then."""
    table = page_messages.c
    found: dict[tuple[str, str], list[float]] = {contact: [] for contact in contacts}
    for some in chunks({officer_id for officer_id, _ in contacts}):
        asked = sa.select(table.officer_id, table.channel_kind, table.at).where(
            table.officer_id.in_(some), table.at > moment(since)
        )
        for row in connection.execute(asked):
            if (row.officer_id, row.channel_kind) in found:
                found[row.officer_id, row.channel_kind].append(row.at.timestamp())
    return found


# -- what is written ------------------------------------------------------------------------------------------------


def claim(connection: sa.Connection, claims: Sequence[tuple[str, str, float]], now: float) -> None:
    """Take pages to send them, each with the key of its message and the end of its lease. Nothing is sent before."""
    if not claims:
        return
    taken = (
        sa.update(pages)
        .values(
            status=Status.SENDING.value,
            attempts=pages.c.attempts + 1,
            lease_until=sa.bindparam("until"),
            available_at=None,
            message_key=sa.bindparam("key"),
            begun_at=sa.func.coalesce(pages.c.begun_at, _time("begun")),
        )
        .where(pages.c.page_id == sa.bindparam("page"))
    )
    begun = moment(now)
    connection.execute(
        taken, [{"page": page, "key": key, "until": moment(until), "begun": begun} for page, key, until in claims]
    )


def _time(name: str) -> sa.BindParameter[datetime]:
    return sa.bindparam(name, type_=pages.c.begun_at.type)


def postpone(connection: sa.Connection, page_ids: Collection[str], until: float | None) -> None:
    """Do not look at pages before ``until``; None is never again."""
    at = None if until is None else moment(until)
    connection.execute(sa.update(pages).values(available_at=at).where(pages.c.page_id.in_(list(page_ids))))


def count_message(connection: sa.Connection, contact: tuple[str, str], *, key: str, attempt: int, now: float) -> None:
    """Count a message for its contact's limits."""
    put_one(connection, page_messages, (key, attempt, *contact, utc_text(moment(now))))


def uncount_message(connection: sa.Connection, *, key: str, attempt: int) -> None:
    """Count it no more: it surely did not arrive."""
    table = page_messages.c
    connection.execute(sa.delete(page_messages).where(table.message_key == key, table.attempt == attempt))


def forget_messages(connection: sa.Connection, before: float) -> None:
    """Forget messages that no limit counts any more."""
    connection.execute(sa.delete(page_messages).where(page_messages.c.at <= moment(before)))


def apply(connection: sa.Connection, changes: Sequence[Change], about: Mapping[str, Page], now: float) -> None:
    """Write what became of pages, and what is to be told of it, in one breath. ``about`` holds their pages."""
    if not changes:
        return
    table = pages.c
    written = (
        sa.update(pages)
        .values(
            status=sa.bindparam("to"),
            reason=sa.bindparam("why"),
            available_at=sa.bindparam("at"),
            lease_until=None,
            waits=sa.bindparam("holds"),
            doubtful=sa.bindparam("doubt"),
            message_key=sa.case((sa.bindparam("keeps", type_=sa.Boolean), table.message_key), else_=None),
            provider_id=sa.func.coalesce(sa.bindparam("provider", type_=sa.String), table.provider_id),
            sent_at=sa.func.coalesce(table.sent_at, _time("sent")),
            delivered_at=sa.func.coalesce(table.delivered_at, _time("delivered")),
        )
        .where(table.page_id == sa.bindparam("page"))
    )
    connection.execute(written, [_values(change, moment(now)) for change in changes])
    rows = [_result(change, told, about[change.page_id], now) for change in changes for told in change.told]
    if len(rows) > _FEW:
        put(connection, page_results, rows)
    else:
        for row in rows:
            put_one(connection, page_results, row)


def _values(change: Change, at: datetime) -> dict[str, Any]:
    told = {told.status for told in change.told}
    provider = next((told.provider_id for told in change.told if told.provider_id is not None), None)
    return {
        "page": change.page_id,
        "to": change.status.value,
        "why": change.reason.value,
        "at": None if change.available_at is None else moment(change.available_at),
        "holds": change.waits,
        "doubt": change.doubtful,
        "keeps": change.keeps_key,
        "provider": provider,
        "sent": at if told & {PageStatus.ACCEPTED, PageStatus.DELIVERED} else None,
        "delivered": at if PageStatus.DELIVERED in told else None,
    }


def _result(change: Change, told: Told, page: Page, now: float) -> Row:
    """A result that Kafka has not got yet."""
    return (
        change.page_id,
        told.attempt,
        told.status.value,
        told.reason.value,
        str(page.incident_id),
        page.generation,
        page.district,
        page.officer_id,
        page.channel,
        told.provider_id,
        told.detail[:300],
        utc_text(moment(now)),
        0,
        None,
        0,
    )


def pages_of(connection: sa.Connection, page_ids: Collection[str]) -> dict[str, Page]:
    """The pages themselves, by id."""
    return {
        row.page_id: Page.model_validate_json(row.body)
        for some in chunks(page_ids)
        for row in connection.execute(sa.select(pages.c.page_id, _BODY).where(pages.c.page_id.in_(some)))
    }


def release(connection: sa.Connection, now: float) -> None:
    """Look at everything that waits for a time now: the clock that the time was told by may have been another."""
    waiting = sa.and_(pages.c.status.in_(_WAITING), pages.c.available_at > moment(now))
    connection.execute(sa.update(pages).values(available_at=moment(now)).where(waiting))
    connection.execute(sa.delete(page_messages).where(page_messages.c.at > moment(now + 1.0)))
