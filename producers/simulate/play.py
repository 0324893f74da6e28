"""Plays a plan on the real clock: each phone keeps its own queue and drops nothing, like a phone out of reach."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, Full, Queue
from threading import Event as Flag
from threading import Thread
from typing import Final

from producers.simulate.client import MAX_BATCH, Answer, Line, Outcome, Unreachable
from producers.simulate.plan import PHONES, Event
from producers.simulate.tally import Tally

#: How long the check-ins' phone gathers before it posts, in seconds.
_GATHER: Final = 0.1
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 10.0
#: How long a refused token is tried again: a device just added takes a moment to be known everywhere.
_PATIENCE: Final = 20.0
#: Messages a phone keeps; beyond it the plan waits, so that a long outage does not fill the memory.
_KEPT: Final = 50_000


class Unauthorised(Exception):
    """The gateway does not know the device."""


class _Phone(Thread):
    """Sends one queue in order; the first message blocks the rest until the gateway has answered for it."""

    def __init__(self, number: int, gateway: str, token: str, tally: Tally, stop: Flag) -> None:
        super().__init__(name=f"phone-{number}", daemon=True)
        self._line = Line(gateway, token)
        self._batch = MAX_BATCH if number == 0 else 1
        self._tally = tally
        self._stop_now = stop
        self._queue: Queue[Event | None] = Queue(_KEPT)
        self.unauthorised = False

    def keep(self, event: Event | None) -> bool:
        """Queue a message (``None`` ends the day); false while the queue is full."""
        try:
            self._queue.put(event, timeout=0.25)
        except Full:
            return False
        return True

    def run(self) -> None:
        try:
            while not self._stop_now.is_set():
                events, over = self._next()
                self._send(events)
                if over:
                    return
        finally:
            self._line.close()

    def _next(self) -> tuple[list[Event], bool]:
        events: list[Event] = []
        until: float | None = None
        while len(events) < self._batch and not self._stop_now.is_set():
            wait = 0.25 if until is None else until - time.monotonic()
            try:
                event = self._queue.get(timeout=wait) if wait > 0 else self._queue.get_nowait()
            except Empty:
                if until is not None and time.monotonic() >= until:
                    break
                continue
            if event is None:
                return events, True
            events.append(event)
            until = time.monotonic() + _GATHER if until is None else until
        return events, False

    def _send(self, events: list[Event]) -> None:
        pause, refused_since = _FIRST_PAUSE, None
        while events and not self._stop_now.is_set():
            try:
                answer = self._post(events)
            except Unreachable:
                answer = Answer(((Outcome.LATER, "unreachable"),) * len(events))
            events, unauthorised = self._settle(events, answer)
            if not events:
                return
            if unauthorised:
                refused_since = refused_since or time.monotonic()
                if time.monotonic() - refused_since > _PATIENCE:
                    self.unauthorised = True
                    self._stop_now.set()
                    return
            self._tally.retry()
            self._stop_now.wait(pause if answer.retry_after is None else max(answer.retry_after, _FIRST_PAUSE))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _post(self, events: list[Event]) -> Answer:
        if self._batch > 1:
            return self._line.checkins([event.item for event in events])
        return self._line.report(events[0].item)

    def _settle(self, events: list[Event], answer: Answer) -> tuple[list[Event], bool]:
        """Count what is settled; the rest, and whether the device was refused."""
        again: list[Event] = []
        unauthorised = False
        now = time.time()
        for event, (outcome, reason) in zip(events, answer.outcomes, strict=True):
            if outcome in (Outcome.LATER, Outcome.UNAUTHORISED):
                again.append(event)
                unauthorised = unauthorised or outcome is Outcome.UNAUTHORISED
            else:
                self._tally.settle(outcome, reason, max(0.0, now - event.at))
        return again, unauthorised


def play(
    plan: Iterable[Event],
    *,
    gateway: str,
    tokens: Sequence[str],
    tally: Tally,
    stop: Flag,
    on_tick: Callable[[float], None] = lambda _: None,
) -> None:
    """Send every event of ``plan`` when it is due; return when the gateway has answered for the last one.

    Args:
        plan: in order of time. Events that are past are sent at once.
        gateway: the base URL.
        tokens: devices' tokens. With several, the people of a scene have devices of their own; with one, all that
            they say counts as one voice.
        tally: is kept up to date.
        stop: set it to end early; what is still queued is then left.
        on_tick: called several times a second with the present time (epoch seconds).

    Raises:
        ValueError: the gateway's address is wrong, or there is no token.
        Unauthorised: the gateway does not know one of the devices.
    """
    if not tokens:
        raise ValueError("token: there is none; make one with 'siaga device add' and set SIAGA_TOKEN")
    phones = [_Phone(n, gateway, tokens[n % len(tokens)], tally, stop) for n in range(PHONES + 1)]
    for phone in phones:
        phone.start()
    try:
        for event in plan:
            while (wait := event.at - time.time()) > 0 and not stop.is_set():
                on_tick(time.time())
                stop.wait(min(wait, 0.25))
            if stop.is_set():
                break
            tally.plan(event.kind)
            _hand(phones[event.phone], event, stop, on_tick)
        for phone in phones:
            _hand(phone, None, stop, on_tick)
        for phone in phones:
            while phone.is_alive():
                phone.join(0.25)
                on_tick(time.time())
    finally:
        stop.set()
    if any(phone.unauthorised for phone in phones):
        raise Unauthorised(
            "token: the gateway does not know this device, or it is disabled; "
            "see 'siaga device list', make one with 'siaga device add'"
        )


def _hand(phone: _Phone, event: Event | None, stop: Flag, on_tick: Callable[[float], None]) -> None:
    while not stop.is_set() and not phone.keep(event):
        on_tick(time.time())
