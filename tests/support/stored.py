"""A store without Kafka: records are made up and handed to the writer, batch by batch."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from siaga.contracts.base import Contract
from siaga.contracts.decode import encode_array
from siaga.contracts.incident import Change, HistoryEntry, Incident
from siaga.contracts.topics import CHECKINS, COMMANDS, INCIDENTS, REGISTRY, REPORTS
from sinks.batch import Batch, Record
from sinks.database import make_engine
from sinks.work import Written
from sinks.writer import Writer
from tests.support import builders
from tests.support.wait import until

AT = datetime(2022, 2, 23, 2, 0, tzinfo=UTC)


def snapshot(
    incident_id: uuid.UUID | None = None, *, version: int = 1, reports: Iterable[uuid.UUID] = (), **changed: Any
) -> Incident:
    """An incident as the streams tell it; ``changed`` are its other fields."""
    return Incident.model_validate(
        {
            "schema_version": 1,
            "incident_id": incident_id or uuid.uuid4(),
            "version": version,
            "district": builders.DISTRICT,
            "station_id": builders.STATION,
            "kind": "violence.brawl",
            "family": "violence",
            "lead_agency": "polsek",
            "state": "open",
            "severity": 3,
            "computed_severity": 3,
            "certainty": "likely",
            "urgency": "immediate",
            "reasons": [
                {"rule": "crowd-100", "effect": "raise_by", "id": "Massa 100 orang", "en": "A crowd of 100"},
                {"rule": "rawan", "effect": "raise_by", "id": "TPS rawan", "en": "Prone", "confidential": True},
            ],
            "facts": {"crowd": 60},
            "report_count": 1,
            "reporter_count": 1,
            "report_ids": list(reports),
            "first_occurred_at": AT,
            "last_occurred_at": AT,
            "first_received_at": AT,
            "opened_at": AT,
            "updated_at": AT,
            "ruleset": "bawaan",
            **changed,
        }
    )


def happened(change: Change, at: datetime = AT, *, by: str | None = None, detail: str = "") -> HistoryEntry:
    """One entry of an incident's history."""
    return HistoryEntry(change=change, at=at, by=by, detail=detail)


class Fed:
    """A writer on a database of its own, begun with one cluster."""

    def __init__(self, url: str, cluster: str = "pertama") -> None:
        self.engine = make_engine(url, writes=True)
        self.writer = Writer(self.engine)
        self._offsets: dict[tuple[str, int], int] = {}
        assert self.writer.open()
        self.begin(cluster)

    def begin(self, cluster: str) -> None:
        """Begin (again) with a cluster; another one starts from its beginning."""
        self._offsets = self.writer.begin(cluster, AT)

    def begin_again(self) -> None:
        """Write on after a close; PostgreSQL takes a moment to give the lock of a dropped connection back."""
        until(self.writer.open, what="the store's lock to be free")

    def record(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int = 0,
        offset: int | None = None,
    ) -> Record:
        """The next record of a topic's partition, or the one at ``offset``."""
        at = self._offsets.get((topic, partition), 0) if offset is None else offset
        if offset is None:
            self._offsets[topic, partition] = at + 1
        return Record(topic, partition, at, key, value, AT, "/siaga/uji")

    def write(self, *records: Record) -> Written:
        """Write records as one batch."""
        return self.writer.write(self.batch(*records))

    def batch(self, *records: Record) -> Batch:
        batch = Batch(self.writer.epoch, AT)
        for record in records:
            batch.add(record)
        return batch

    # -- one batch of one thing -----------------------------------------------------------------------------------

    def reports(self, *items: Contract) -> Written:
        return self.write(self.record(REPORTS, _value(items)))

    def checkins(self, *items: Contract) -> Written:
        return self.write(self.record(CHECKINS, _value(items)))

    def incidents(self, *items: Contract) -> Written:
        return self.write(self.record(INCIDENTS, _value(items)))

    def commands(self, *items: Contract) -> Written:
        return self.write(self.record(COMMANDS, _value(items)))

    def registry(self, key: str, value: bytes | None) -> Written:
        return self.write(self.record(REGISTRY, value, key=key.encode()))

    # -- what is there --------------------------------------------------------------------------------------------

    def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        with self.engine.connect() as connection, connection.begin():
            return [dict(row) for row in connection.execute(sa.text(statement), parameters).mappings()]

    def scalar(self, statement: str, **parameters: Any) -> Any:
        found = self.rows(statement, **parameters)
        return next(iter(found[0].values())) if found else None

    def count(self, table: str) -> int:
        return int(self.scalar(f"SELECT count(*) FROM {table}"))  # noqa: S608

    def close(self) -> None:
        self.writer.release()


def _value(items: Sequence[Contract]) -> bytes:
    return items[0].to_json() if len(items) == 1 else encode_array(item.to_json() for item in items)
