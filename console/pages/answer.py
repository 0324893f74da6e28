"""``/ack/…``: an officer answers a page from the link in the message, without signing in.

In: a token signed by the notifier. Out: a page that says what it is about and asks for one tap, and then a command.
Looking at the link does nothing: messengers open links by themselves to show what is behind them. Answering twice is
answering once: the command's id is made of the token.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid5

import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import Response

from console.access import CoreOf
from console.commands import CommandError
from console.core import Core
from console.pages.plain import LANGUAGES, language_of, live_words, page_of, words
from console.queries import one_incident, page_by_id
from siaga.contracts.command import Command, Via
from siaga.contracts.incident import IncidentState
from siaga.contracts.page import is_drill_call
from siaga.escalation.conflict import is_conflicted
from siaga.links import Link, LinkError, LinkFault
from siaga.redaction import accused_units_of

router = APIRouter(include_in_schema=False)

_NAMESPACE: Final = UUID("5f0b6f0a-3c0f-5d5e-9f64-0d1b7c7f2a90")
#: Longer than any token of ours: an officer's id has at most 80 characters.
_LONGEST: Final = 300


@router.get("/ack/{token}")
def show_answer(token: str, request: Request, core: CoreOf) -> Response:
    """What the page is about, and the button that answers it."""
    asked = _read(core, token)
    if isinstance(asked, str):
        return _said(request, asked, status=404 if asked == "link_forged" else 410)
    link, page, about = asked
    language = str(page["body"].get("language") or LANGUAGES[0])
    w, named = words(language), live_words(language)
    heads = "".join(
        f'<h1><span class="sev sev{one["severity"]}">SEV{one["severity"]}</span> {escape(kind.capitalize())}</h1>'
        f'<p class="purpose">{escape(place)}<br>{escape(named["s_" + one["state"]])}</p>'
        for one, kind, place in _told(core, page, about, language)
    )
    drill = f'<p class="purpose"><b>{escape(named["drill"])}</b></p>' if page["body"].get("drill") is True else ""
    over = not any(IncidentState(one["state"]).is_open for one in about.values())
    button = "" if over else f"<form method='post'><button>{escape(named[f'a_{link.action}'])}</button></form>"
    body = f"""
<main class="login">
{drill}{heads}
<p class="purpose">{escape(w["page_code"])} <b>{escape(page["code"])}</b></p>
{button}
</main>"""
    return page_of(w["answer"], language, body)


@router.post("/ack/{token}")
def send_answer(token: str, request: Request, core: CoreOf) -> Response:
    """Answer the page: a command in the officer's name."""
    asked = _read(core, token)
    if isinstance(asked, str):
        return _said(request, asked, status=404 if asked == "link_forged" else 410)
    link, page, about = asked
    language = str(page["body"].get("language") or LANGUAGES[0])
    commands = [
        Command(
            schema_version=1,
            command_id=uuid5(_NAMESPACE, token if incident_id == page["incident_id"] else f"{token}|{incident_id}"),
            incident_id=UUID(incident_id),
            district=incident["district"],
            action=link.action,
            by=link.officer_id,
            at=core.now(),
            via=Via.LINK,
        )
        for incident_id, incident in about.items()
    ]
    try:
        for command in commands:
            core.commands.publish(command)
    except CommandError:
        return _said(request, "link_failed", status=503, language=language)
    return _said(request, "link_done", status=200, language=language)


#: What a page is about: how each incident stands that its text names, by the id that it has there.
About: TypeAlias = dict[str, dict[str, Any]]


def _read(core: Core, token: str) -> tuple[Link, dict[str, Any], About] | str:
    """The link with its page and what that is about; or the word that says why there is none."""
    if len(token) > _LONGEST:
        return "link_forged"
    try:
        link = core.links.read(token, core.now().timestamp())
    except LinkError as error:
        return "link_expired" if error.fault is LinkFault.EXPIRED else "link_forged"
    with core.database.read.connect() as connection:
        page = page_by_id(connection, str(link.page_id))
        about = {} if page is None else _about(connection, page)
    if page is None or not about or page["officer_id"] != link.officer_id:
        return "link_forged"
    # Their unit may have been accused since they were called.
    unit = page["agency"]
    left = {key: one for key, one in about.items() if not is_conflicted(unit, unit, accused_units_of(one))}
    return (link, page, left) if left else "link_expired"


def _about(connection: sa.Connection, page: dict[str, Any]) -> About:
    """The incident of a page, or all that a digest tells; where one was merged, how that stands which took it in: an
    answer counts there. The call of a test of the roster has none: it only asks for an answer."""
    body = page["body"]
    if is_drill_call(UUID(page["incident_id"])):
        told = {name: body[name] for name in ("severity", "kind", "district")}
        return {page["incident_id"]: {**told, "state": IncidentState.OPEN.value}}
    named = [told["incident_id"] for told in body.get("incidents") or ()] or [page["incident_id"]]
    found = {incident_id: _whole(connection, incident_id) for incident_id in named}
    return {incident_id: one for incident_id, one in found.items() if one is not None}


def _whole(connection: sa.Connection, incident_id: str) -> dict[str, Any] | None:
    found = one_incident(connection, incident_id)
    while found is not None and found.get("merged_into") is not None:
        found = one_incident(connection, found["merged_into"])
    return found


def _told(core: Core, page: dict[str, Any], about: About, language: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Each incident with its kind and place in words: as the page has them for its own, else as they stand now."""
    body, kinds = page["body"], core.feed.board.knowledge.taxonomy.kinds
    for incident_id, incident in about.items():
        if incident_id == page["incident_id"]:
            kind = body.get("kind_id" if language == "id" else "kind_en") or incident["kind"]
            yield incident, str(kind), str(body.get("place") or "")
            continue
        known = kinds.get(incident["kind"])
        kind = incident["kind"] if known is None else known.id if language == "id" else known.en
        yield incident, kind, str(incident.get("station_id") or incident["district"])


def _said(request: Request, word: str, *, status: int, language: str | None = None) -> Response:
    chosen = language or language_of(request)
    w = words(chosen)
    body = f'<main class="login"><h1>{escape(w["answer"])}</h1><p role="status">{escape(w[word])}</p></main>'
    return page_of(w["answer"], chosen, body, status=status)
