"""Asks Telegram for what officers tapped or wrote, where no webhook can reach us: a posko behind NAT.

Input: Telegram's updates, by long polling. Output: ``siaga.commands`` and ``siaga.rejected``, and a note to whoever
tapped. State: none of ours: Telegram gives an update again until a later one is asked for, and that is done only when
Kafka has what it means. A restart loses nothing, and what it hears twice has the same id.

Whoever sends pages polls: two that poll at once disturb each other (HTTP 409).
"""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime
from threading import Event
from typing import Any, Final

from kafka.errors import KafkaError

from siaga.answers.desk import Received, Settled
from siaga.answers.telegram import WANTED, Update, note_of, read_update
from siaga.contracts.page import ChannelKind
from siaga.contracts.topics import COMMANDS, REJECTED, partition_of
from siaga.settings import Settings
from siaga.store.answering import settled_of
from sinks.database import DATABASE_FAULTS, engine_of
from sinks.notify import metrics
from sinks.notify.channels import ChannelSpec, load_channels
from sinks.notify.telegram_adapter import call
from sinks.producing import Outgoing
from sinks.sender import Sender

logger = logging.getLogger(__name__)

SOURCE: Final = "sinks.telegram"
#: Seconds that Telegram holds a question open; short, so that the process ends in time.
_POLL: Final = 4
_MOST: Final = 50
_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
_IDLE: Final = 0.5


class TelegramAnswers:
    """Runs until ``stop`` is set; ``active`` is set while this process is the one that sends pages."""

    name = "telegram answers"

    def __init__(self, settings: Settings, stop: Event, *, active: Event) -> None:
        """Raises :class:`~siaga.settings.SettingsError` where the channels' file cannot be used."""
        self._settings = settings
        self._stop = stop
        self._active = active
        self._spec: ChannelSpec = load_channels(settings)[ChannelKind.TELEGRAM]
        self._engine = engine_of(settings, writes=False)
        self._sender = Sender(settings, "answers")
        self._offset: int | None = None
        self._pause = _PAUSE
        self._up = True

    @property
    def is_on(self) -> bool:
        """Whether the channels' file has it poll."""
        return self._spec.poll

    def run(self) -> None:
        """Ask until asked to stop."""
        while not self._stop.is_set():
            if not self.is_on or not self._active.is_set():
                self._stop.wait(_IDLE)
                continue
            try:
                self._round()
            except (KafkaError, *DATABASE_FAULTS) as error:
                self._trouble(type(error).__name__)
        self._confirm()
        self._sender.close()

    def _round(self) -> None:
        """One question; each update is done with before the next is looked at."""
        told: dict[str, Any] = {"timeout": _POLL, "limit": _MOST, "allowed_updates": list(WANTED)}
        if self._offset is not None:
            told["offset"] = self._offset
        status, answer, outcome = call(self._spec, "getUpdates", told, timeout=_POLL + self._spec.timeout)
        updates = answer.get("result")
        if outcome is not None or status != 200 or not isinstance(updates, list):
            self._trouble(f"HTTP {status}" if outcome is None else outcome.detail)
            return
        before = self._offset
        for each in updates:
            update = read_update(each)
            if update is None:
                continue
            try:
                self._take(update)
            except (KafkaError, *DATABASE_FAULTS):
                raise
            except Exception as error:
                # Where, but not what: its message may hold what was written. The same again would fail the same way.
                place = traceback.extract_tb(error.__traceback__)[-1]
                logger.error("an answer is passed over: %s at %s:%s", type(error).__name__, place.name, place.lineno)
                metrics.count_answer("failed")
            self._offset = update.update_id + 1
        if updates and self._offset == before:
            # They would come again at once, for ever: nothing that we could confirm.
            self._trouble("updates without a number, or with one that we had")
            return
        self._pause, self._up = _PAUSE, True

    def _take(self, update: Update) -> None:
        """Raises what Kafka or the database raise; the update comes again then."""
        if update.received is None:
            metrics.count_answer("no_message")
            if update.query_id is not None:
                self._note(update.query_id, None)
            return
        settled = self._settled(update.received)
        self._send(settled)
        metrics.count_answer(settled.outcome.value)
        if update.query_id is not None:
            self._note(update.query_id, settled.reply)
        elif settled.reply is not None:
            call(
                self._spec,
                "sendMessage",
                {"chat_id": update.chat_id, "text": settled.reply},
                timeout=self._spec.timeout,
            )

    def _settled(self, received: Received) -> Settled:
        now = datetime.now(UTC)
        with self._engine.connect() as connection, connection.begin():
            return settled_of(connection, received, source=SOURCE, now=now)

    def _send(self, settled: Settled) -> None:
        partitions = self._settings.partitions
        records = [
            Outgoing(
                COMMANDS,
                partition_of(command.district, partitions),
                command.district.encode(),
                command.to_json(),
                event_id=str(command.command_id),
                kind="command",
            )
            for command in settled.commands
        ]
        refused = settled.rejection
        if refused is not None:
            records.append(
                Outgoing(
                    REJECTED,
                    partition_of(refused.source, partitions),
                    refused.source.encode(),
                    refused.to_json(),
                    event_id=str(refused.rejection_id),
                    kind="rejection",
                )
            )
        if records:
            self._sender.send(records)

    def _note(self, query_id: str, reply: str | None) -> None:
        """Tell whoever tapped. A note that does not arrive is not sent again: the tap counts all the same."""
        call(self._spec, "answerCallbackQuery", note_of(query_id, reply), timeout=self._spec.timeout)

    def _confirm(self) -> None:
        """Tell Telegram what we are done with, so that it is not heard again."""
        if self.is_on and self._offset is not None:
            call(self._spec, "getUpdates", {"offset": self._offset, "limit": 1, "timeout": 0}, timeout=2.0)

    def _trouble(self, why: str) -> None:
        if self._up:
            logger.warning("answers from Telegram wait (%s)", why)
        self._up = False
        self._stop.wait(self._pause)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
