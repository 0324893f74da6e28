"""What is known of the election: stations, calendar, ruleset, taxonomy and devices, as ``siaga.registry`` tells them.

Input: the records of ``siaga.registry``, one after the other. Output: questions answered in constant time, however
many stations there are. State: everything kept, a district in about 17 KB.

One thread may :meth:`~Registry.apply` while others ask: what they are given never changes, it is only replaced.
"""

from __future__ import annotations

from collections.abc import Collection, KeysView
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from siaga.contracts.decode import problems_of
from siaga.contracts.registry import (
    Calendar,
    Device,
    DistrictStations,
    Entity,
    PostureEntry,
    RegistryEntry,
    RulesetEntry,
    StageEntry,
    TaxonomyEntry,
    key_of,
    parse_entry,
)
from siaga.contracts.roster import PolicyEntry, RosterEntry
from siaga.election.calendar import Timetable
from siaga.election.district import District, Station
from siaga.rules.errors import RulesError
from siaga.rules.ruleset import Ruleset, builtin_ruleset, builtin_ruleset_text, parse_ruleset
from siaga.rules.taxonomy import Taxonomy, builtin_taxonomy, parse_taxonomy
from siaga.rules.windows import Windows
from siaga.types import district_of

#: Devices are kept as they came and read when they report; so many stay read.
_DEVICES_READ: Final = 16_384
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Applied:
    """What a record changed. ``districts`` are those whose decisions it may change: None is all, empty is none."""

    entity: Entity
    name: str
    districts: frozenset[str] | None = _NONE


class Registry:
    """What is known of the election. Until something is loaded: the built-in rules, no calendar and no station.

    ``keep`` names the entities a process needs; records of others are checked for their key and forgotten.
    """

    def __init__(self, keep: Collection[Entity] = tuple(Entity)) -> None:
        self._keep = frozenset(keep)
        self._taxonomy = builtin_taxonomy()
        self._taxonomy_text: str | None = None
        self._ruleset = builtin_ruleset()
        self._calendar: Calendar | None = None
        self._timetable = Timetable(None)
        self._windows = Windows()
        self._districts: dict[str, District] = {}
        #: Hash of what a district was read from: the same record again changes nothing.
        self._read: dict[str, int] = {}
        self._devices: dict[str, bytes] = {}
        self._devices_read: dict[str, Device] = {}

    # -- asked ------------------------------------------------------------------------------------------------------

    @property
    def taxonomy(self) -> Taxonomy:
        """The kinds there are; the built-in ones until others are loaded."""
        return self._taxonomy

    @property
    def ruleset(self) -> Ruleset:
        """The rules of severity, compiled with :attr:`taxonomy`; the built-in ones until others are loaded."""
        return self._ruleset

    @property
    def calendar(self) -> Calendar | None:
        """The calendar, or None until one is loaded."""
        return self._calendar

    @property
    def windows(self) -> Windows:
        """The durations of the rules, at the calendar's speed."""
        return self._windows

    @property
    def district_codes(self) -> KeysView[str]:
        """The codes of the districts that are loaded."""
        return self._districts.keys()

    def district(self, code: str) -> District | None:
        """The district of this code, or None."""
        return self._districts.get(code)

    def station(self, station_id: str) -> Station | None:
        """The station of this number, or None."""
        district = self._districts.get(district_of(station_id))
        return None if district is None else district.station(station_id)

    def stage_at(self, at: float) -> StageEntry | None:
        """The stage at ``at`` (epoch seconds), or None between stages and where there is no calendar."""
        return self._timetable.at(at)

    def device(self, device_id: str) -> Device | None:
        """The device of this id, or None. Whether it is active is for the caller to look at."""
        device = self._devices_read.get(device_id)
        if device is None:
            value = self._devices.get(device_id)
            if value is None:
                return None
            device = Device.model_validate_json(value)
            if len(self._devices_read) >= _DEVICES_READ:
                self._devices_read.clear()
            self._devices_read[device_id] = device
        return device

    # -- told -------------------------------------------------------------------------------------------------------

    def apply(self, key: str, value: bytes | None) -> Applied:
        """Take in a record of ``siaga.registry``; ``None`` takes back what stands under its key.

        Raises:
            ValueError: the key or the entry cannot be used (a :class:`RulesError` names every problem of an entry);
                what was there stays.
        """
        entity, name = _split(key)
        if entity not in self._keep:
            return Applied(entity, name)
        if value is None:
            return Applied(entity, name, self._remove(entity, name))
        if entity is Entity.STATIONS and self._read.get(name) == hash(value):
            return Applied(entity, name)
        return Applied(entity, name, self._put(name, value, _parse(key, value)))

    def _put(self, name: str, value: bytes, entry: RegistryEntry) -> frozenset[str] | None:
        match entry:
            case DistrictStations():
                self._districts[name] = District(entry)
                self._read[name] = hash(value)
                return frozenset((name,))
            case Calendar():
                return self._set_calendar(entry)
            case TaxonomyEntry():
                return self._set_taxonomy(entry)
            case RulesetEntry():
                return self._set_ruleset(entry)
            case Device():
                self._devices[name] = value
                self._devices_read.pop(name, None)
                return _NONE
            case PolicyEntry() | RosterEntry() | PostureEntry():  # kept by others; triage decides without them
                return _NONE

    def _remove(self, entity: Entity, name: str) -> frozenset[str] | None:
        match entity:
            case Entity.STATIONS:
                self._read.pop(name, None)
                return frozenset((name,)) if self._districts.pop(name, None) is not None else _NONE
            case Entity.CALENDAR:
                return self._set_calendar(None)
            case Entity.TAXONOMY:
                return self._set_taxonomy(None)
            case Entity.RULESET:
                return self._set_ruleset(None)
            case Entity.DEVICE:
                self._devices.pop(name, None)
                self._devices_read.pop(name, None)
                return _NONE
            case Entity.POLICY | Entity.ROSTER | Entity.POSTURE:
                return _NONE

    def _set_calendar(self, calendar: Calendar | None) -> frozenset[str] | None:
        if calendar == self._calendar:
            return _NONE
        self._calendar, self._timetable = calendar, Timetable(calendar)
        self._windows = Windows().at_speed(calendar.speed) if calendar is not None else Windows()
        return None

    def _set_taxonomy(self, entry: TaxonomyEntry | None) -> frozenset[str] | None:
        text = None if entry is None else entry.toml
        if text == self._taxonomy_text:
            return _NONE
        taxonomy = builtin_taxonomy() if text is None else parse_taxonomy(text)
        if entry is not None:
            _same_version(entry.version, taxonomy.version)
        # A ruleset decides with the taxonomy it was compiled with.
        ruleset = parse_ruleset(self._ruleset.source, taxonomy)
        self._taxonomy, self._taxonomy_text, self._ruleset = taxonomy, text, ruleset
        return None

    def _set_ruleset(self, entry: RulesetEntry | None) -> frozenset[str] | None:
        text = builtin_ruleset_text() if entry is None else entry.toml
        if text == self._ruleset.source:
            return _NONE
        ruleset = parse_ruleset(text, self._taxonomy)
        if entry is not None:
            _same_version(entry.version, ruleset.version)
        self._ruleset = ruleset
        return None


def _split(key: str) -> tuple[Entity, str]:
    entity, _, name = key.partition("/")
    try:
        return Entity(entity), name
    except ValueError:
        raise ValueError(
            f"key: {key[:80]!r} is no registry entity; known are {', '.join(Entity)}: upgrade Siaga or remove it"
        ) from None


def _parse(key: str, value: bytes) -> RegistryEntry:
    """The entry, with its problems in our words and without its values: a vulnerability must not reach a log."""
    try:
        entry = parse_entry(key, value)
    except ValidationError as error:
        raise RulesError(problems_of(error)) from None
    if key_of(entry) != key:
        raise ValueError(f"key: {key[:80]!r} holds the entry of {key_of(entry)!r}; publish it under its own key")
    return entry


def _same_version(told: str, read: str) -> None:
    if told != read:
        raise ValueError(f"version: the entry says {told!r}, its TOML {read!r}; publish it with the version it has")
