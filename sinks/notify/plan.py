"""Decides what is done about the pages that are due: sent, asked about, bundled, held, let be or given up.

Input: candidates and a :class:`World` in which all that concerns them was gathered, the time. Output: a
:class:`Plan`. State: the circuit breakers, and how often a provider was asked about a message. Pure otherwise; times
are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from siaga.contracts.incident import Reason
from siaga.contracts.page import ChannelKind, Page
from siaga.contracts.page_result import ResultReason
from sinks.notify.breaker import Breaker
from sinks.notify.channels import ChannelSpec
from sinks.notify.compose import key_of, that_fit
from sinks.notify.directory import Contact
from sinks.notify.limits import free_at
from sinks.notify.look import Facts, Wait, look
from sinks.notify.machine import Change, Status, failed, held, may_repeat, suppressed
from sinks.notify.outbox import Candidate

#: Times that a provider is asked about a message before it is sent once more or given up.
_MOST_QUESTIONS: Final = 2


class Errand(StrEnum):
    """What is done at a provider."""

    SEND = "send"
    ASK = "ask"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Job:
    """One message or one question, with all that is needed to do it without the database."""

    errand: Errand
    spec: ChannelSpec
    contact: Contact
    pages: tuple[Page, ...]
    key: str
    #: By page: the number of the try that this is, or is about.
    attempts: Mapping[str, int]
    provider: str
    repeats: bool = False
    provider_id: str | None = None
    reasons: Mapping[str, Sequence[Reason]] = field(default_factory=dict)

    @property
    def kind(self) -> ChannelKind:
        """The kind of channel."""
        return self.spec.kind

    @property
    def attempt(self) -> int:
        """The number of the message's try: the highest of its pages'."""
        return max(self.attempts.values())


@dataclass(slots=True)
class World:
    """What is known at the moment of deciding."""

    facts: Facts
    contacts: Mapping[str, Contact]
    #: When each limited contact was sent messages; grows while it is decided.
    sent: dict[tuple[str, str], list[float]]
    #: Other pages that wait for a limited contact, and the pages of messages of which nobody knows.
    companions: Mapping[tuple[str, str], Sequence[Candidate]]
    messages: Mapping[str, Sequence[Candidate]]
    #: How many more each kind of channel can take; shrinks while it is decided.
    free: dict[ChannelKind, int]
    reasons: Mapping[str, Sequence[Reason]] = field(default_factory=dict)
    #: Whether ages can be trusted.
    expires: bool = True


@dataclass(slots=True)
class Plan:
    """What is to be done. Changes are written, sends claimed, and only then is anything sent."""

    sends: list[tuple[Job, list[Candidate]]] = field(default_factory=list)
    asks: list[Job] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


class Planner:
    """Makes plans."""

    def __init__(self, specs: Mapping[ChannelKind, ChannelSpec]) -> None:
        self._specs = specs
        self.breakers: dict[str, Breaker] = {}
        self.questions: dict[str, int] = {}

    def plan(self, candidates: Iterable[Candidate], world: World, now: float) -> Plan:
        """What is done about ``candidates``, in their order."""
        plan, settled = Plan(), set[str]()
        for candidate in candidates:
            if candidate.state.page_id in settled:
                continue
            change = self._obstacle(candidate, world, now)
            if change is not None:
                settled.add(candidate.state.page_id)
                plan.changes.append(change)
            else:
                settled |= self._ready(candidate, world, plan, settled, now=now)
        return plan

    def _obstacle(self, candidate: Candidate, world: World, now: float) -> Change | None:
        """Why it cannot or need not be sent now, as what is written of it."""
        page, state = candidate.page, candidate.state
        contact, spec = world.contacts[state.page_id], self._specs[page.channel_kind]
        found = look(page, world.facts, agency_kind=contact.agency_kind, now=now, expires=world.expires)
        if isinstance(found, Wait):
            return held(state, found.until, None)
        if found is not None:
            return suppressed(state, found)
        if not spec.is_on:
            return failed(state, ResultReason.CHANNEL_OFF, "no gateway is configured for this kind of channel")
        if contact.address is None:
            return failed(state, ResultReason.NO_ADDRESS, "the roster has no such channel of the officer")
        return None

    def _ready(self, candidate: Candidate, world: World, plan: Plan, settled: set[str], *, now: float) -> set[str]:
        """Send it, ask about it, or hold it; answers the pages that are settled by that."""
        state, spec = candidate.state, self._specs[candidate.page.channel_kind]
        contact = world.contacts[state.page_id]
        provider = spec.provider_of(contact.address or "")
        group, repeats = [candidate], state.status is Status.UNKNOWN
        if repeats:
            key = state.message_key or state.page_id
            group = self._wanted(world.messages.get(key, group), world, settled, now)
            if spec.can_ask and self.questions.get(key, 0) < _MOST_QUESTIONS:
                return self._ask(group, key, provider, world, plan)
            if not may_repeat(state, spec):
                plan.changes.append(failed(state, state.reason, "nobody knows whether it arrived"))
                return {state.page_id}
        if world.free[spec.kind] <= 0:
            return {state.page_id}
        hold = self._hold(candidate, provider, world, now)
        if hold is not None:
            plan.changes.append(hold)
            return {state.page_id}
        if spec.limits and not repeats:
            group = self._bundle(candidate, world, settled, now)
        self._send(group, provider, world, plan, now=now)
        return {member.state.page_id for member in group}

    def _hold(self, candidate: Candidate, provider: str, world: World, now: float) -> Change | None:
        spec = self._specs[candidate.page.channel_kind]
        free = free_at(world.sent.get(candidate.contact, ()), spec.limits, now)
        if free > now:
            return held(candidate.state, free, ResultReason.BUNDLED)
        breaker = self.breaker(provider, spec)
        if not breaker.admits(now):
            return held(candidate.state, breaker.next_try(now), ResultReason.CIRCUIT_OPEN)
        return None

    def breaker(self, provider: str, spec: ChannelSpec) -> Breaker:
        """The circuit of a provider."""
        return self.breakers.setdefault(provider, Breaker(spec.circuit_failures, spec.circuit_pause))

    def _wanted(self, members: Iterable[Candidate], world: World, settled: set[str], now: float) -> list[Candidate]:
        """Those of them that nothing stands in the way of."""
        return [
            member
            for member in members
            if member.state.page_id not in settled and self._obstacle(member, world, now) is None
        ]

    def _bundle(self, first: Candidate, world: World, settled: set[str], now: float) -> list[Candidate]:
        """What is told in one message: the page and what else waits for the contact, as much as fits."""
        others = [other for other in world.companions.get(first.contact, ()) if other.state != first.state]
        known = {str(c.page.page_id): c for c in (first, *self._wanted(others, world, settled, now))}
        return [known[str(page.page_id)] for page in that_fit([candidate.page for candidate in known.values()])]

    def _ask(self, group: list[Candidate], key: str, provider: str, world: World, plan: Plan) -> set[str]:
        first = group[0]
        if world.free[first.page.channel_kind] > 0:
            world.free[first.page.channel_kind] -= 1
            self.questions[key] = self.questions.get(key, 0) + 1
            plan.asks.append(self.job(Errand.ASK, group, key=key, provider=provider, world=world))
        return {member.state.page_id for member in group}

    def _send(self, group: list[Candidate], provider: str, world: World, plan: Plan, *, now: float) -> None:
        first = group[0]
        repeats = first.state.status is Status.UNKNOWN
        pages = [member.page for member in group]
        key = (first.state.message_key if repeats else None) or key_of(pages)
        world.free[first.page.channel_kind] -= 1
        world.sent.setdefault(first.contact, []).append(now)
        plan.sends.append((self.job(Errand.SEND, group, key=key, provider=provider, world=world), group))

    def receipt(self, candidate: Candidate, world: World) -> Job | None:
        """The question whether an accepted page arrived; None where its channel cannot answer it any more."""
        spec, contact = self._specs[candidate.page.channel_kind], world.contacts[candidate.state.page_id]
        if not spec.can_learn_of_delivery or contact.address is None:
            return None
        key = candidate.state.message_key or candidate.state.page_id
        provider = spec.provider_of(contact.address)
        return self.job(Errand.RECEIPT, [candidate], key=key, provider=provider, world=world)

    def job(self, errand: Errand, group: Sequence[Candidate], *, key: str, provider: str, world: World) -> Job:
        """An errand about some pages."""
        first = group[0]
        more = 1 if errand is Errand.SEND else 0
        return Job(
            errand,
            self._specs[first.page.channel_kind],
            world.contacts[first.state.page_id],
            tuple(member.page for member in group),
            key,
            {member.state.page_id: member.state.attempts + more for member in group},
            provider,
            repeats=errand is Errand.SEND and first.state.status is Status.UNKNOWN,
            provider_id=first.state.provider_id,
            reasons=world.reasons,
        )
