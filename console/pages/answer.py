"""``/ack/…``: an officer answers a page from the link in the message, without signing in.

In: a token signed by the notifier. Out: a page that says what it is about and asks for one tap, and then a command.
Looking at the link does nothing: messengers open links by themselves to show what is behind them. Answering twice is
answering once: the command's id is made of the token.
"""

from __future__ import annotations

from html import escape
from typing import Any, Final
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
    link, page, incident = asked
    language = str(page["body"].get("language") or LANGUAGES[0])
    w, named = words(language), live_words(language)
    kind = page["body"].get("kind_id" if language == "id" else "kind_en") or incident["kind"]
    over = not IncidentState(incident["state"]).is_open
    where, state = escape(str(page["body"].get("place") or "")), escape(named[f"s_{incident['state']}"])
    button = "" if over else f"<form method='post'><button>{escape(named[f'a_{link.action}'])}</button></form>"
    body = f"""
<main class="login">
<h1><span class="sev sev{incident["severity"]}">SEV{incident["severity"]}</span> {escape(str(kind).capitalize())}</h1>
<p class="purpose">{where}<br>{escape(w["page_code"])} <b>{escape(page["code"])}</b> · {state}</p>
{button}
</main>"""
    return page_of(w["answer"], language, body)


@router.post("/ack/{token}")
def send_answer(token: str, request: Request, core: CoreOf) -> Response:
    """Answer the page: a command in the officer's name."""
    asked = _read(core, token)
    if isinstance(asked, str):
        return _said(request, asked, status=404 if asked == "link_forged" else 410)
    link, page, incident = asked
    language = str(page["body"].get("language") or LANGUAGES[0])
    command = Command(
        schema_version=1,
        command_id=uuid5(_NAMESPACE, token),
        incident_id=UUID(page["incident_id"]),
        district=incident["district"],
        action=link.action,
        by=link.officer_id,
        at=core.now(),
        via=Via.LINK,
    )
    try:
        core.commands.publish(command)
    except CommandError:
        return _said(request, "link_failed", status=503, language=language)
    return _said(request, "link_done", status=200, language=language)


def _read(core: Core, token: str) -> tuple[Link, dict[str, Any], dict[str, Any]] | str:
    """The link with its page and incident; or the word that says why there is none."""
    if len(token) > _LONGEST:
        return "link_forged"
    try:
        link = core.links.read(token, core.now().timestamp())
    except LinkError as error:
        return "link_expired" if error.fault is LinkFault.EXPIRED else "link_forged"
    with core.database.read.connect() as connection:
        page = page_by_id(connection, str(link.page_id))
        incident = None if page is None else _about(connection, page)
    if page is None or incident is None or page["officer_id"] != link.officer_id:
        return "link_forged"
    # Their unit may have been accused since they were called.
    if is_conflicted(page["agency"], page["agency"], accused_units_of(incident)):
        return "link_expired"
    return link, page, incident


def _about(connection: sa.Connection, page: dict[str, Any]) -> dict[str, Any] | None:
    """The incident of a page, or the one that it was merged into: an answer counts there. The call of a test of the
    roster has none: it only asks for an answer."""
    if not is_drill_call(UUID(page["incident_id"])):
        found = one_incident(connection, page["incident_id"])
        while found is not None and found.get("merged_into") is not None:
            found = one_incident(connection, found["merged_into"])
        return found
    body = page["body"]
    return {
        **{name: body[name] for name in ("severity", "kind", "district")},
        "state": IncidentState.OPEN.value,
    }


def _said(request: Request, word: str, *, status: int, language: str | None = None) -> Response:
    chosen = language or language_of(request)
    w = words(chosen)
    body = f'<main class="login"><h1>{escape(w["answer"])}</h1><p role="status">{escape(w[word])}</p></main>'
    return page_of(w["answer"], chosen, body, status=status)
