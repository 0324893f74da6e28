"""Every metric of the command centre, with its meaning. No label is a person, a station or a vulnerability."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from siaga.answers.desk import Outcome
from siaga.contracts.command import Action, Via

_OUTCOMES: Final = ("accepted", "refused", "failed")
#: What came of messages that bring answers, besides what the desk says.
ANSWERS: Final = (*(outcome.value for outcome in Outcome), "forged", "unreadable", "failed", "no_message")
_MESSAGES: Final = (Via.SMS, Via.WHATSAPP, Via.TELEGRAM)
_SIGN_INS: Final = ("ok", "wrong", "locked", "refused", "failed")


class Metrics:
    """The metrics of one application, on a registry of their own. Every label value is there from the start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.commands = Counter(
            "siaga_console_commands", "Commands by action and outcome.", ["action", "outcome"], registry=self.registry
        )
        self.answers = Counter(
            "siaga_console_answers",
            "Messages of gateways that bring officers' answers, by way and outcome.",
            ["via", "outcome"],
            registry=self.registry,
        )
        self.sign_ins = Counter(
            "siaga_console_sign_ins", "Attempts to sign in, by outcome.", ["outcome"], registry=self.registry
        )
        self.clients = Gauge("siaga_console_live_clients", "Open event streams.", registry=self.registry)
        self.changes = Counter(
            "siaga_console_changes", "Changes of incidents taken from the database.", registry=self.registry
        )
        self.feed_age = Gauge(
            "siaga_console_feed_age_seconds", "Since the database was last read.", registry=self.registry
        )
        self.delay = Histogram(
            "siaga_console_change_delay_seconds",
            "From a change of an incident by the streams to its being sent to open pages.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 60),
            registry=self.registry,
        )
        for action in Action:
            for outcome in _OUTCOMES:
                self.commands.labels(action.value, outcome)
        for via in _MESSAGES:
            for outcome in ANSWERS:
                self.answers.labels(via.value, outcome)
        for outcome in _SIGN_INS:
            self.sign_ins.labels(outcome)
