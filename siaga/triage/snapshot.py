"""An incident as it travels: what triage remembers of it and what the rules decided, as one message.

Input: an incident, its decision. Output: :class:`~siaga.contracts.incident.Incident`. State: none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from siaga.contracts.incident import Change, HistoryEntry, Incident, Override
from siaga.rules.agency import agencies
from siaga.rules.severity import Decision
from siaga.triage.state import ITSELF, IncidentRecord
from siaga.types import Severity

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at: float) -> datetime:
    """Epoch seconds as a time in UTC, to the microsecond."""
    return _EPOCH + timedelta(seconds=at)


def snapshot_of(
    incident: IncidentRecord, decision: Decision, ruleset: str, history: Iterable[Mapping[str, Any]]
) -> Incident:
    """The incident's present version. ``ruleset`` is the version of the rules that decided."""
    subject = incident.subject
    accused = tuple(sorted({*incident.accused, *subject.accused_units}))
    lead, support = agencies(decision.kind, *accused)
    ours = sum(standing.person == ITSELF for standing in incident.standings.values())
    standing = bool(incident.standings)
    # Not validated again, nor its history: the parts were, where they came in.
    return Incident.of_valid(
        schema_version=1,
        incident_id=UUID(incident.incident_id),
        version=incident.version,
        generation=incident.generation,
        district=incident.district,
        station_id=incident.station_id,
        station_count=_station_count(incident),
        kind=decision.kind.code,
        family=incident.family,
        lead_agency=lead,
        support_agencies=support,
        state=incident.state,
        severity=Severity(incident.severity),
        computed_severity=decision.severity,
        certainty=decision.certainty,
        urgency=decision.urgency,
        reasons=decision.reasons,
        override=_override(incident.override),
        needs_verification=incident.is_open and decision.needs_verification and incident.severity <= Severity.SEV2,
        verified_by=incident.verified_by,
        refuted_by=incident.refuted_by,
        assigned_to=incident.assigned_to,
        acknowledged_by=incident.acknowledged_by,
        outcome=incident.outcome,
        facts=subject.facts(),
        report_count=len(incident.standings) - ours,
        # What Siaga itself noticed is one more voice for the rules, and none of a person.
        reporter_count=subject.reporter_count - (ours > 0) if standing else 0,
        report_ids=tuple(UUID(report_id) for report_id in incident.report_ids),
        report_moves=tuple(incident.moves.get(r, 0) for r in incident.report_ids) if incident.moves else (),
        merged_into=None if incident.merged_into is None else UUID(incident.merged_into),
        accused_units=accused,
        cluster_id=None if incident.cluster_id is None else UUID(incident.cluster_id),
        clock_skewed=subject.skewed,
        first_occurred_at=moment(subject.first_at),
        last_occurred_at=moment(subject.last_at),
        first_received_at=moment(subject.first_received),
        opened_at=moment(incident.opened_at),
        updated_at=moment(incident.updated_at),
        ruleset=ruleset,
        drill=incident.drill,
        history=tuple(_entry(entry) for entry in history),
    )


def _station_count(incident: IncidentRecord) -> int:
    if incident.outage is not None:
        return max(len(incident.outage), 1)
    return len({incident.station_id, *incident.stations.values()}) if incident.stations else 1


def _override(override: Mapping[str, Any] | None) -> Override | None:
    if override is None:
        return None
    return Override(
        severity=Severity(override["severity"]),
        by=override["by"],
        reason=override["reason"],
        at=moment(override["at"]),
        computed=Severity(override["computed"]),
    )


def _entry(entry: Mapping[str, Any]) -> HistoryEntry:
    reports = entry.get("reports", 1)
    return HistoryEntry.of_valid(
        change=Change(entry["change"]),
        at=moment(entry["at"]),
        by=entry["by"],
        detail=f"{reports} reports" if reports > 1 else entry["detail"],
    )
