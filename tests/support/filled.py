"""A database filled as the store would fill it, for tests of the command centre: no broker, no processes.

Whatever is confidential carries a mark that is easy to find where it should not be.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from siaga.contracts.incident import Incident
from siaga.contracts.registry import DistrictStations, RegistryEntry, key_of
from siaga.rules.taxonomy import builtin_taxonomy
from siaga.settings import Settings
from siaga.store import paging, tables
from sinks.database import engine_of
from tests.support import builders

#: What nobody may see who need not know it.
REPORTER: Final = "RAHASIA-pelapor-7"
DEVICE: Final = "RAHASIA-gawai-7"
OFFICER: Final = "RAHASIA-petugas-7"
RULE: Final = "RAHASIA-aturan"
WHY: Final = "RAHASIA alasan kerawanan"
PHONE: Final = "081234567899"
NIK: Final = "3326081508900001"
EMAIL: Final = "rahasia.warga@contoh.id"
CLASS: Final = "sangat_rawan"
ACCUSED: Final = "polsek-kajen"
ACCUSING: Final = "RAHASIA-tuduhan"


def incident(
    kind: str = "violence.brawl",
    *,
    severity: int = 3,
    state: str = "open",
    station: str | None = builders.STATION,
    district: str | None = None,
    opened: datetime | None = None,
    incident_id: str | uuid.UUID | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An incident's snapshot as JSON; ``more`` are its other fields, as they are."""
    at = opened or builders.now()
    found = builtin_taxonomy().get(kind)
    lead = found.lead if found is not None else "polres"
    whole = {
        "schema_version": 1,
        "incident_id": str(incident_id or uuid.uuid4()),
        "version": 1,
        "district": district or (station or builders.STATION)[:8],
        "station_id": station,
        "kind": kind,
        "family": kind.partition(".")[0],
        "lead_agency": lead,
        "support_agencies": list(found.support) if found is not None else [],
        "state": state,
        "severity": severity,
        "computed_severity": severity,
        "certainty": "likely",
        "urgency": "immediate",
        "reasons": [
            {"rule": "base", "effect": "base", "id": "Tingkat dasar", "en": "Base severity"},
            {"rule": RULE, "effect": "raise_by", "id": WHY, "en": WHY, "confidential": True},
        ],
        "facts": {},
        "report_count": 1,
        "reporter_count": 1,
        "first_occurred_at": at,
        "last_occurred_at": at,
        "first_received_at": at,
        "opened_at": at,
        "updated_at": at,
        "ruleset": "uji-1",
        **more,
    }
    body: dict[str, Any] = Incident.model_validate(whole).model_dump(mode="json")
    return body


class Filled:
    """The tables, and rows put into them one after the other, each with the next ``seq``."""

    def __init__(self, url: str) -> None:
        # The store's own: all tables are one transaction, and SQLite waits for the disk once and not sixty times.
        self.engine = engine_of(Settings(database=url), writes=True)
        tables.metadata.create_all(self.engine)
        self.seq = 0

    def put(self, *incidents: Mapping[str, Any]) -> None:
        """Insert incidents, or replace those there, and move the feed: in one transaction."""
        with self.engine.begin() as connection:
            ids = [body["incident_id"] for body in incidents]
            table = tables.incidents
            for start in range(0, len(ids), 500):
                connection.execute(table.delete().where(table.c.incident_id.in_(ids[start : start + 500])))
            rows = [self._row(body) for body in incidents]
            if rows:
                connection.execute(table.insert(), rows)
            self._move(connection)

    def _row(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self.seq += 1
        names = {column.name for column in tables.incidents.columns}
        row = {name: value for name, value in body.items() if name in names}
        for name in ("first_occurred_at", "last_occurred_at", "first_received_at", "opened_at", "updated_at"):
            row[name] = datetime.fromisoformat(body[name])
        return {**row, "epoch": 1, "body": dict(body), "seq": self.seq}

    def put_report(self, report: Mapping[str, Any], incident_id: str | None, *, device: str = DEVICE) -> None:
        """Insert a report (as a device posts it) that is part of an incident."""
        body = builders.accepted(dict(report), device=device).model_dump(mode="json")
        with self.engine.begin() as connection:
            self.seq += 1
            row = {
                **{name: body[name] for name in ("report_id", "station_id", "kind", "channel", "withdraws", "drill")},
                "district": body["station_id"][:8],
                "occurred_at": datetime.fromisoformat(body["occurred_at"]),
                "received_at": datetime.fromisoformat(body["received_at"]),
                "device_id": device,
                "reporter_role": body["reporter"]["role"],
                "body": body,
                "incident_id": incident_id,
                "seq": self.seq,
            }
            connection.execute(tables.reports.insert().values(row))
            self._move(connection)

    def put_history(
        self, incident_id: str, change: str, *, by: str | None = None, detail: str = "", at: datetime | None = None
    ) -> None:
        """Insert one thing that happened to an incident."""
        with self.engine.begin() as connection:
            self.seq += 1
            row = {
                "event_id": uuid.uuid4().hex,
                "incident_id": incident_id,
                "change": change,
                "at": at or builders.now(),
                "actor": by,
                "detail": detail,
                "seq": self.seq,
            }
            connection.execute(tables.incident_events.insert().values(row))

    def put_ladder(self, incident: Mapping[str, Any], state: str = "paging", **more: Any) -> None:
        """Where an incident stands on its policy, or stands now."""
        with self.engine.begin() as connection:
            self.seq += 1
            row = {
                "incident_id": incident["incident_id"],
                "epoch": 1,
                "version": self.seq,
                "generation": 1,
                "district": incident["district"],
                "station_id": incident["station_id"],
                "kind": incident["kind"],
                "severity": incident["severity"],
                "lead_agency": incident["lead_agency"],
                "state": state,
                "reason": "opened",
                "level": 1,
                "round": 1,
                "next_due_at": builders.now() + timedelta(minutes=2),
                "next_timer": "deadline",
                "verify": False,
                "policy": "uji-1",
                "roster": "uji-1",
                "opened_at": builders.now(),
                "updated_at": builders.now(),
                "drill": False,
                "body": {},
                "seq": self.seq,
                **more,
            }
            table = paging.escalations
            connection.execute(table.delete().where(table.c.incident_id == incident["incident_id"]))
            connection.execute(table.insert().values(row))
            self._move(connection)

    def put_page(
        self, incident: Mapping[str, Any], *, officer: str = OFFICER, status: str = "accepted", **more: Any
    ) -> uuid.UUID:
        """One call to an officer about an incident, and the step that says why; the page's id.

        ``more`` are columns of the page.
        """
        page_id, at = str(uuid.uuid4()), builders.now()
        with self.engine.begin() as connection:
            self.seq += 1
            shared = {"incident_id": incident["incident_id"], "generation": 1, "level": 1, "round": 1}
            row = {
                **shared,
                "page_id": page_id,
                "district": incident["district"],
                "officer_id": officer,
                "agency": "polsek-bojong",
                "channel": f"{OFFICER}-hp",
                "channel_kind": "sms",
                "purpose": "page",
                "severity": incident["severity"],
                "code": "K7M2P",
                "due_at": at,
                "expires_at": at + timedelta(hours=1),
                "drill": False,
                "body": {"reason": "opened", "text": PHONE},
                "status": status,
                "reason": "none",
                "attempts": 1,
                "waits": False,
                "doubtful": False,
                "provider_id": f"{OFFICER}-9",
                "sent_at": at,
                "seq": self.seq,
            }
            row |= more
            connection.execute(paging.pages.insert().values(row))
            shared |= {name: row[name] for name in shared}
            step = {
                "step_id": uuid.uuid4().hex,
                "at": row["due_at"],
                "reason": "opened",
                "officer_id": officer,
                "seq": self.seq,
            }
            step |= {"channel": f"{OFFICER}-hp", "page_id": page_id, "desk": "polsek/duty"}
            connection.execute(paging.escalation_steps.insert().values(**shared, **step))
            self._move(connection)
        return uuid.UUID(page_id)

    def put_checkins(self, stations: Iterable[str], *, at: datetime | None = None) -> None:
        """A check-in of each station."""
        rows = [
            {
                "report_id": str(uuid.uuid4()),
                "station_id": station,
                "district": station[:8],
                "phase": "voting",
                "occurred_at": at or builders.now(),
                "received_at": at or builders.now(),
                "device_id": DEVICE,
                "reporter_id": REPORTER,
                "reporter_role": "officer",
                "channel": "app",
                "drill": False,
            }
            for station in stations
        ]
        with self.engine.begin() as connection:
            connection.execute(tables.checkins.insert(), rows)

    def put_registry(self, *entries: RegistryEntry) -> None:
        """Load registry entries: as they travelled, and the stations in their table."""
        with self.engine.begin() as connection:
            for entry in entries:
                self.seq += 1
                row = {"key": key_of(entry), "value": entry.to_json(), "epoch": 1, "kafka_offset": self.seq}
                connection.execute(tables.registry.insert().values(**row, at=builders.now()))
                if isinstance(entry, DistrictStations):
                    self._put_district(connection, entry)
            self._move(connection)

    def _put_district(self, connection: sa.Connection, entry: DistrictStations) -> None:
        connection.execute(
            tables.districts.insert().values(
                district=entry.district,
                name=entry.name,
                neighbours=list(entry.neighbours),
                station_count=len(entry.stations),
                seq=self.seq,
            )
        )
        rows = [{**s.model_dump(mode="json"), "district": entry.district, "seq": self.seq} for s in entry.stations]
        if rows:
            connection.execute(tables.stations.insert(), rows)

    def _move(self, connection: sa.Connection) -> None:
        connection.execute(tables.feed.delete())
        connection.execute(tables.feed.insert().values(id=1, seq=self.seq))


def secrets_everywhere(filled: Filled) -> dict[str, str]:
    """Fill the database with marked secrets; the ids of the incidents: ``plain`` and ``accusing``."""
    ago = datetime.now(UTC) - timedelta(minutes=3)
    text = f"Hubungi {PHONE} atau {EMAIL}, NIK {NIK}"
    plain = incident(
        "violence.brawl",
        severity=2,
        opened=ago,
        state="acknowledged",
        acknowledged_by=OFFICER,
        assigned_to=OFFICER,
        verified_by=OFFICER,
        outcome=text,
        override={"severity": 2, "by": OFFICER, "reason": text, "at": ago, "computed": 3},
    )
    accusing = incident(
        "neutrality.officer",
        severity=3,
        opened=ago,
        outcome=ACCUSING,
        lead_agency="propam",
        support_agencies=["polsek"],
        facts={"accused_unit": ACCUSED},
    )
    filled.put(plain, accusing)
    for body in (plain, accusing):
        accused = body["facts"]["accused_unit"]
        report = builders.report(by=REPORTER, text=text, at=ago, location={"lat": -7.123456, "lon": 109.654321})
        if accused:
            report = {**report, "facts": {"accused_unit": accused}, "text": ACCUSING}
        filled.put_report(report, body["incident_id"])
        filled.put_history(body["incident_id"], "acknowledged", by=OFFICER, detail=text)
        filled.put_history(body["incident_id"], "raised", detail=RULE)
        filled.put_ladder(body, "acknowledged", acknowledged_by=OFFICER)
        filled.put_page(body)
    return {"plain": plain["incident_id"], "accusing": accusing["incident_id"]}
