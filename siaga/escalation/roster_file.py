"""A roster as people write it: TOML, in local time, with rotations and handovers.

Input: text. Output: a :class:`~siaga.contracts.roster.RosterEntry` with explicit shifts in UTC, or every problem with
its remedy. The form is in ``docs/reference/roster.md``. Problems never repeat an address or a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from siaga.contracts.decode import problems_of
from siaga.contracts.page import ChannelKind, Language
from siaga.contracts.roster import RosterEntry
from siaga.rules.errors import Findings, RulesError, read_toml, suggestion

_PARTS: Final = (
    "version",
    "area",
    "timezone",
    "agency",
    "officer",
    "shift",
    "rotation",
    "override",
    "mediators",
)
_CODE: Final = re.compile(r"^[a-z][a-z0-9-]{0,59}$")
_AREA: Final = re.compile(r"^\d{2}(\.\d{2}){0,2}$")
_DISTRICT: Final = re.compile(r"^\d{2}\.\d{2}\.\d{2}$")
_VILLAGE: Final = re.compile(r"^\d{2}\.\d{2}\.\d{2}\.\d{4}$")
_MOST_TURNS: Final = 2_000


def parse_roster(toml: str) -> RosterEntry:
    """Read a roster.

    Raises:
        RulesError: something is wrong with it; every problem is named with its remedy.
    """
    return _Reader(read_toml(toml)).read()


class _Reader:
    def __init__(self, table: dict[str, Any]) -> None:
        self._table = table
        self._found = Findings()
        self._zone = ZoneInfo("Asia/Jakarta")
        self._agencies: list[dict[str, Any]] = []
        self._officers: list[dict[str, Any]] = []

    def read(self) -> RosterEntry:
        found, table = self._found, self._table
        found.unknown("", table, _PARTS, "part of a roster")
        version = found.token("version", table.get("version"), "kabupaten-1")
        area = table.get("area")
        if not isinstance(area, str) or not _AREA.match(area):
            found.add("area", "is missing or no area", "write a Kemendagri code, such as '33.26' for a regency")
        self._read_zone()
        self._read_agencies()
        self._read_officers()
        entry = {
            "schema_version": 1,
            "version": version,
            "area": area,
            "timezone": str(self._zone),
            "agencies": self._agencies,
            "officers": self._officers,
            "shifts": [*self._shifts(), *self._rotations()],
            "overrides": self._overrides(),
            "mediators": self._mediators(),
        }
        found.raise_any()
        try:
            return RosterEntry.model_validate(entry)
        except ValidationError as error:
            raise RulesError(problems_of(error)) from None

    def _read_zone(self) -> None:
        name = self._table.get("timezone", "Asia/Jakarta")
        try:
            self._zone = ZoneInfo(name)
        except (KeyError, ValueError, TypeError, OSError):
            self._found.add("timezone", "is no time zone", "write a name such as Asia/Jakarta or Asia/Makassar")

    # -- who --------------------------------------------------------------------------------------------------------

    def _read_agencies(self) -> None:
        for code, entry in self._named("agency", "[agency.polsek-kajen]"):
            place = f"agency.{code}"
            self._code(place, code)
            self._found.unknown(place, entry, ("kind", "name", "districts"), "field of an agency")
            districts = entry.get("districts", [])
            if not isinstance(districts, list) or not all(
                isinstance(d, str) and _DISTRICT.match(d) for d in districts
            ):
                self._found.add(f"{place}.districts", "holds what is no district", "write codes such as ['33.26.09']")
                districts = []
            kind = entry.get("kind", code)
            self._code(f"{place}.kind", kind)
            name = self._found.text(f"{place}.name", entry.get("name"), "say what it is called")
            self._agencies.append({"agency": code, "kind": kind, "name": name, "districts": districts})

    def _read_officers(self) -> None:
        for officer_id, entry in self._named("officer", "[officer.budi]"):
            place = f"officer.{officer_id}"
            self._found.token(place, officer_id, "budi")
            fields = ("name", "agency", "language", "cleared", "channels")
            self._found.unknown(place, entry, fields, "field of an officer")
            self._known(f"{place}.agency", entry.get("agency"), [a["agency"] for a in self._agencies], "agency")
            language = entry.get("language", "id")
            if language not in tuple(Language):
                self._found.add(f"{place}.language", "is no language", "write 'id' or 'en'")
            cleared = entry.get("cleared", False)
            if not isinstance(cleared, bool):
                self._found.add(f"{place}.cleared", "is not true or false", "write true or leave it out")
            self._officers.append(
                {
                    "officer_id": officer_id,
                    "name": self._found.text(f"{place}.name", entry.get("name"), "say who it is"),
                    "agency": entry.get("agency"),
                    "language": language,
                    "cleared": cleared,
                    "channels": self._channels(place, entry.get("channels", [])),
                }
            )

    def _channels(self, place: str, entries: object) -> list[dict[str, Any]]:
        if not isinstance(entries, list):
            self._found.add(f"{place}.channels", "is no list", "write [{ kind = 'sms', address = '+62…' }]")
            return []
        channels, names = [], set()
        for number, entry in enumerate(entries):
            here = f"{place}.channels[{number}]"
            if not isinstance(entry, dict):
                self._found.add(here, "is not a table", "write { kind = 'sms', address = '+62…' }")
                continue
            self._found.unknown(here, entry, ("name", "kind", "address"), "field of a channel")
            kind, address = entry.get("kind"), entry.get("address")
            self._known(f"{here}.kind", kind, [str(k) for k in ChannelKind], "kind of channel")
            if not isinstance(address, str) or not address.strip():
                self._found.add(f"{here}.address", "is missing", "write where it reaches them")
            name = entry.get("name", kind)
            if name in names:
                self._found.add(
                    f"{here}.name", "there are two of this name", "give one another, such as name = 'sms-2'"
                )
            names.add(name)
            channels.append({"name": name, "kind": kind, "address": address})
        return channels

    # -- when -------------------------------------------------------------------------------------------------------

    def _shifts(self) -> list[dict[str, Any]]:
        shifts = []
        for place, entry in self._listed("shift"):
            self._found.unknown(place, entry, ("desk", "officer", "from", "to"), "field of a shift")
            shifts.append(self._turn(place, entry, entry.get("officer")))
        return [shift for shift in shifts if shift is not None]

    def _rotations(self) -> list[dict[str, Any]]:
        """Officers who relieve each other every so many hours; a handover keeps the one before for a while."""
        shifts = []
        for place, entry in self._listed("rotation"):
            fields = ("desk", "officers", "from", "to", "hours", "handover_minutes")
            self._found.unknown(place, entry, fields, "field of a rotation")
            officers = entry.get("officers")
            if not isinstance(officers, list) or not officers:
                self._found.add(f"{place}.officers", "is missing or empty", "name who relieves whom, in order")
                continue
            hours = self._number(f"{place}.hours", entry.get("hours", 12), 168)
            handover = self._number(f"{place}.handover_minutes", entry.get("handover_minutes", 0), 240, least=0)
            whole = self._turn(place, entry, officers[0])
            for officer in officers[1:]:
                self._known(f"{place}.officers", officer, self._ids(), "officer")
            if whole is None or hours is None or handover is None:
                continue
            begins, ends, turn = whole["starts_at"], whole["ends_at"], timedelta(hours=hours)
            if (ends - begins) / turn > _MOST_TURNS:
                self._found.add(
                    f"{place}.hours", "makes too many shifts", "make turns longer or the rotation shorter"
                )
                continue
            number = 0
            while begins < ends:
                until = min(begins + turn, ends)
                extended = min(until + timedelta(minutes=handover), ends)
                officer = officers[number % len(officers)]
                shifts.append({**whole, "officer_id": officer, "starts_at": begins, "ends_at": extended})
                begins, number = until, number + 1
        return shifts

    def _overrides(self) -> list[dict[str, Any]]:
        overrides = []
        for place, entry in self._listed("override"):
            self._found.unknown(place, entry, ("desk", "officer", "instead_of", "from", "to"), "field of an override")
            turn = self._turn(place, entry, entry.get("officer"))
            instead = entry.get("instead_of")
            if instead is not None:
                self._known(f"{place}.instead_of", instead, self._ids(), "officer")
            if turn is not None:
                overrides.append({**turn, "instead_of": instead})
        return overrides

    def _mediators(self) -> list[dict[str, Any]]:
        table = self._table.get("mediators", {})
        if not isinstance(table, dict):
            self._found.add("mediators", "is not a table", "begin it with [mediators]")
            return []
        for village, officer in table.items():
            place = f"mediators.{village}"
            if not _VILLAGE.match(village):
                self._found.add(place, "is no village", "write its code in quotes, such as '33.26.09.2001'")
            self._known(place, officer, self._ids(), "officer")
        return [{"village": village, "officer_id": officer} for village, officer in table.items()]

    def _turn(self, place: str, entry: Mapping[str, Any], officer: object) -> dict[str, Any] | None:
        before = len(self._found.problems)
        desk = entry.get("desk")
        agency, _, role = desk.partition("/") if isinstance(desk, str) else ("", "", "")
        if not _CODE.match(agency) or not _CODE.match(role):
            self._found.add(f"{place}.desk", "is missing or no desk", "write agency/role, such as polsek-kajen/duty")
        else:
            self._known(f"{place}.desk", agency, [a["agency"] for a in self._agencies], "agency")
        self._known(f"{place}.officer", officer, self._ids(), "officer")
        begins = self._moment(f"{place}.from", entry.get("from"))
        ends = self._moment(f"{place}.to", entry.get("to"))
        if begins is not None and ends is not None and ends <= begins:
            self._found.add(f"{place}.to", "is not after its beginning", "swap or correct the times")
        if len(self._found.problems) > before:
            return None
        return {"agency": agency, "role": role, "officer_id": officer, "starts_at": begins, "ends_at": ends}

    def _moment(self, place: str, value: object) -> datetime | None:
        """A time of day here, in UTC. One that a change of clocks skips or repeats has to name its offset."""
        if not isinstance(value, datetime):
            self._found.add(place, "is missing or no time", "write it without quotes, such as 2022-02-23T06:00:00")
            return None
        if value.tzinfo is not None:
            return value.astimezone(UTC)
        early, late = (value.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        if early.utcoffset() != late.utcoffset():
            self._found.add(
                place, f"is no single time in {self._zone}: the clocks change", "add an offset, as in +07:00"
            )
            return None
        return early.astimezone(UTC)

    # -- small ------------------------------------------------------------------------------------------------------

    def _ids(self) -> list[str]:
        return [officer["officer_id"] for officer in self._officers]

    def _named(self, part: str, example: str) -> list[tuple[str, Mapping[str, Any]]]:
        table = self._table.get(part)
        if not isinstance(table, dict) or not table:
            self._found.add(part, "there is none", f"add at least one, beginning with {example}")
            return []
        entries: list[tuple[str, Mapping[str, Any]]] = []
        for name, entry in table.items():
            if isinstance(entry, dict):
                entries.append((name, entry))
            else:
                self._found.add(f"{part}.{name}", "is not a table", f"begin it as in {example}")
        return entries

    def _listed(self, part: str) -> list[tuple[str, Mapping[str, Any]]]:
        entries = self._table.get(part, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self._found.add(part, "is no list of tables", f"begin each with [[{part}]]")
            return []
        return [(f"{part}[{number}]", entry) for number, entry in enumerate(entries)]

    def _code(self, place: str, value: object) -> None:
        if not isinstance(value, str) or not _CODE.match(value):
            self._found.add(place, "is no code", "write lower-case letters, digits and -, such as polsek-kajen")

    def _known(self, place: str, value: object, known: list[str], what: str) -> None:
        if value not in known:
            told = "is missing" if value is None else f"is no {what} of the roster"
            listed = (
                f"known are {', '.join(known[:12])}{' …' if len(known) > 12 else ''}" if known else f"add the {what}"
            )
            self._found.add(place, told, f"{suggestion(str(value), known)}{listed}")

    def _number(self, place: str, value: object, most: float, *, least: float = 0.01) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        self._found.add(place, "is out of range or no number", f"write a number up to {most:g}")
        return None
