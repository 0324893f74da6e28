"""What tests send and load: sane defaults, and only what a test cares about named by it.

``report`` and ``checkin`` give the JSON objects a device posts; ``accepted`` what the gateway makes of one. The
places are two neighbouring districts with real codes; everything else is made up.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from siaga.contracts.checkin import AcceptedCheckIn, Phase
from siaga.contracts.command import Action, Command
from siaga.contracts.registry import Calendar, DistrictStations, RegistryEntry, StageEntry, StationEntry
from siaga.contracts.report import AcceptedReport
from siaga.types import Severity, Stage, Vulnerability

#: Kecamatan Kajen and its neighbour Karanganyar, Kabupaten Pekalongan.
DISTRICT: Final = "33.26.09"
OTHER_DISTRICT: Final = "33.26.08"
STATION: Final = f"{DISTRICT}.2001-001"
SECOND_STATION: Final = f"{DISTRICT}.2001-002"
THIRD_STATION: Final = f"{DISTRICT}.2001-003"
OTHER_STATION: Final = f"{OTHER_DISTRICT}.2001-001"

#: Where the districts' first stations stand (WGS 84: latitude, longitude); far apart, 6.8 km.
_POINTS: Final = {DISTRICT: (-7.026, 109.517), OTHER_DISTRICT: (-7.059, 109.576)}
DEVICE: Final = "uji-01"


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def report(
    kind: str = "violence.brawl",
    *,
    station: str = STATION,
    report_id: str | uuid.UUID | None = None,
    at: datetime | None = None,
    by: str = "anggota-1",
    role: str = "officer",
    text: str = "",
    drill: bool = False,
    facts: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A report as a device posts it. ``facts`` are the report's facts; ``more`` are its other fields, as they are."""
    return {
        "schema_version": 1,
        "report_id": str(report_id or uuid.uuid4()),
        "kind": kind,
        "station_id": station,
        "occurred_at": (at or now()).isoformat(),
        "reporter": {"id": by, "role": role},
        "facts": facts or {},
        "text": text,
        "drill": drill,
        **more,
    }


def checkin(
    *,
    station: str = STATION,
    report_id: str | uuid.UUID | None = None,
    at: datetime | None = None,
    by: str = "anggota-1",
    phase: str = "voting",
    drill: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """A check-in as a device posts it."""
    return {
        "schema_version": 1,
        "report_id": str(report_id or uuid.uuid4()),
        "station_id": station,
        "phase": phase,
        "occurred_at": (at or now()).isoformat(),
        "reporter": {"id": by, "role": "officer"},
        "drill": drill,
        **more,
    }


def accepted(item: dict[str, Any], *, received: datetime | None = None, device: str = DEVICE) -> AcceptedReport:
    """The report as the gateway writes it to Kafka; ``received`` is when it happened unless given."""
    at = received.isoformat() if received is not None else item["occurred_at"]
    return AcceptedReport.model_validate({**item, "received_at": at, "device_id": device})


def accepted_checkin(
    item: dict[str, Any], *, received: datetime | None = None, device: str = DEVICE
) -> AcceptedCheckIn:
    """The check-in as the gateway writes it to Kafka."""
    at = received.isoformat() if received is not None else item["occurred_at"]
    return AcceptedCheckIn.model_validate({**item, "received_at": at, "device_id": device})


def command(
    action: str | Action,
    incident_id: str | uuid.UUID,
    *,
    district: str = DISTRICT,
    by: str = "komandan-1",
    at: datetime | None = None,
    reason: str = "sesuai laporan lapangan",
    severity: int | None = None,
    assignee: str | None = None,
    command_id: str | uuid.UUID | None = None,
) -> Command:
    """A person's decision about an incident."""
    return Command(
        schema_version=1,
        command_id=uuid.UUID(str(command_id)) if command_id else uuid.uuid4(),
        incident_id=uuid.UUID(str(incident_id)),
        district=district,
        action=Action(action),
        by=by,
        at=at or now(),
        reason=reason,
        severity=Severity(severity) if severity else None,
        assignee=assignee,
    )


def district(
    code: str = DISTRICT,
    *,
    stations: int = 3,
    neighbours: Iterable[str] = (),
    at: tuple[float, float] | None = None,
    vulnerability: dict[str, Vulnerability] | None = None,
) -> DistrictStations:
    """A district with so many stations in one village, about 110 m from each other in a line to the north."""
    lat, lon = at or _POINTS.get(code, (-7.0, 109.6))
    classes = vulnerability or {}
    ids = [f"{code}.2001-{number:03d}" for number in range(1, stations + 1)]
    return DistrictStations(
        schema_version=1,
        district=code,
        name=f"Kecamatan {code}",
        neighbours=tuple(neighbours),
        stations=tuple(
            StationEntry(
                station_id=station,
                name=f"TPS {number:03d}",
                village="Desa Uji",
                lat=lat + 0.001 * number,
                lon=lon,
                vulnerability=classes.get(station, Vulnerability.AMAN),
                voters=300,
            )
            for number, station in enumerate(ids)
        ),
    )


def calendar(
    *,
    stage: Stage = Stage.VOTING,
    starts: datetime | None = None,
    hours: float = 12,
    checkin_every: timedelta | None = None,
    speed: float = 1.0,
) -> Calendar:
    """One stage that began an hour ago (or at ``starts``); no check-ins are expected unless ``checkin_every``.

    ``hours`` are real ones; ``speed`` divides the durations of the rules, as in the contract.
    """
    first = starts or now() - timedelta(hours=1)
    phase = {Stage.VOTING: Phase.VOTING, Stage.COUNTING: Phase.COUNTING}.get(stage)
    return Calendar(
        schema_version=1,
        election="pilkades-uji",
        name="Pilkades uji",
        speed=speed,
        stages=(
            StageEntry(
                stage=stage,
                starts_at=first,
                ends_at=first + timedelta(hours=hours),
                checkin_every=checkin_every,
                phase=phase,
            ),
        ),
    )


def small_registry(
    *, day: Calendar | None = None, stations: int = 3, vulnerability: dict[str, Vulnerability] | None = None
) -> list[RegistryEntry]:
    """Two neighbouring districts of so many stations each, on a voting day."""
    return [
        day or calendar(),
        district(DISTRICT, stations=stations, neighbours=(OTHER_DISTRICT,), vulnerability=vulnerability),
        district(OTHER_DISTRICT, stations=stations, neighbours=(DISTRICT,), vulnerability=vulnerability),
    ]


def stations_of(entries: Sequence[RegistryEntry]) -> list[str]:
    """The numbers of all stations in ``entries``."""
    return [s.station_id for entry in entries if isinstance(entry, DistrictStations) for s in entry.stations]
