"""Incidents: lists, exports, one with all there is about it, its CAP alert, and decisions about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, StringConstraints, ValidationError

from console.access import Acting, Caller, CoreOf, SignedIn
from console.accounts.accesses import log_access
from console.api.models import (
    CommandAccepted,
    CommandIn,
    EscalationOut,
    EscalationPage,
    IncidentDetail,
    IncidentOut,
    IncidentPage,
)
from console.cap import alert
from console.commands import CommandError
from console.core import Core
from console.exports import to_csv, to_geojson
from console.openapi import CSV, GEOJSON, refusals, text
from console.problems import Problem, field_problem, problem_of
from console.queries import (
    Filter,
    commands_of,
    decode_cursor,
    encode_cursor,
    escalation_of,
    find_escalations,
    find_incidents,
    history_of,
    one_incident,
    pages_of,
    reports_elsewhere,
    reports_of,
    steps_of,
)
from siaga import redaction
from siaga.contracts.command import Action, Command, Via
from siaga.contracts.escalation import EscalationState
from siaga.contracts.incident import IncidentState
from siaga.redaction import UserRole
from siaga.types import DISTRICT_PATTERN

router = APIRouter(tags=["incidents"])

_LARGEST: Final = 500
CAP: Final = "application/cap+xml"
_EXPORTED: Final = 100_000
#: What only those who command may do.
_COMMANDS_ONLY: Final = frozenset({Action.OVERRIDE, Action.DISMISS})

Severities = Annotated[list[Annotated[int, Query(ge=1, le=5)]], Query(description="1 (gravest) to 5; repeatable")]
Codes = Annotated[
    list[Annotated[str, StringConstraints(pattern=DISTRICT_PATTERN)]],
    Query(description="Kemendagri codes of districts, such as `33.26.08`; repeatable"),
]
Names = list[Annotated[str, StringConstraints(pattern=r"^[a-z_.]{1,81}$")]]
Kinds = Annotated[Names, Query(description="Kinds, such as `violence.brawl`; repeatable")]
Families = Annotated[Names, Query(description="Families of kinds, such as `violence`; repeatable")]
States = Annotated[list[IncidentState], Query(description="Repeatable; all by default")]
Since = Annotated[AwareDatetime | None, Query(description="Changed at or after this time, with an offset")]
Drill = Annotated[bool | None, Query(description="Only drills, or none; both by default")]
Named = Annotated[UUID, Path(description="The incident")]
Reason = Annotated[
    str | None, Query(max_length=500, description="For auditors: why they have to know who reported. It is logged")
]


def chosen_by(
    *,
    state: States,
    severity: Severities,
    district: Codes,
    kind: Kinds,
    family: Families,
    since: Since,
    drill: Drill,
) -> Filter:
    """The filter of a list's parameters."""
    return Filter(
        states=[s.value for s in state],
        severities=severity,
        districts=district,
        kinds=kind,
        families=family,
        since=since,
        drill=drill,
    )


@router.get(
    "/api/incidents",
    response_model=IncidentPage,
    response_description="A page of incidents",
    responses=refusals(401, 422, 503),
)
def list_incidents(  # noqa: PLR0917 (each is a parameter of the address)
    caller: SignedIn,
    core: CoreOf,
    state: States = [],  # noqa: B006
    severity: Severities = [],  # noqa: B006
    district: Codes = [],  # noqa: B006
    kind: Kinds = [],  # noqa: B006
    family: Families = [],  # noqa: B006
    since: Since = None,
    drill: Drill = None,
    cursor: Annotated[str | None, Query(max_length=200, description="`next` of the answer before")] = None,
    limit: Annotated[int, Query(ge=1, le=_LARGEST, description="Incidents in one answer")] = 100,
) -> Response:
    """Incidents the caller may see, newest first."""
    chosen = chosen_by(
        state=state, severity=severity, district=district, kind=kind, family=family, since=since, drill=drill
    )
    try:
        after = decode_cursor(cursor) if cursor else None
    except ValueError:
        raise field_problem(
            "cursor", "is none that this address gave", "leave it out to begin at the newest"
        ) from None
    page: list[IncidentOut] = []
    last: tuple[datetime, str] | None = None
    more = False
    with core.database.read.connect() as connection:
        for row, opened_at in find_incidents(connection, chosen, after, chunk=limit + 1):
            seen = redaction.incident(caller.audience, row)
            if seen is None:
                continue
            if more := len(page) == limit:
                break
            page.append(IncidentOut.model_validate(seen))
            last = (opened_at, str(row["incident_id"]))
    whole = IncidentPage(incidents=page, next=encode_cursor(*last) if more and last is not None else None)
    # Written out here: left to the framework, a hundred incidents are checked a second time.
    return Response(whole.model_dump_json(), media_type="application/json")


@router.get(
    "/api/incidents.csv",
    response_class=Response,
    responses={200: text(CSV, "A row with the columns' names, then one an incident"), **refusals(401, 422, 503)},
)
def export_csv(caller: SignedIn, core: CoreOf, drill: Drill = None) -> StreamingResponse:
    """Every incident the caller may see, as CSV. Newest first, 100,000 at most."""
    headers = {"Content-Disposition": 'attachment; filename="siaga-incidents.csv"'}
    rows = _exported(core, caller, Filter(drill=drill))
    return StreamingResponse(to_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/api/incidents.geojson",
    response_class=Response,
    responses={200: text(GEOJSON, "A feature collection (RFC 7946)"), **refusals(401, 422, 503)},
)
def export_geojson(caller: SignedIn, core: CoreOf, drill: Drill = None) -> Response:
    """Every open incident the caller may see, a point each, as GeoJSON."""
    states = [s.value for s in IncidentState if s.is_open]
    rows = _exported(core, caller, Filter(states=states, drill=drill))
    return Response(to_geojson(rows), media_type="application/geo+json")


def _exported(core: Core, caller: Caller, chosen: Filter) -> Iterator[dict[str, Any]]:
    with core.database.read.connect() as connection:
        found = (row for row, _ in find_incidents(connection, chosen))
        for row in islice(found, _EXPORTED):
            seen = redaction.incident(caller.audience, row)
            card = core.feed.board.card(caller.audience, row)
            if seen is not None and card is not None:
                yield {**card, **seen}


@router.get(
    "/api/incidents/{incident_id}",
    response_description="The incident",
    responses=refusals(401, 404, 422, 503),
)
def get_incident(incident_id: Named, caller: SignedIn, core: CoreOf, reason: Reason = None) -> IncidentDetail:
    """One incident with its reports, every reason for its severity, and its history."""
    audience = caller.audience
    with core.database.read.connect() as connection:
        row, seen = _visible(connection, caller, incident_id)
        reports, history = reports_of(connection, str(incident_id)), history_of(connection, str(incident_id))
        commands, pages = commands_of(connection, str(incident_id)), pages_of(connection, str(incident_id))
        ladder, steps = escalation_of(connection, str(incident_id)), steps_of(connection, str(incident_id))
        into = _merged_into(connection, caller, row)
    if caller.user.role is UserRole.AUDITOR and reason is not None and reason.strip():
        log_access(
            core.database.write,
            user=caller.user.name,
            incident_id=str(incident_id),
            reason=reason.strip(),
            at=core.now(),
        )
        audience = caller.user.audience(reason)
        seen = redaction.incident(audience, row) or seen
    shown = [found for report in reports if (found := redaction.report(audience, report)) is not None]
    return IncidentDetail.model_validate(
        {
            "incident": {**seen, "merged_into": into},
            "card": core.feed.board.card(audience, row),
            "reports": shown,
            "history": [redaction.history(audience, entry) for entry in history],
            "commands": [redaction.command(audience, command) for command in commands],
            "escalation": None if ladder is None else redaction.escalation(audience, ladder),
            "steps": [redaction.step(audience, step) for step in steps],
            "pages": [redaction.page(audience, page) for page in pages],
            "reporters_shown": audience.sees_reporters,
        }
    )


@router.get(
    "/cap/{incident_id}.xml",
    response_class=Response,
    responses={200: text(CAP, "An alert (CAP 1.2)"), **refusals(401, 404, 422, 503)},
)
def get_cap(incident_id: Named, caller: SignedIn, core: CoreOf) -> Response:
    """An incident as a CAP 1.2 alert. It says no more than a viewer may see, whoever asks."""
    board = core.feed.board
    with core.database.read.connect() as connection:
        row, _ = _visible(connection, caller, incident_id)
    card = board.card(caller.audience, row)
    if card is None:
        raise _unknown()
    return Response(alert(row, card, board.knowledge.taxonomy), media_type=CAP)


@router.get("/api/escalations", response_description="The escalations", responses=refusals(401, 422, 503))
def list_escalations(
    caller: SignedIn,
    core: CoreOf,
    state: Annotated[list[EscalationState], Query(description="Repeatable; all that are not over by default")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=_LARGEST, description="Escalations in the answer")] = 100,
) -> EscalationPage:
    """Where the incidents that the caller may see stand on their policies. What is due first comes first."""
    states = [s.value for s in (state or [s for s in EscalationState if not s.is_over])]
    with core.database.read.connect() as connection:
        found = (
            EscalationOut.model_validate(redaction.escalation(caller.audience, row))
            for row, incident in find_escalations(connection, states)
            if redaction.may_see(caller.audience, incident)
        )
        return EscalationPage(escalations=list(islice(found, limit)))


@router.post(
    "/api/incidents/{incident_id}/commands",
    status_code=202,
    response_description="Kafka has it",
    responses=refusals(401, 403, 404, 408, 413, 422, 503),
)
def command_incident(incident_id: Named, decision: CommandIn, caller: Acting, core: CoreOf) -> CommandAccepted:
    """Decide about an incident. The answer says that Kafka has the decision; the incident changes a moment later."""
    refused = core.metrics.commands.labels(decision.action.value, "refused")
    with core.database.read.connect() as connection:
        row, _ = _visible(connection, caller, incident_id)
        into = None if decision.into is None else _visible_into(connection, caller, decision.into)
        strangers = reports_elsewhere(connection, str(incident_id), [str(r) for r in decision.report_ids])
    if decision.action in _COMMANDS_ONLY and caller.user.role is UserRole.OPERATOR:
        refused.inc()
        raise Problem(403, f"action: {decision.action} needs commander; ask the commander on duty to decide")
    try:
        command = Command(
            schema_version=1,
            incident_id=incident_id,
            district=row["district"],
            by=caller.user.name,
            at=core.now(),
            via=Via.CONSOLE,
            **decision.model_dump(),
        )
    except ValidationError as error:
        refused.inc()
        raise problem_of(error) from None
    why_not = _why_not_merged(row, into) if into is not None else _why_not_split(strangers)
    if why_not is not None:
        refused.inc()
        raise why_not
    try:
        core.commands.publish(command)
    except CommandError as error:
        raise Problem(503, str(error), headers={"Retry-After": "2"}) from error
    return CommandAccepted(command_id=command.command_id)


def _visible_into(connection: sa.Connection, caller: Caller, incident_id: UUID) -> dict[str, Any]:
    row = one_incident(connection, str(incident_id))
    if row is None or not redaction.may_see(caller.audience, row):
        raise field_problem("into", "there is no such incident for you", "name one that /api/incidents shows")
    return row


def _why_not_merged(row: Mapping[str, Any], into: Mapping[str, Any]) -> Problem | None:
    """Why two incidents cannot become one, as far as is known here; the streams have the last word."""
    if into["district"] != row["district"]:
        message = f"lies in district {into['district']}, and this one in {row['district']}"
        return field_problem("into", message, "merge incidents of one district only; a note tells of the other")
    if into["drill"] != row["drill"]:
        return field_problem("into", "is a drill, or this one is", "merge drills with drills only")
    for field, one in (("incident_id", row), ("into", into)):
        if not IncidentState(one["state"]).is_open:
            return field_problem(field, f"is {one['state']}", "merge open incidents only; reopen it first")
    return None


def _why_not_split(strangers: Sequence[str]) -> Problem | None:
    if not strangers:
        return None
    message = f"{strangers[0]} is not of this incident"
    return field_problem("report_ids", message, "read the incident again, and name reports that it has")


def _merged_into(connection: sa.Connection, caller: Caller, row: Mapping[str, Any]) -> str | None:
    """The incident that has the reports of ``row``, where the caller may know of it."""
    into = row.get("merged_into")
    other = None if into is None else one_incident(connection, into)
    return into if other is not None and redaction.may_see(caller.audience, other) else None


def _visible(connection: sa.Connection, caller: Caller, incident_id: UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    """The incident, and what the caller may see of it.

    Raises:
        Problem: 404 where there is none, and just so where they may not know of it.
    """
    row = one_incident(connection, str(incident_id))
    seen = None if row is None else redaction.incident(caller.audience, row)
    if row is None or seen is None:
        raise _unknown()
    return row, seen


def _unknown() -> Problem:
    return Problem(404, "incident_id: there is no such incident for you; see /api/incidents for those there are")
