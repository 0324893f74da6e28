"""Pages, and a notifier with a database of its own, without Kafka: pages are stored, the notifier sends them."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, Self

from siaga.contracts.base import Contract
from siaga.contracts.escalation import Escalation
from siaga.contracts.page import ChannelKind, Page, Purpose, code_of
from siaga.contracts.roster import AgencyEntry, ChannelEntry, OfficerEntry, RosterEntry
from siaga.contracts.topics import ESCALATIONS, INCIDENTS, PAGE_RESULTS, PAGES
from siaga.settings import Settings
from sinks.batch import Batch
from sinks.notify.notifier import Notifier
from tests.support import builders
from tests.support.stored import Fed
from tests.support.wait import until

OFFICER: Final = "kapolsek-kajen"
AGENCY: Final = "polsek-kajen"
#: An officer's channels: name, kind.
CHANNELS: Final = (
    ("hook", ChannelKind.WEBHOOK),
    ("surat", ChannelKind.EMAIL),
    ("hp", ChannelKind.SMS),
)


def page(**changed: Any) -> Page:
    """A page that is due now; ``changed`` are its other fields."""
    page_id = changed.pop("page_id", None) or uuid.uuid4()
    now = builders.now()
    return Page.model_validate(
        {
            "schema_version": 1,
            "page_id": page_id,
            "code": code_of(uuid.UUID(str(page_id))),
            "purpose": Purpose.PAGE,
            "reason": "opened",
            "incident_id": uuid.uuid4(),
            "generation": 1,
            "level": 1,
            "round": 1,
            "district": builders.DISTRICT,
            "officer_id": OFFICER,
            "agency": AGENCY,
            "channel": "hook",
            "channel_kind": ChannelKind.WEBHOOK,
            "language": "id",
            "severity": 1,
            "certainty": "likely",
            "kind": "violence.brawl",
            "kind_id": "perkelahian",
            "kind_en": "brawl",
            "station_id": builders.STATION,
            "place": "TPS 001 Desa Uji",
            "reporter_count": 2,
            "occurred_at": now,
            "due_at": now,
            "answer_by": now + timedelta(minutes=2),
            "expires_at": now + timedelta(hours=1),
            **changed,
        }
    )


def escalation(about: Page, state: str, *, version: int = 2, **changed: Any) -> Escalation:
    """Where the incident of a page stands, a moment after the page was made."""
    at = changed.pop("updated_at", about.due_at + timedelta(milliseconds=1))
    return Escalation.model_validate(
        {
            "schema_version": 1,
            "incident_id": about.incident_id,
            "generation": about.generation,
            "version": version,
            "district": about.district,
            "station_id": about.station_id,
            "kind": about.kind,
            "severity": about.severity,
            "lead_agency": "polsek",
            "state": state,
            "reason": "opened",
            "level": about.level,
            "round": about.round,
            "policy": "uji-1",
            "roster": "uji-1",
            "opened_at": about.due_at,
            "updated_at": at,
            **changed,
        }
    )


def roster(addresses: dict[str, str], officers: Iterable[str] = (OFFICER,), **changed: Any) -> RosterEntry:
    """A roster whose officers have those of :data:`CHANNELS` with an address; ``{}`` in it stands for the officer."""
    return RosterEntry(
        schema_version=1,
        version="uji-1",
        area="33.26",
        agencies=(AgencyEntry(agency=AGENCY, kind="polsek", name="Polsek Kajen", districts=(builders.DISTRICT,)),),
        officers=tuple(
            OfficerEntry(
                officer_id=officer,
                name="Petugas Uji",
                agency=AGENCY,
                channels=tuple(
                    ChannelEntry(name=name, kind=kind, address=addresses[name].replace("{}", officer))
                    for name, kind in CHANNELS
                    if name in addresses
                ),
                **changed,
            )
            for officer in officers
        ),
        shifts=(),
    )


class PagerRoom:
    """A database with pages in it, and a notifier that sends them while it runs."""

    def __init__(self, url: str, directory: Path, channels: str = "") -> None:
        self.fed = Fed(url)
        file = directory / "channels.toml"
        file.write_text(channels)
        self.settings = Settings(database=url, data_dir=directory / "var", channels_file=file)
        self.wake, self.told, self.active = Event(), Event(), Event()
        self._stop = Event()
        self._thread: Thread | None = None
        self.fed.writer.caught_up(builders.now())

    def reopen(self) -> None:
        """Have the writer connect anew."""
        self.fed.writer.close()
        assert self.fed.writer.open()
        self.fed.begin("pertama")

    def load(self, entry: RosterEntry) -> None:
        """Load a roster."""
        self.fed.registry(f"roster/{entry.area}", entry.to_json())

    def put(self, *items: Contract) -> None:
        """Store pages, escalations or incidents as they would come from Kafka."""
        topics = {"Page": PAGES, "Escalation": ESCALATIONS, "Incident": INCIDENTS, "PageResult": PAGE_RESULTS}
        self.fed.write(*(self.fed.record(topics[type(item).__name__], item.to_json()) for item in items))
        self.wake.set()

    def put_now(self, about: Page) -> None:
        """Store a page of this very moment, whatever it says itself."""
        now = builders.now()
        record = replace(self.fed.record(PAGES, about.to_json()), at=now)
        batch = Batch(self.fed.writer.epoch, now)
        batch.add(record)
        self.fed.writer.write(batch)
        self.wake.set()

    def start(self) -> Self:
        """Have the notifier send."""
        self._stop = Event()
        notifier = Notifier(self.settings, self._stop, wake=self.wake, active=self.active, told=self.told)
        self._thread = Thread(target=notifier.run, daemon=True)
        self._thread.start()
        return self

    def beside(self) -> PagerRoom:
        """Another notifier on the same database, running."""
        other = copy.copy(self)
        other.wake, other.told, other.active = Event(), Event(), Event()
        return other.start()

    def stop(self) -> None:
        """Have it end in good order."""
        self._stop.set()
        self.wake.set()
        if self._thread is not None:
            self._thread.join(20)
            assert not self._thread.is_alive()

    def row(self, about: Page) -> dict[str, Any]:
        """A page as it stands."""
        (found,) = self.fed.rows("SELECT * FROM pages WHERE page_id = :id", id=str(about.page_id))
        return found

    def until(self, about: Page, status: str, timeout: float = 15.0) -> dict[str, Any]:
        """Wait until a page has come so far."""
        until(
            lambda: self.row(about)["status"] == status,
            timeout=timeout,
            what=lambda: f"the page to be {status}; it is {self.row(about)}, told {self.results(about)}",
        )
        return self.row(about)

    def until_sent(self, about: Page) -> dict[str, Any]:
        """Wait until a provider has a page."""
        until(
            lambda: self.row(about)["status"] in ("accepted", "delivered"),
            timeout=15.0,
            what=lambda: f"the page to be sent; it is {self.row(about)}, told {self.results(about)}",
        )
        return self.row(about)

    def results(self, about: Page) -> list[tuple[str, str, int]]:
        """What the streams are told of a page, in order: status, reason, attempt."""
        found = self.fed.rows(
            "SELECT status, reason, attempt FROM page_results WHERE page_id = :id ORDER BY at, attempt",
            id=str(about.page_id),
        )
        return [(row["status"], row["reason"], row["attempt"]) for row in found]

    def close(self) -> None:
        self.stop()
        self.fed.close()
