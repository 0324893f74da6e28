"""What the rules see of an incident: its standing reports, boiled down so that order and repetition do not matter.

Nothing here names a person: who reported, with which device and in which words is kept as short digests that can only
be compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from siaga.contracts.report import AcceptedReport, Facts, Role, Weapons
from siaga.rules.taxonomy import Taxonomy, builtin_taxonomy

#: A shorter text (after normalising) repeats by chance: "TPS aman" is no forwarded message.
MIN_TEXT: Final = 20
#: From the least to the gravest.
WEAPONS: Final[tuple[str, ...]] = tuple(weapon.value for weapon in Weapons)
#: An estimate of a crowd that grows within the same hundred is not a worse crowd.
_CROWD_STEP: Final = 100

_RANK: Final = {weapon: rank for rank, weapon in enumerate(WEAPONS)}
_OFFICER: Final = Role.OFFICER.value
_PUBLIC: Final = Role.PUBLIC.value
_NOT_LETTERS: Final = re.compile(r"[\W_]+")
_NOT_LETTERS_ASCII: Final = bytes(byte for byte in range(128) if not chr(byte).isalnum())


@dataclass(frozen=True, slots=True)
class Standing:
    """One report as the rules see it. ``person``, ``device`` and ``text`` are digests; times are epoch seconds."""

    report_id: str
    kind: str
    role: str
    person: str
    device: str
    text: str
    at: float
    received: float
    injured: int | None = None
    dead: int | None = None
    crowd: int | None = None
    weapons: str | None = None
    ballots_threatened: bool | None = None
    voting_stopped: bool | None = None
    accused_unit: str | None = None
    skewed: bool = False
    drill: bool = False

    def to_row(self) -> list[Any]:
        """As a JSON array, the form it is remembered in."""
        return [
            *(self.report_id, self.kind, self.role, self.person, self.device, self.text, self.at, self.received),
            *(self.injured, self.dead, self.crowd, self.weapons, self.ballots_threatened, self.voting_stopped),
            *(self.accused_unit, self.skewed, self.drill),
        ]

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Standing:
        """Read back what :meth:`to_row` wrote."""
        return cls(*row)


def _digest(space: bytes, value: bytes) -> str:
    return blake2b(value, digest_size=8, person=space).hexdigest()


@lru_cache(maxsize=16_384)
def person_digest(person: str) -> str:
    """What stands for a reporter's id."""
    return _digest(b"person", person.encode())


@lru_cache(maxsize=16_384)
def device_digest(device: str) -> str:
    """What stands for a device's id."""
    return _digest(b"device", device.encode())


def text_digest(text: str) -> str:
    """What stands for a text, whatever its case, spacing and punctuation; empty for one too short to tell."""
    if len(text) < MIN_TEXT:
        return ""
    if text.isascii():
        letters = text.encode().lower().translate(None, _NOT_LETTERS_ASCII)
        return _digest(b"text", letters) if len(letters) >= MIN_TEXT else ""
    # Letters in ornament (bold, full width) are the same letters.
    folded = _NOT_LETTERS.sub("", unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))
    return _digest(b"text", folded.encode()) if len(folded) >= MIN_TEXT else ""


def standing_of(report: AcceptedReport, skew_after: float) -> Standing:
    """A report as the rules see it.

    ``skew_after`` is how many seconds ahead of its acceptance a report may claim to have happened; beyond, its clock
    is wrong and the time of its acceptance counts.
    """
    received = report.received_at.timestamp()
    at = report.occurred_at.timestamp()
    skewed = at > received + skew_after
    facts, reporter = report.facts, report.reporter
    return Standing(
        str(report.report_id),
        report.kind,
        reporter.role.value,
        person_digest(reporter.id),
        device_digest(report.device_id),
        text_digest(report.text),
        received if skewed else at,
        received,
        facts.injured,
        facts.dead,
        facts.crowd,
        None if facts.weapons is None else facts.weapons.value,
        facts.ballots_threatened,
        facts.voting_stopped,
        facts.accused_unit,
        skewed,
        report.drill,
    )


class Features(NamedTuple):
    """All that a decision depends on, besides the context. Unknown counts as 0, or false."""

    kinds: tuple[str, ...]
    dead: int
    injured: int
    crowd: int
    weapons: str
    ballots_threatened: bool
    voting_stopped: bool
    accused: bool
    reporters: int
    officer: bool
    public_only: bool
    skewed: bool
    #: Seconds between happening and acceptance of the report that came soonest.
    lateness: float


class Subject:
    """The standing reports of one incident together: the worst of each fact, and how many independent people say so.

    Adding is commutative, associative and idempotent (a report counts once, by its id).
    """

    __slots__ = (
        *("_features", "_ids", "_parent", "accused_unit", "ballots_threatened", "crowd", "dead", "first_at"),
        *("first_received", "injured", "kinds", "last_at", "last_received", "lateness", "officer", "public_only"),
        *("reporter_count", "skewed", "voting_stopped", "weapons", "accused_units"),
    )

    def __init__(self) -> None:
        self._ids: set[str] = set()
        #: Union-find over the digests of persons, devices and texts.
        self._parent: dict[str, str] = {}
        self._features: Features | None = None
        self.kinds: set[str] = set()
        self.injured: int | None = None
        self.dead: int | None = None
        self.crowd: int | None = None
        self.weapons: str | None = None
        self.ballots_threatened: bool | None = None
        self.voting_stopped: bool | None = None
        #: All units accused; the first of them by name is told with the facts.
        self.accused_units: set[str] = set()
        self.accused_unit: str | None = None
        self.reporter_count = 0
        self.officer = False
        self.public_only = False
        self.skewed = False
        self.lateness = 0.0
        self.first_at = self.last_at = self.first_received = self.last_received = 0.0

    @classmethod
    def of(cls, standings: Iterable[Standing]) -> Subject:
        """A subject of these reports."""
        subject = cls()
        for standing in standings:
            subject.add(standing)
        return subject

    @property
    def report_count(self) -> int:
        """How many reports, independent or not."""
        return len(self._ids)

    def add(self, standing: Standing) -> None:  # noqa: PLR0912 - one branch a fact, on the hot path
        """Take in one report; one that is in already changes nothing."""
        ids = self._ids
        if standing.report_id in ids:
            return
        at, received = standing.at, standing.received
        late = received - at if received > at else 0.0
        if ids:
            if at < self.first_at:
                self.first_at = at
            elif at > self.last_at:
                self.last_at = at
            if received < self.first_received:
                self.first_received = received
            elif received > self.last_received:
                self.last_received = received
            if late < self.lateness:  # noqa: PLR1730 - min() takes five times as long
                self.lateness = late
            if standing.role != _PUBLIC:
                self.public_only = False
        else:
            self.first_at = self.last_at = at
            self.first_received = self.last_received = received
            self.lateness = late
            self.public_only = standing.role == _PUBLIC
        ids.add(standing.report_id)
        self._features = None
        self.kinds.add(standing.kind)
        if standing.role == _OFFICER:
            self.officer = True
        if standing.skewed:
            self.skewed = True
        if (dead := standing.dead) is not None and (self.dead is None or dead > self.dead):
            self.dead = dead
        if (injured := standing.injured) is not None and (self.injured is None or injured > self.injured):
            self.injured = injured
        if (crowd := standing.crowd) is not None and (self.crowd is None or crowd > self.crowd):
            self.crowd = crowd
        if (weapons := standing.weapons) is not None and (
            self.weapons is None or _RANK[weapons] > _RANK[self.weapons]
        ):
            self.weapons = weapons
        if (threatened := standing.ballots_threatened) is not None and not self.ballots_threatened:
            self.ballots_threatened = threatened
        if (stopped := standing.voting_stopped) is not None and not self.voting_stopped:
            self.voting_stopped = stopped
        if (unit := standing.accused_unit) is not None:
            self.accused_units.add(unit)
            if self.accused_unit is None or unit < self.accused_unit:
                self.accused_unit = unit
        self._join(standing)

    def _join(self, standing: Standing) -> None:
        parent = self._parent
        root = ""
        fresh = []
        for key in (standing.person, standing.device, standing.text):
            if not key:
                continue
            if key not in parent:
                fresh.append(key)
                continue
            node = key
            while (above := parent[node]) != node:
                parent[node] = node = parent[above]  # halving the path keeps it short
            if not root:
                root = node
            elif node != root:
                parent[node] = root
                self.reporter_count -= 1
        if not root:
            self.reporter_count += 1
            if not fresh:
                return
            root = fresh[0]
        for key in fresh:
            parent[key] = root

    def features(self) -> Features:
        """All that a decision depends on, besides the context; hashable."""
        features = self._features
        if features is None:
            kinds = self.kinds
            features = self._features = Features(
                tuple(kinds) if len(kinds) == 1 else tuple(sorted(kinds)),
                self.dead or 0,
                self.injured or 0,
                self.crowd or 0,
                self.weapons or "none",
                bool(self.ballots_threatened),
                bool(self.voting_stopped),
                self.accused_unit is not None,
                self.reporter_count,
                self.officer,
                self.public_only,
                self.skewed,
                self.lateness,
            )
        return features

    def facts(self) -> Facts:
        """The worst that the reports say; what none of them says stays unknown."""
        return Facts(
            injured=self.injured,
            dead=self.dead,
            crowd=self.crowd,
            weapons=None if self.weapons is None else Weapons(self.weapons),
            ballots_threatened=self.ballots_threatened,
            voting_stopped=self.voting_stopped,
            accused_unit=self.accused_unit,
        )


def harm_of(subject: Subject, taxonomy: Taxonomy | None = None) -> tuple[int, ...]:
    """How bad the facts are, component by component; more is worse. For :func:`is_worse`.

    ``taxonomy`` (the built-in one unless given) says how grave the gravest kind is.
    """
    known = taxonomy or builtin_taxonomy()
    base = known.gravest_or_unknown(subject.kinds).base if subject.kinds else 6
    return (
        6 - base,
        subject.dead or 0,
        subject.injured or 0,
        (subject.crowd or 0) // _CROWD_STEP,
        _RANK[subject.weapons or "none"],
        int(bool(subject.ballots_threatened)),
        int(bool(subject.voting_stopped)),
    )


def is_worse(now: Sequence[int], then: Sequence[int]) -> bool:
    """Whether any component is worse ``now`` than it was ``then``: a human override ends there."""
    return any(after > before for after, before in zip(now, then, strict=False))
