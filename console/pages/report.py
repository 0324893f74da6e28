"""``/report``: what happened between two times, as one file to print and hand on. ``siaga report`` writes
the same.

In: two times. Out: HTML without scripts. A commander gets the confidential edition, an auditor their own; with
``for=leaders`` both get the one that may be handed on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import HTMLResponse, Response

from console.access import Caller, CoreOf, allow
from console.openapi import HTML, refusals, text
from console.pages.plain import language_of
from console.problems import Problem
from siaga.afterday.material import Period
from siaga.afterday.page import Edition
from siaga.afterday.report import make_report
from siaga.redaction import UserRole
from siaga.settings import SettingsError

router = APIRouter(tags=["views"])

_LONGEST: Final = timedelta(days=62)
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)

Reading = Annotated[Caller, Depends(allow(UserRole.COMMANDER, UserRole.AUDITOR, UserRole.ADMIN))]


@router.get(
    "/report",
    response_class=Response,
    responses={200: text(HTML, "The report, one file without scripts"), **refusals(401, 403, 422, 503)},
)
def show_report(
    request: Request,
    caller: Reading,
    core: CoreOf,
    *,
    start: Annotated[datetime | None, Query(alias="from", description="A day before `to` by default")] = None,
    end: Annotated[datetime | None, Query(alias="to", description="Now by default")] = None,
    edition: Annotated[
        str, Query(alias="for", max_length=20, description="`leaders` for the edition that may be handed on")
    ] = "",
) -> Response:
    """What happened between two times, to read, print and hand on. Times without an offset are UTC; 62 days at
    most. A commander gets the confidential edition, an auditor their own. `language` is `id` or `en`."""
    now = core.now()
    own = Edition.AUDITOR if caller.user.role is UserRole.AUDITOR else Edition.COMMANDER
    if edition not in ("", own, Edition.LEADERS):
        raise Problem(403, f"for: this edition is not yours; leave it out, or ask for {Edition.LEADERS}")
    chosen, asked = Edition(edition) if edition else own, caller.audience
    audience = replace(chosen.audience, agency=asked.agency, districts=asked.districts)
    period = _period(start or now - timedelta(days=1), end or now)
    try:
        with core.database.read.connect() as connection:
            made = make_report(
                connection,
                period,
                edition=chosen,
                audience=audience,
                language=language_of(request),
                outlines=core.settings.outlines,
                at=now,
            )
    except SettingsError as error:
        raise Problem(503, str(error)) from None
    return HTMLResponse(made)


def _period(start: datetime, end: datetime) -> Period:
    begins, ends = (at if at.tzinfo is not None else at.replace(tzinfo=UTC) for at in (start, end))
    try:
        if begins < _EARLIEST or ends - begins > _LONGEST:
            raise ValueError(f"from: is before 2000 or more than {_LONGEST.days} days before to; choose a later time")
        return Period(begins, ends)
    except (ValueError, OverflowError) as error:
        raise Problem(422, str(error)) from None
