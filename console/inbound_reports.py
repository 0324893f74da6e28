"""A report in a line that a gateway brings: from the message to the gateway of the devices, which decides about it.

In: a message that means to be a report. Out: a post to the devices' gateway, as a device of its own, or why there is
none. State: none. The report's id is made of the message's, so that brought twice it is one report.

Who reports is whoever's telephone it is in the roster; a stranger's message is set aside without the number.
"""

from __future__ import annotations

import logging
from typing import Final

import httpx

from console.core import Core
from siaga.answers.data import answers_data
from siaga.answers.desk import Outcome, Received, Settled, refuse
from siaga.answers.gateways import Gateway
from siaga.answers.reports import Compact, read_report
from siaga.contracts.page import Language
from siaga.store.answering import officer_of

log = logging.getLogger(__name__)

_SECONDS: Final = 8.0


class NotNow(Exception):
    """The gateway of the devices cannot be reached, or takes nothing for now."""


def take_report(core: Core, gateway: Gateway, received: Received, *, source: str) -> Settled:
    """What comes of a report in a line.

    Raises:
        NotNow: it has to be brought again.
    """
    now = core.now()
    with core.database.read.connect() as connection:
        officer = officer_of(connection, received.sender)
    if officer is None:
        return refuse(Outcome.UNKNOWN_SENDER, received, source=source, now=now)
    officer_id, language = officer
    said = read_report(received.text, core.feed.board.knowledge.taxonomy)
    if not isinstance(said, Compact):
        outcome = Outcome(said.value)
        return refuse(outcome, received, source=source, now=now, reply=_told(outcome, language))
    report = said.report(officer_id, received.message_id, now)
    if not _posted(gateway, report.to_json()):
        told = _told(Outcome.REFUSED, language, station=said.station_id)
        return refuse(Outcome.REFUSED, received, source=source, now=now, reply=told)
    kind = said.kind.id if language is Language.INDONESIAN else said.kind.en
    return Settled(Outcome.REPORTED, reply=_told(Outcome.REPORTED, language, kind=kind, station=said.station_id))


def _posted(gateway: Gateway, report: bytes) -> bool:
    """Whether the devices' gateway took a report, on Kafka or on its disk; False where it never will."""
    url = f"{(gateway.reports or '').rstrip('/')}/v1/reports"
    headers = {"Authorization": f"Bearer {gateway.token}", "Content-Type": "application/json"}
    try:
        status = httpx.post(url, content=report, headers=headers, timeout=_SECONDS).status_code
    except httpx.HTTPError as error:
        log.warning(
            "the gateway of the devices does not answer (%s); a report has to be brought again", type(error).__name__
        )
        raise NotNow from None
    if status == 202:
        return True
    if status in (403, 422):
        return False
    log.warning("the gateway of the devices answers %d; a report has to be brought again", status)
    raise NotNow


def _told(outcome: Outcome, language: Language, **values: str) -> str:
    template: str = answers_data()["told"][language.value][outcome.value]
    return template.format(example=answers_data()["reports"]["example"], **values)
