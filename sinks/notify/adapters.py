"""Which adapter sends over which channel. Input: a spec and a message; output: an outcome, whatever happens."""

from __future__ import annotations

from collections.abc import Iterable

from siaga.contracts.page_result import ResultReason
from sinks.notify import http_adapter, telegram_adapter
from sinks.notify.channels import ChannelSpec
from sinks.notify.outcome import Message, Outcome, Verdict


def prepare(specs: Iterable[ChannelSpec]) -> None:
    """Load what sending over these channels needs."""
    if any(spec.adapter == "apprise" for spec in specs):
        from sinks.notify import apprise_adapter

        apprise_adapter.prepare()


def send(spec: ChannelSpec, message: Message) -> Outcome:
    """Send a message, once. Never raises: what nobody foresaw leaves it unclear whether it was sent."""
    try:
        if spec.adapter == "apprise":
            from sinks.notify import apprise_adapter  # a second of loading, for those who use it

            return apprise_adapter.send(spec, message)
        if spec.adapter == "telegram":
            return telegram_adapter.send(spec, message)
        return http_adapter.send(spec, message)
    except Exception as error:
        return Outcome(Verdict.UNCLEAR, ResultReason.OTHER, f"the adapter raised {type(error).__name__}")


def ask(spec: ChannelSpec, message: Message, receipt: str | None) -> Outcome:
    """Ask the provider what became of a message. Never raises."""
    try:
        return http_adapter.ask(spec, message, receipt)
    except Exception as error:
        return Outcome(Verdict.NOT_ASKED, ResultReason.OTHER, f"the adapter raised {type(error).__name__}")
