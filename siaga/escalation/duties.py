"""What escalation is told: the policy, the rosters, and what an incident looks like to those who are called.

Input: records of ``siaga.registry`` under ``policy/`` and ``roster/``. State: the last of each. It stands beside
:class:`siaga.election.registry.Registry`, which knows stations, kinds and the calendar.
"""

from __future__ import annotations

from siaga.contracts.incident import Incident
from siaga.contracts.registry import Entity, parse_entry
from siaga.contracts.roster import PolicyEntry, RosterEntry
from siaga.election.registry import Registry
from siaga.escalation.case import Subject
from siaga.escalation.policy import Policy, builtin_policy, parse_policy
from siaga.escalation.roster import Roster, empty_roster


class Duties:
    """The policy and the rosters of the moment."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._policy = builtin_policy()
        self._rosters: dict[str, Roster] = {}

    @property
    def policy(self) -> Policy:
        """The policy at the calendar's speed; the built-in one until another is loaded."""
        return self._policy.at_speed(self.registry.windows.speed)

    def roster(self, district: str) -> Roster:
        """The roster of the smallest area that holds ``district``; nobody is on duty where there is none."""
        for area in (district, district[:5], district[:2]):
            roster = self._rosters.get(area)
            if roster is not None:
                return roster
        return empty_roster(district)

    def apply(self, key: str, value: bytes | None) -> bool:
        """Take in a record of ``siaga.registry``; ``None`` takes it back. Answers whether it was ours.

        What climbs already is decided with what it began with.

        Raises:
            ValueError: the entry cannot be used (a :class:`~siaga.rules.errors.RulesError` names every problem);
                what was there stays.
        """
        entity, _, area = key.partition("/")
        if entity not in (Entity.POLICY, Entity.ROSTER):
            return False
        if value is None:
            if entity == Entity.POLICY:
                self._policy = builtin_policy()
            else:
                self._rosters.pop(area, None)
            return True
        match parse_entry(key, value):
            case PolicyEntry() as policy:
                self._policy = parse_policy(policy.toml)
            case RosterEntry() as roster:
                self._rosters[area] = Roster(roster)
        return True

    def subject(self, incident: Incident) -> Subject:
        """What an incident looks like to those who are called. Holds no confidential reason."""
        kind = self.registry.taxonomy.get(incident.kind)
        return Subject(
            incident_id=str(incident.incident_id),
            district=incident.district,
            station_id=incident.station_id,
            place=self._place(incident),
            kind=incident.kind,
            kind_id=kind.id if kind is not None else incident.kind,
            kind_en=kind.en if kind is not None else incident.kind,
            lead=incident.lead_agency,
            severity=int(incident.severity),
            certainty=incident.certainty,
            reasons=tuple(reason for reason in incident.reasons if not reason.confidential),
            confidential_reasons=any(reason.confidential for reason in incident.reasons),
            accused_unit=incident.facts.accused_unit,
            accused_units=incident.accused_units,
            needs_verification=incident.needs_verification,
            reporter_count=incident.reporter_count,
            cluster_id=None if incident.cluster_id is None else str(incident.cluster_id),
            occurred_at=incident.first_occurred_at.timestamp(),
            opened_at=incident.opened_at.timestamp(),
            drill=incident.drill,
        )

    def _place(self, incident: Incident) -> str:
        if incident.station_id is not None:
            station = self.registry.station(incident.station_id)
            if station is not None:
                return f"TPS {incident.station_id[-3:]} {station.village}"[:160]
            return f"TPS {incident.station_id}"
        district = self.registry.district(incident.district)
        return f"Kec. {district.name if district is not None else incident.district}"[:160]
