"""Two incidents become one, and reports leave one for an incident of their own.

Input: a ``merge`` or ``split`` command about an incident of the state's district. Output: the reports moved, both
incidents marked to be decided anew, or a refusal. What has moved is told with how often it has, so that the store
knows which of two claims is the newer. A split undoes a merge. No clock: times are the commands'.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from siaga.contracts.command import Action, Command
from siaga.contracts.incident import Change, IncidentState
from siaga.contracts.rejection import RejectReason
from siaga.election.registry import Registry
from siaga.rules.subject import Standing, Subject
from siaga.triage.joining import incident_id_of, touch
from siaga.triage.state import ITSELF, DistrictState, IncidentRecord, Place, Refusal

#: Reports that one merge can move: their ids travel in one snapshot.
MOST_MERGED: Final = 2_000
#: Characters of an incident's id in a history: enough for 'siaga ack' and its likes.
_SHOWN: Final = 8
#: What is meant for whoever has the reports now: answers to a page that was about the merged incident, and notes.
_FORWARDED: Final = frozenset(
    {
        *(Action.ACKNOWLEDGE, Action.ON_MY_WAY, Action.ACCEPT, Action.CANNOT, Action.ESCALATE, Action.SNOOZE),
        *(Action.VERIFY, Action.NOTE),
    }
)


def forwarded(state: DistrictState, command: Command) -> Command:
    """The command as it concerns the incident that has the reports now, where the one it names was merged.

    One that was carried out before the merge is not carried out again.
    """
    if command.action not in _FORWARDED:
        return command
    incident_id, command_id = str(command.incident_id), str(command.command_id)
    while (incident := state.incidents.get(incident_id)) is not None and incident.merged_into is not None:
        if command_id in incident.commands or incident.merged_into not in state.incidents:
            break
        incident_id = incident.merged_into
    if incident_id == str(command.incident_id):
        return command
    return Command.model_validate({**command.model_dump(), "incident_id": incident_id})


def is_merged(incident: IncidentRecord, action: Action) -> Refusal | None:
    """Why nothing can be decided about an incident that has no reports of its own any more."""
    if incident.merged_into is None:
        return None
    whole = incident.merged_into
    return _refusal(
        "incident_id",
        f"was merged into {whole}; {action} has nothing to decide here",
        f"decide about {whole}, or split its reports off again",
    )


# -- merge -----------------------------------------------------------------------------------------------------------


def merge(state: DistrictState, merged: IncidentRecord, command: Command, registry: Registry) -> Refusal | None:
    """Have another incident take all reports of ``merged``; answers why it cannot, or None."""
    target = state.incidents.get(str(command.into))
    if target is None:
        return Refusal(
            RejectReason.UNKNOWN_INCIDENT,
            "into",
            f"no incident {command.into} is remembered in district {state.code}",
            "name an open incident of the same district; incidents of different districts cannot be merged",
        )
    refusal = _why_not(merged, target)
    if refusal is not None:
        return refusal
    at, moved = command.at.timestamp(), _own_reports(merged)
    accused = {*_accused(merged), *_accused(target)}
    ghost = _remains(merged, registry)
    places = merged.places
    _leave(state, merged)
    _move(state, merged, target, moved)
    merged.ghost, merged.accused = ghost or merged.ghost, tuple(sorted(accused))
    merged.subject = Subject.of(() if merged.ghost is None else (merged.ghost,))
    merged.merged_into, merged.also = target.incident_id, []
    merged.close(IncidentState.MERGED, at, command.reason or None)
    merged.note(Change.MERGED, at, by=command.by, detail=_detail(target, command.reason))
    for place in places:
        _hold(state, target, place)
    target.verified_by = target.verified_by or merged.verified_by
    target.note(Change.TOOK_IN, at, by=command.by, detail=_detail(merged, command.reason))
    _keep_words(target, merged, at, command.by)
    # The one that stays first: whoever is called about it is known when the other one ends.
    touch(state, target)
    touch(state, merged)
    return None


def _why_not(merged: IncidentRecord, target: IncidentRecord) -> Refusal | None:
    if not (merged.is_open and target.is_open):
        field, closed = ("incident_id", merged) if not merged.is_open else ("into", target)
        return _refusal(
            field, f"is {closed.state}; only open incidents can be merged", "reopen it first, or leave it"
        )
    if merged.drill != target.drill:
        return _refusal("into", "is a drill, or the other one is", "merge drills with drills only")
    if merged.outage is not None or target.outage is not None:
        return _refusal("into", "is the outage of a district", "leave it: it ends when the stations are heard again")
    if any(standing.person == ITSELF for standing in merged.standings.values()):
        return _refusal(
            "incident_id",
            "is about a station that Siaga itself has lost contact with",
            "merge the other one into it, or leave it: it ends when the station is heard again",
        )
    if len(merged.standings) + len(merged.superseded) > MOST_MERGED:
        return _refusal("incident_id", f"has more than {MOST_MERGED:,} reports", "merge the smaller into the larger")
    return None


def _keep_words(target: IncidentRecord, merged: IncidentRecord, at: float, by: str) -> None:
    """What people said of the severity stays where it is the graver: merging is no way to make something lesser."""
    theirs, ours, stands = merged.override, target.override, target.severity
    if ours is not None and merged.severity < int(ours["severity"]):
        target.override = target.override_harm = None
        target.override_kinds = ()
        stands = target.computed
        detail = f"SEV{ours['severity']} by {ours['by']} ended: it took in something graver"
        target.note(Change.OVERRIDE_ENDED, at, by=by, detail=detail)
    if theirs is not None and int(theirs["severity"]) < min(stands, merged.computed):
        target.override, target.override_harm = theirs, merged.override_harm
        target.override_kinds = merged.override_kinds


def _remains(merged: IncidentRecord, registry: Registry) -> Standing | None:
    """One report that says what all of them said at their worst: what the merged incident was about."""
    if not merged.standings:
        return None
    gravest = registry.taxonomy.gravest_or_unknown(merged.subject.kinds).code
    ordered = sorted(merged.standings.values(), key=lambda s: (s.kind != gravest, s.at, s.report_id))
    worst = merged.subject.facts()
    return replace(
        ordered[0],
        injured=worst.injured,
        dead=worst.dead,
        crowd=worst.crowd,
        weapons=None if worst.weapons is None else worst.weapons.value,
        ballots_threatened=worst.ballots_threatened,
        voting_stopped=worst.voting_stopped,
        accused_unit=worst.accused_unit,
    )


# -- split -----------------------------------------------------------------------------------------------------------


def split(state: DistrictState, source: IncidentRecord, command: Command, registry: Registry) -> Refusal | None:
    """Have the named reports leave to an incident of their own; answers why they cannot, or None."""
    leaving = dict.fromkeys(str(report_id) for report_id in command.report_ids)
    if not source.is_open:
        return _refusal("incident_id", f"is {source.state}; only an open incident can be split", "reopen it first")
    if source.outage is not None:
        return _refusal("incident_id", "is the outage of a district", "leave it whole")
    for report_id in leaving:
        standing = source.standings.get(report_id)
        if standing is None or standing.person == ITSELF:
            return _refusal(
                "report_ids",
                f"{report_id} does not stand in this incident",
                "name reports that it has now and that nobody withdrew or corrected",
            )
    if len(leaving) == len(source.standings):
        return _refusal("report_ids", "are all that it has", "leave one at least")
    at = command.at.timestamp()
    first = min((source.standings[r] for r in leaving), key=lambda s: (s.received, s.at, s.report_id))
    station_id, family, drill = _place_of(source, first, registry)
    part = IncidentRecord(
        incident_id=split_id(command),
        district=state.code,
        station_id=station_id,
        family=family,
        drill=drill,
        opened_at=at,
    )
    state.add(part)
    for place in dict.fromkeys(_place_of(source, source.standings[r], registry) for r in leaving):
        _hold(state, part, place)
    _move(state, source, part, [r for r in _own_reports(source) if _stands_for(source, r) in leaving])
    _settle_down(state, source, registry, at)
    source.subject = Subject.of(source.standings.values())
    source.note(Change.SPLIT, at, by=command.by, detail=_detail(part, command.reason))
    part.note(Change.OPENED, at, by=command.by, detail=_detail(source, command.reason))
    touch(state, source)
    touch(state, part)
    return None


def split_id(command: Command) -> str:
    """The id of the incident that a split opens: the same however often the command comes."""
    return incident_id_of(f"split|{command.command_id}")


def _settle_down(state: DistrictState, source: IncidentRecord, registry: Registry, at: float) -> None:
    """What is left is about the places of what is left; later reports of the others find those that left."""
    left = dict.fromkeys(_place_of(source, standing, registry) for standing in source.standings.values())
    if not source.also:
        return
    _leave(state, source)
    state.families.get((source.family, source.drill), {}).pop(source.incident_id, None)
    where = {report_id: _station_of(source, report_id) for report_id in source.standings}
    if source.place not in left:
        state.spreading.add((source.family, source.drill))
        source.station_id, family, _ = next(iter(left))
        if family != source.family and source.cluster_id is not None:
            source.cluster_id = None
            source.note(Change.LEFT_CLUSTER, at)
        source.family = family
    source.stations = {
        report_id: station
        for report_id, station in where.items()
        if station is not None and station != source.station_id
    }
    source.also = [place for place in left if place != source.place]
    state.add(source)


# -- both ------------------------------------------------------------------------------------------------------------


def tell_again(state: DistrictState, incident: IncidentRecord, command: Command) -> None:
    """Tell both incidents of a command that was carried out once more, with the reports that moved."""
    if command.action is Action.MERGE:
        other = state.incidents.get(str(command.into))
    else:
        other = state.incidents.get(split_id(command))
    for told in (other, incident):
        if told is not None:
            state.tell_again(told.incident_id)
            for report_id in told.moves:
                state.tell_again(told.incident_id, report_id)


def _own_reports(incident: IncidentRecord) -> list[str]:
    return [*incident.standings, *incident.superseded]


def _stands_for(incident: IncidentRecord, report_id: str) -> str:
    """The report that stands where ``report_id`` stood, or the last of those that replaced it."""
    while (by := incident.superseded.get(report_id, report_id)) != report_id:
        report_id = by
    return report_id


def _station_of(incident: IncidentRecord, report_id: str) -> str | None:
    return incident.stations.get(report_id, incident.station_id)


def _place_of(incident: IncidentRecord, standing: Standing, registry: Registry) -> Place:
    kind = registry.taxonomy.get(standing.kind)
    family = standing.kind.partition(".")[0] if kind is None else kind.family
    return (_station_of(incident, standing.report_id) or incident.district, family, incident.drill)


def _accused(incident: IncidentRecord) -> Iterable[str]:
    return (*incident.accused, *incident.subject.accused_units)


def _move(state: DistrictState, source: IncidentRecord, target: IncidentRecord, report_ids: Iterable[str]) -> None:
    for report_id in report_ids:
        station = _station_of(source, report_id)
        standing = source.standings.pop(report_id, None)
        if standing is not None:
            state.add_standing(target, standing)
            source.stations.pop(report_id, None)
            if station is not None and station != target.station_id:
                target.stations[report_id] = station
        else:
            state.supersede(target, report_id, source.superseded.pop(report_id))
        target.moves[report_id] = source.moves.pop(report_id, 0) + 1
        if report_id in source.report_ids:
            source.report_ids.remove(report_id)


def _leave(state: DistrictState, incident: IncidentRecord) -> None:
    for place in incident.places:
        state.drop_place(incident, place)


def _hold(state: DistrictState, incident: IncidentRecord, place: Place) -> None:
    """Have later reports of ``place`` find the incident."""
    if place not in incident.places:
        incident.also.append(place)
        state.add_place(incident, place)


def _detail(other: IncidentRecord, reason: str) -> str:
    return f"{other.incident_id[:_SHOWN]}{': ' if reason else ''}{reason}"[:500]


def _refusal(field: str, message: str, remedy: str) -> Refusal:
    return Refusal(RejectReason.INVALID, field, message, remedy)
