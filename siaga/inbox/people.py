"""The officers of a simulated day: most answer their pages, deal with the matter and say that it is over.

Input: what the inbox receives, and the table ``reports``. Output: the links in the pages followed, and incidents
resolved in the officers' names. State: what is still to be done. A fifth of the pages is never answered, so that the
day shows how incidents climb; and nothing is, which anybody but the simulation has reported.
"""

from __future__ import annotations

import heapq
import logging
import time
import urllib.request
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from threading import Condition, Thread
from typing import Any, Final

import sqlalchemy as sa

from siaga.contracts.command import Action, Command
from siaga.contracts.page import Purpose
from siaga.contracts.report import Channel
from siaga.inbox.kept import Received
from siaga.settings import Settings
from siaga.store.tables import reports
from siaga.wire.commands import CommandError, publish_commands

logger = logging.getLogger(__name__)

_TIMEOUT: Final = 5.0
#: Of so many pages one is never answered.
_SILENT: Final = 5
#: Minutes of the election's clock that dealing with an incident takes.
_WORK_MINUTES: Final = (6.0, 24.0)
#: Incidents remembered as taken.
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What an officer will do about a page: take it ``after`` seconds, and be done with it ``work`` seconds later.

    ``work`` is None where there is nothing to do but to answer.
    """

    incident_id: str
    district: str
    officer_id: str
    url: str
    after: float
    work: float | None


def answers_of(received: Received, speed: float) -> Iterable[Answer]:
    """What will be done about a message. The same message is always answered alike."""
    pages = received.body.get("pages")
    for page in pages if isinstance(pages, list) else []:
        if not isinstance(page, dict) or not isinstance(page.get("answer_url"), str):
            continue
        try:
            number = uuid.UUID(str(page["page_id"])).int
            due, until = (datetime.fromisoformat(str(page[name])) for name in ("due_at", "answer_by"))
            about = {name: str(page[name]) for name in ("incident_id", "district")}
        except (KeyError, TypeError, ValueError):
            continue
        if number % _SILENT == 0:
            continue
        share, spread = number // _SILENT % 1000 / 1000, number // 5000 % 1000 / 1000
        least, most = _WORK_MINUTES
        minutes = None if page.get("purpose") == Purpose.DRILL_CALL else least + (most - least) * spread
        yield Answer(
            officer_id=received.officer_id,
            url=page["answer_url"],
            after=(0.15 + 0.6 * share) * (until - due).total_seconds(),
            work=None if minutes is None else minutes * 60.0 / speed,
            **about,
        )


class People:
    """Does what the officers do, in a thread of its own."""

    def __init__(self, settings: Settings, speed: float) -> None:
        """``speed`` is the calendar's."""
        self._settings = settings
        self._engine = sa.create_engine(settings.database_url, poolclass=sa.NullPool)
        self._speed = speed
        self._wake = Condition()
        self._todo: list[tuple[float, int, Answer, bool]] = []
        self._count = 0
        self._taken: dict[str, str] = {}
        self._ended = False
        self._thread = Thread(target=self._run, name="people", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        with self._wake:
            self._ended = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(_TIMEOUT)

    def receive(self, received: Received) -> None:
        """Somebody's phone rings; any thread may call."""
        for answer in answers_of(received, self._speed):
            self._put(answer.after, answer, False)

    def _put(self, seconds: float, answer: Answer, over: bool) -> None:
        with self._wake:
            self._count += 1
            heapq.heappush(self._todo, (time.monotonic() + seconds, self._count, answer, over))
            self._wake.notify()

    def _run(self) -> None:
        while (next_ := self._next()) is not None:
            answer, over = next_
            if over:
                self._resolve(answer)
            elif self._is_theirs(answer) and self._is_simulated(answer):
                self._take(answer)

    def _next(self) -> tuple[Answer, bool] | None:
        """What is to be done next, when its time has come; None at the end."""
        with self._wake:
            while not self._ended:
                if not self._todo:
                    self._wake.wait()
                elif (wait := self._todo[0][0] - time.monotonic()) > 0:
                    self._wake.wait(wait)
                else:
                    _, _, answer, over = heapq.heappop(self._todo)
                    return answer, over
        return None

    def _is_theirs(self, answer: Answer) -> bool:
        """Whether no colleague has taken it."""
        return self._taken.get(answer.incident_id, answer.officer_id) == answer.officer_id

    def _is_simulated(self, answer: Answer) -> bool:
        """Whether nobody but the simulation, or Siaga itself, speaks of the incident."""
        table = reports.c
        others = sa.select(sa.func.count()).where(
            table.incident_id == answer.incident_id, table.channel != Channel.SIMULATION.value
        )
        try:
            with self._engine.connect() as connection:
                return not connection.scalar(others)
        except sa.exc.SQLAlchemyError as error:
            logger.warning("the database does not say what an incident is made of (%s)", type(error).__name__)
            return False

    def _take(self, answer: Answer) -> None:
        try:
            # The address is in a page that our own notifier sent.
            request = urllib.request.Request(answer.url, b"", method="POST")  # noqa: S310
            with urllib.request.urlopen(request, timeout=_TIMEOUT):  # noqa: S310
                pass
        except (OSError, HTTPException, ValueError) as error:
            logger.warning("a page could not be answered (%s)", type(error).__name__)
            return
        if answer.work is None:
            return
        if answer.incident_id not in self._taken:
            self._put(answer.work, answer, True)
        self._taken[answer.incident_id] = answer.officer_id
        if len(self._taken) > _MOST:
            self._taken.pop(next(iter(self._taken)))

    def _resolve(self, answer: Answer) -> None:
        self._taken.pop(answer.incident_id, None)
        command: dict[str, Any] = {
            "schema_version": 1,
            "command_id": uuid.uuid4(),
            "incident_id": answer.incident_id,
            "district": answer.district,
            "action": Action.RESOLVE,
            "by": answer.officer_id,
            "at": datetime.now(UTC),
            "reason": "ditangani di lapangan / dealt with on the spot",
        }
        try:
            publish_commands(self._settings, [Command.model_validate(command)], source="inbox")
        except CommandError as error:
            logger.warning("an incident could not be resolved: %s", error)
