"""How often passwords may be tried: slow for whoever guesses, never a lock on somebody else's name.

In: who tries, from where, and when. Out: that the password may be looked at, or how long to wait. State: counts in
memory, at most :data:`MOST` of each kind, the longest untouched forgotten first.

Wrong passwords count against whoever sends them and not against whom they are sent for, else a stranger shuts people
out of their own command centre. A browser that has signed in under a name bears a signed cookie that says so (OWASP,
"Slow Down Online Guessing Attacks with Device Cookies") and is counted by itself, whatever others do. All others are
counted by name and address, by address, and by name: of a name that is guessed at from everywhere, strangers may try
ever more slowly, but never less than once in :data:`SLOWEST` seconds, and an address from which its owner came in
does not belong to them.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from itsdangerous.exc import BadData
from itsdangerous.signer import Signer

from siaga.links import signer_of

#: Wrong passwords that a browser, or an address under one name, may send; then it waits :data:`LOCKED` seconds.
TRIES: Final = 5
LOCKED: Final = 300.0
#: The same of an address under whatever names: many people may share one.
TRIES_ADDRESS: Final = 50
#: Wrong passwords of strangers under one name before they are slowed down, each time by twice as much, up to
#: :data:`SLOWEST` seconds: fewer than a hundred guesses an hour.
TRIES_NAME: Final = 10
SLOWEST: Final = 60.0
#: Seconds without a wrong password after which a name is guessed at no more.
CALM: Final = 3600.0
#: Counts of each kind that are kept.
MOST: Final = 10_000
#: Longest name that is counted by itself; the form takes no longer one.
_LONGEST: Final = 200
_SALT: Final = "siaga.known-browser"


@dataclass(frozen=True, slots=True)
class Wait:
    """Too many wrong passwords; ``seconds`` until the next one is looked at."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who sends a password for ``name`` from ``address``; ``cookie`` is what their browser kept of it."""

    name: str
    address: str
    cookie: str = ""

    @classmethod
    def of(cls, name: str, host: str | None, cookie: str | None) -> Attempt:
        """One as it came. ``host`` is the client's address; of IPv6 the half that its owner cannot choose counts."""
        return cls(name[:_LONGEST], _network(host or ""), cookie or "")

    @property
    def pair(self) -> str:
        """Name and address in one; no address holds a space."""
        return f"{self.address} {self.name}"


@dataclass(slots=True)
class _Count:
    """Wrong passwords, when the last was sent, and until when no further one is looked at (epoch seconds)."""

    wrong: int = 0
    last: float = 0.0
    until: float = 0.0


class _Counts:
    """Counts by who they are about, each good for a while."""

    def __init__(self, tries: int, pause: Callable[[int], float], *, lasts: float, forgives: bool) -> None:
        """``pause`` says how long to wait after so many more wrong passwords than ``tries``, from 0 upwards; a count
        is forgotten ``lasts`` seconds after its last, and where it ``forgives``, after a right password."""
        self._tries, self._pause, self._lasts, self._forgives = tries, pause, lasts, forgives
        self._found: OrderedDict[str, _Count] = OrderedDict()

    def until(self, key: str, now: float) -> float:
        found = self._found.get(key)
        return 0.0 if found is None or found.until <= now else found.until

    def add(self, key: str, now: float) -> None:
        found = self._found.get(key)
        if found is None or now - found.last >= self._lasts:
            found = self._found[key] = _Count()
        self._found.move_to_end(key)
        found.wrong, found.last = found.wrong + 1, now
        over = found.wrong - self._tries
        found.until = now + self._pause(over) if over >= 0 else 0.0
        if len(self._found) > MOST:
            self._found.popitem(last=False)

    def right(self, key: str) -> None:
        """What was counted last was not wrong."""
        found = self._found.get(key)
        if found is None:
            return
        found.wrong, found.until = found.wrong - 1, 0.0
        if self._forgives or not found.wrong:
            del self._found[key]


def _lock(_over: int) -> float:
    return LOCKED


def _slower(over: int) -> float:
    return min(SLOWEST, 2.0 ** min(over, 10))


class Guessing:
    """The counts of one process. Any thread may use it."""

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        """``keys`` gives the keys that cookies are signed with: the first signs, those of all of them are good."""
        self._keys = keys
        self._lock = Lock()
        self._devices = _Counts(TRIES, _lock, lasts=LOCKED, forgives=True)
        self._pairs = _Counts(TRIES, _lock, lasts=LOCKED, forgives=True)
        # Who guesses at others' passwords may know one of their own.
        self._addresses = _Counts(TRIES_ADDRESS, _lock, lasts=LOCKED, forgives=False)
        self._names = _Counts(TRIES_NAME, _slower, lasts=CALM, forgives=False)
        # Only who knows a password gets in here, so that no flood of strangers pushes anybody out.
        self._known: OrderedDict[str, None] = OrderedDict()

    def admit(self, who: Attempt, now: float) -> Wait | None:
        """Whether a password may be looked at; then it counts as wrong until :meth:`succeeded`.

        So do those that are looked at in the same moment: however many are sent at once, no more are.
        """
        with self._lock:
            counted = self._counted(who)
            until = max(counts.until(key, now) for counts, key in counted)
            if until > now:
                return Wait(int(until - now) + 1)
            for counts, key in counted:
                counts.add(key, now)
        return None

    def succeeded(self, who: Attempt) -> str:
        """The password was right. What the browser is to keep (:attr:`Attempt.cookie`), so that it is known again."""
        with self._lock:
            for counts, key in self._counted(who):
                counts.right(key)
            self._known[who.pair] = None
            self._known.move_to_end(who.pair)
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        device = self._device(who) or secrets.token_urlsafe(16)
        return self._signer.sign(f"{_digest(who.name)}.{device}").decode()

    def _counted(self, who: Attempt) -> list[tuple[_Counts, str]]:
        device = self._device(who)
        if device is not None:
            return [(self._devices, device)]
        mine = [(self._pairs, who.pair), (self._addresses, who.address)]
        return mine if who.pair in self._known else [*mine, (self._names, who.name)]

    def _device(self, who: Attempt) -> str | None:
        """The browser that signed in under this name before, by its cookie."""
        try:
            name, _, device = self._signer.unsign(who.cookie).decode().partition(".")
        except (BadData, ValueError):
            return None
        return device if name == _digest(who.name) and device else None

    @property
    def _signer(self) -> Signer:
        return signer_of(self._keys(), _SALT)


def cookie_name(name: str) -> str:
    """Under which name a browser keeps that it is known as ``name``: several people may share one."""
    return f"siaga_known_{_digest(name)}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:_LONGEST].replace(" ", "_")
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)
