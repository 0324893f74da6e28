"""What the command line asks of paging: incidents by the beginning of their id, escalations with all their steps, and
the duties as they were loaded. Reads only; the caller begins the transaction. Officers' ids are CONFIDENTIAL.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from siaga.contracts.command import Command
from siaga.contracts.escalation import Escalation, Step
from siaga.contracts.page_result import PageResult
from siaga.contracts.registry import Entity
from siaga.contracts.roster import PolicyEntry, RosterEntry
from siaga.contracts.topics import COMMANDS
from siaga.redaction import accused_units_of
from siaga.store.tables import (
    commands,
    escalation_steps,
    escalations,
    incidents,
    page_results,
    pages,
    registry,
    rejected,
)

#: Characters of an id that are enough to name an incident.
SHORTEST_PREFIX: Final = 4


@dataclass(frozen=True, slots=True)
class Found:
    """An incident that was named."""

    incident_id: UUID
    district: str
    station_id: str | None
    kind: str
    state: str
    version: int
    accused_units: tuple[str, ...]


def find_incidents(connection: sa.Connection, prefix: str) -> list[Found]:
    """The incidents whose ids begin with ``prefix``, two at most: more than one is one too many."""
    table = incidents.c
    asked = (
        sa.select(
            *(table.incident_id, table.district, table.station_id, table.kind, table.state, table.version),
            *(table.body["facts"].label("facts"), table.body["accused_units"].label("units")),
        )
        .where(table.incident_id.startswith(prefix.lower(), autoescape=True))
        .limit(2)
    )
    return [
        Found(
            incident_id=UUID(row.incident_id),
            district=row.district,
            station_id=row.station_id,
            kind=row.kind,
            state=row.state,
            version=row.version,
            accused_units=accused_units_of({"facts": row.facts, "accused_units": row.units}),
        )
        for row in connection.execute(asked)
    ]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a command: carried out, refused with why, or neither yet."""

    done: bool = False
    refused: str | None = None


def fate_of(connection: sa.Connection, command_id: UUID, incident: Found, since: datetime) -> Fate:
    """What is known of a command sent after ``since`` to an incident that was as ``incident`` before."""
    refused = refusal_of(connection, command_id, since)
    if refused is not None:
        return Fate(refused=refused)
    stored = connection.scalar(sa.select(commands.c.command_id).where(commands.c.command_id == str(command_id)))
    version = connection.scalar(
        sa.select(incidents.c.version).where(incidents.c.incident_id == str(incident.incident_id))
    )
    return Fate(done=stored is not None and version is not None and version > incident.version)


def refusal_of(connection: sa.Connection, command_id: UUID, since: datetime) -> str | None:
    """Why a command sent after ``since`` was refused, or None as far as is known."""
    table = rejected.c
    asked = sa.select(table.original, table.message, table.remedy).where(table.topic == COMMANDS, table.at >= since)
    named = str(command_id).encode()
    for row in connection.execute(asked):
        if named in bytes(row.original):
            return f"{row.message}; {row.remedy}"
    return None


def escalation_of(connection: sa.Connection, incident_id: UUID) -> tuple[Escalation | None, list[PageResult]]:
    """An incident's escalation as it stands, with every step since it began, and the results of its pages."""
    wanted = str(incident_id)
    body = connection.scalar(sa.select(escalations.c.body).where(escalations.c.incident_id == wanted))
    if body is None:
        return None, []
    table = escalation_steps.c
    names = ("at", "reason", "level", "round", "officer_id", "channel", "page_id", "desk")
    asked = (
        sa.select(*(table[name] for name in names))
        .where(table.incident_id == wanted)
        .order_by(table.at, table.seq, table.step_id)
    )
    steps = tuple(Step.model_validate(dict(row._mapping)) for row in connection.execute(asked))
    last = Escalation.model_validate_json(json.dumps(body))
    return last.model_copy(update={"steps": steps}), _results(connection, wanted)


def decisions_about(connection: sa.Connection, incident_id: UUID) -> list[Command]:
    """What people decided about an incident, oldest first."""
    table = commands.c
    asked = sa.select(table.body).where(table.incident_id == str(incident_id)).order_by(table.at)
    return [Command.model_validate_json(json.dumps(body)) for body in connection.scalars(asked)]


def _results(connection: sa.Connection, incident_id: str) -> list[PageResult]:
    table = page_results.c
    names = ("page_id", "incident_id", "generation", "district", "officer_id", "channel", "status", "reason")
    asked = (
        sa.select(*(table[name] for name in (*names, "attempt", "provider_id", "detail", "at")))
        .where(table.incident_id == incident_id)
        .order_by(table.at)
    )
    return [PageResult.model_validate({"schema_version": 1, **row._mapping}) for row in connection.execute(asked)]


def duty_entries(connection: sa.Connection) -> tuple[PolicyEntry | None, list[RosterEntry]]:
    """The policy, where one was loaded, and every roster."""
    policy: PolicyEntry | None = None
    rosters = []
    for key, value in _entries(connection, (Entity.POLICY, Entity.ROSTER)):
        if key.startswith(f"{Entity.POLICY}/"):
            policy = PolicyEntry.model_validate_json(value)
        else:
            rosters.append(RosterEntry.model_validate_json(value))
    return policy, rosters


def _entries(connection: sa.Connection, entities: Sequence[Entity]) -> list[tuple[str, bytes]]:
    table = registry.c
    asked = (
        sa.select(table.key, table.value)
        .where(table.value.is_not(None), sa.or_(*(table.key.startswith(f"{entity}/") for entity in entities)))
        .order_by(table.key)
    )
    return [(key, bytes(value)) for key, value in connection.execute(asked)]


def pages_of_drill(connection: sa.Connection, drill: UUID) -> dict[UUID, str]:
    """What became of the calls of a test of the roster, by page."""
    table = pages.c
    asked = sa.select(table.page_id, table.status).where(table.incident_id == str(drill))
    return {UUID(row.page_id): row.status for row in connection.execute(asked)}


def who_answered(connection: sa.Connection, drill: UUID) -> set[str]:
    """The officers who answered a test of the roster."""
    return set(connection.scalars(sa.select(commands.c.actor).where(commands.c.incident_id == str(drill))))
