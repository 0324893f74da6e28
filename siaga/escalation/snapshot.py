"""From what escalation remembers to what travels: a case as an :class:`Escalation`, a call as a :class:`Page`.

Input: a case with its policy and roster. Output: contracts. The same case and call give the same page, so that a page
told again after a crash is the same one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from siaga.contracts.escalation import Escalation, Paged, Step
from siaga.contracts.page import Page, Purpose, Told, code_of
from siaga.escalation.case import Call, Case, Note
from siaga.escalation.oncall import mediators
from siaga.escalation.policy import Policy
from siaga.escalation.roster import Roster
from siaga.types import Severity, village_of


def moment(at: float) -> datetime:
    """Epoch seconds as a time in UTC."""
    return datetime.fromtimestamp(at, UTC)


def _moment(at: float | None) -> datetime | None:
    return None if at is None else moment(at)


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def face_of(case: Case) -> tuple[object, ...]:
    """What a snapshot shows of a case."""
    subject = case.subject
    return (
        (case.generation, case.state, case.reason, case.level, case.round, case.due_at, case.holder, case.handed_to),
        (subject.severity, subject.kind, subject.lead, subject.cluster_id, case.led_by, case.purpose),
    )


def escalation_of(
    case: Case,
    policy: Policy,
    roster: Roster,
    *,
    version: int,
    notes: Iterable[tuple[float, Note]],
    cancelled: Iterable[str],
    digest_due_at: float | None = None,
) -> Escalation:
    """The snapshot of a case. ``notes`` and ``cancelled`` are what happened since the snapshot before."""
    subject = case.subject
    village = None if subject.station_id is None else village_of(subject.station_id)
    offered = mediators(roster, policy, case.query, kind=subject.kind, village=village)
    latest = {(c.officer_id, c.channel): c for c in case.this_round() if c.purpose is not Purpose.RETRACTION}
    # Not validated again, nor its steps: the parts were, where they came in.
    return Escalation.of_valid(
        schema_version=1,
        incident_id=UUID(subject.incident_id),
        generation=case.generation,
        version=version,
        district=subject.district,
        station_id=subject.station_id,
        kind=subject.kind,
        severity=Severity(subject.severity),
        lead_agency=case.led_by or subject.lead,
        state=case.state,
        reason=case.reason,
        level=case.level,
        round=case.round,
        next_due_at=_moment(case.due_at),
        next_timer=case.due_kind,
        digest_due_at=_moment(digest_due_at),
        acknowledged_by=case.holder,
        lease_until=_moment(case.held_until),
        handed_to=case.handed_to,
        verify=case.purpose is Purpose.VERIFY,
        cluster_id=_uuid(subject.cluster_id),
        paged=tuple(
            Paged.of_valid(
                officer_id=call.officer_id,
                agency=call.agency,
                channel=call.channel,
                page_id=UUID(call.page_id),
                level=call.level,
                round=call.round,
            )
            for call in latest.values()
            if call.status.has_told
        ),
        cancelled=tuple(UUID(page_id) for page_id in cancelled),
        mediators=tuple(officer.officer_id for officer in offered),
        policy=case.policy,
        roster=case.roster,
        opened_at=moment(case.opened_at),
        updated_at=moment(case.updated_at),
        drill=subject.drill,
        steps=tuple(_step(at, note) for at, note in notes),
    )


def _step(at: float, note: Note) -> Step:
    return Step.of_valid(
        at=moment(at),
        reason=note.reason,
        level=note.level,
        round=note.round,
        officer_id=note.officer_id,
        channel=note.channel,
        page_id=_uuid(note.page_id),
        desk=note.desk,
    )


def page_of(case: Case, call: Call, policy: Policy, *, told: Iterable[Case] = ()) -> Page:
    """The page that ``call`` asks for. For a digest, ``told`` are the cases that it tells, ``case`` the first."""
    subject = case.subject
    page_id = UUID(call.page_id)
    return Page(
        schema_version=1,
        page_id=page_id,
        code=code_of(page_id),
        purpose=call.purpose,
        reason=call.reason,
        incident_id=UUID(subject.incident_id),
        generation=call.generation,
        level=call.level,
        round=call.round,
        district=subject.district,
        officer_id=call.officer_id,
        agency=call.agency,
        channel=call.channel,
        channel_kind=call.channel_kind,
        language=call.language,
        cleared=call.cleared,
        severity=Severity(subject.severity if call.purpose is Purpose.RETRACTION else call.severity),
        certainty=subject.certainty,
        kind=subject.kind,
        kind_id=subject.kind_id,
        kind_en=subject.kind_en,
        station_id=subject.station_id,
        place=subject.place,
        reasons=subject.reasons,
        confidential_reasons=subject.confidential_reasons,
        reporter_count=subject.reporter_count,
        occurred_at=moment(subject.occurred_at),
        incidents=tuple(
            Told(incident_id=UUID(o.subject.incident_id), station_id=o.subject.station_id, kind=o.subject.kind)
            for o in told
        ),
        retracts=_uuid(call.refers_to) if call.purpose is Purpose.RETRACTION else None,
        due_at=moment(call.at),
        answer_by=_moment(call.answer_by),
        expires_at=moment(call.at + policy.expiry),
        drill=subject.drill,
    )
