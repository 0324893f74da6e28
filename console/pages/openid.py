"""``/login/openid…``: signing in with an OpenID Connect provider.

In: a browser that follows the link, and comes back from the provider with a code. Out: the way there, and then a
session's cookie or the sign-in page with what was wrong. State: a cookie that holds one attempt, until it is used.
"""

from __future__ import annotations

import hmac
import logging
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from console.access import COOKIE, CoreOf
from console.accounts.grants import Unfit, subject_of
from console.accounts.identities import Identity
from console.accounts.openid import Attempt, ProviderAway, ProviderWrong, TokenRefused
from console.accounts.users import User
from console.core import Core
from console.openid import OpenId
from console.pages.plain import login_page
from console.problems import Problem

router = APIRouter(include_in_schema=False)

log = logging.getLogger(__name__)

_ATTEMPT_COOKIE: Final = "siaga_openid"
_PATH: Final = "/login/openid"
#: Seconds that somebody may take at the provider.
_PATIENCE: Final = 600
_STATUS: Final = {"openid_away": 503, "openid_refused": 403, "openid_expired": 403}

Answered = Annotated[str, Query(max_length=4096)]


@router.get(_PATH)
def leave_for_provider(request: Request, core: CoreOf) -> Response:
    """The way to the provider. Going there changes nothing here."""
    attempt = Attempt.new()
    try:
        address = _openid(core).provider.address(attempt)
    except (ProviderAway, ProviderWrong) as error:
        return _failed(request, core, error)
    answer = RedirectResponse(address, 303)
    answer.set_cookie(
        _ATTEMPT_COOKIE,
        str(attempt),
        max_age=_PATIENCE,
        path=_PATH,
        httponly=True,
        samesite="lax",  # the provider's redirect comes from another site
        secure=core.settings.console_speaks_https,
    )
    return answer


@router.get(f"{_PATH}/back")
def come_back(
    request: Request, core: CoreOf, code: Answered = "", state: Answered = "", error: Answered = ""
) -> Response:
    """What the provider says of the attempt: a session, or why not."""
    openid = _openid(core)
    attempt = Attempt.read(request.cookies.get(_ATTEMPT_COOKIE, ""))
    if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode()):
        return _refused(request, core, "openid_expired")
    if error or not code:
        # Which of the provider's errors it was is told there.
        return _refused(request, core, "openid_refused")
    try:
        found = _enter(openid, core, code, attempt)
    except (ProviderAway, ProviderWrong) as away:
        return _failed(request, core, away)
    except TokenRefused as refused:
        log.warning("openid: a sign-in was refused: %s", refused)
        return _refused(request, core, "openid_refused")
    if isinstance(found, Unfit):
        log.warning("openid: somebody whom the provider knows was refused: %s", found)
        return _refused(request, core, f"openid_{found}")
    core.metrics.sign_ins.labels("ok").inc()
    answer = RedirectResponse("/", 303)
    secure = core.settings.console_speaks_https
    answer.set_cookie(COOKIE, core.sessions.open(found, core.now()), httponly=True, samesite="lax", secure=secure)
    answer.delete_cookie(_ATTEMPT_COOKIE, path=_PATH)
    return answer


def _enter(openid: OpenId, core: Core, code: str, attempt: Attempt) -> User | Unfit:
    claims = openid.provider.claims(code, attempt)
    subject = subject_of(claims)
    if subject is None:
        raise TokenRefused("id_token: its claim sub names nobody")
    return openid.identities.enter(
        Identity(openid.provider.issuer, subject), openid.grants.user_of(claims), core.now()
    )


def _openid(core: Core) -> OpenId:
    if core.openid is None:
        raise Problem(404, "there is nothing here; set SIAGA_OPENID_ISSUER to sign in with a provider")
    return core.openid


def _failed(request: Request, core: Core, error: Exception) -> Response:
    log.error("openid: %s", error)
    core.metrics.sign_ins.labels("failed").inc()
    return _said(request, core, "openid_away")


def _refused(request: Request, core: Core, word: str) -> Response:
    core.metrics.sign_ins.labels("refused").inc()
    return _said(request, core, word)


def _said(request: Request, core: Core, word: str) -> Response:
    answer = login_page(request, core, said=word, status=_STATUS.get(word, 403))
    answer.delete_cookie(_ATTEMPT_COOKIE, path=_PATH)
    return answer
