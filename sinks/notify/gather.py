"""Gathers what a decision about due pages rests on, in the transaction that claims them: the last look is this one.

Input: candidates, a connection with its transaction begun. Output: :class:`~sinks.notify.plan.World`. State: none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from siaga.contracts.page import ChannelKind
from sinks.notify import outbox
from sinks.notify.channels import ChannelSpec
from sinks.notify.directory import Directory
from sinks.notify.facts import confidential_reasons, facts_about
from sinks.notify.limits import longest
from sinks.notify.machine import Status
from sinks.notify.outbox import Candidate
from sinks.notify.plan import World


def gather(
    connection: sa.Connection,
    candidates: Sequence[Candidate],
    *,
    specs: Mapping[ChannelKind, ChannelSpec],
    directory: Directory,
    free: dict[ChannelKind, int],
    now: float,
    expires: bool,
) -> World:
    """Everything that concerns these candidates now."""
    limited = {c.contact for c in candidates if specs[c.page.channel_kind].limits}
    companions = {contact: outbox.companions(connection, contact) for contact in sorted(limited)}
    keys = {c.state.message_key for c in candidates if c.state.status is Status.UNKNOWN}
    messages = {key: outbox.of_message(connection, key) for key in sorted(key for key in keys if key is not None)}
    every = {c.state.page_id: c for c in candidates}
    for several in (*companions.values(), *messages.values()):
        every |= {c.state.page_id: c for c in several}
    pages = [candidate.page for candidate in every.values()]
    window = max((longest(spec.limits) for spec in specs.values()), default=0.0)
    return World(
        facts=facts_about(connection, pages),
        contacts={page_id: directory.contact(candidate.page) for page_id, candidate in every.items()},
        sent=outbox.sent_to(connection, limited, now - window),
        companions=companions,
        messages=messages,
        free=free,
        reasons=confidential_reasons(connection, pages),
        expires=expires,
    )
