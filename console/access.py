"""Who asks: the session of a browser or the token of a program, and whether they may do what they ask for.

Each dependency here either gives a :class:`Caller` or ends the request with a problem that says what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.datastructures import Headers

from console.accounts.sessions import Session
from console.accounts.users import User
from console.core import Core
from console.problems import Problem
from siaga.redaction import Audience, UserRole

COOKIE: Final = "siaga_session"
CSRF_HEADER: Final = "X-CSRF-Token"
#: Whom each dependency that :func:`allow` made lets pass, for the OpenAPI document.
PASSES: Final[dict[Callable[..., Any], tuple[UserRole, ...]]] = {}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who is signed in; ``session`` is ``None`` for a program with a token."""

    user: User
    session: Session | None

    @property
    def audience(self) -> Audience:
        """As what they look at things."""
        return self.user.audience()


def core_of(request: Request) -> Core:
    """What the application works with."""
    core: Core = request.app.state.core
    return core


def find_caller(core: Core, headers: Headers, cookies: dict[str, str]) -> Caller | None:
    """Who sends these headers, if they are signed in."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        user = core.tokens.find(token.strip(), core.now())
        return None if user is None else Caller(user, None)
    cookie = cookies.get(COOKIE)
    session = core.sessions.find(cookie, core.now()) if cookie else None
    return None if session is None else Caller(session.user, session)


def caller_of(request: Request) -> Caller:
    """Who asks. What changes something has to bring the session's CSRF token back.

    Raises:
        Problem: 401 where nobody is signed in, 403 where the CSRF token is missing or wrong.
    """
    caller = find_caller(core_of(request), request.headers, request.cookies)
    if caller is None:
        raise Problem(
            401,
            "authorization: nobody is signed in; sign in at /login, or send a token made with 'siaga user token'",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if request.method not in ("GET", "HEAD") and caller.session is not None:
        sent = request.headers.get(CSRF_HEADER, "")
        if not compare_digest(sent.encode(), caller.session.csrf.encode()):
            raise Problem(403, f"{CSRF_HEADER}: is missing or not this session's; send the one that /api/me gives")
    return caller


def allow(*roles: UserRole) -> Callable[[Caller], Caller]:
    """A dependency that lets only ``roles`` pass."""

    def check(caller: SignedIn) -> Caller:
        if caller.user.role not in roles:
            needed = " or ".join(roles)
            raise Problem(403, f"role: this needs {needed}; ask an admin to give you the role")
        return caller

    PASSES[check] = roles
    return check


SignedIn = Annotated[Caller, Depends(caller_of)]
Acting = Annotated[Caller, Depends(allow(UserRole.OPERATOR, UserRole.COMMANDER, UserRole.ADMIN))]
Auditing = Annotated[Caller, Depends(allow(UserRole.AUDITOR, UserRole.ADMIN))]
Commanding = Annotated[Caller, Depends(allow(UserRole.COMMANDER, UserRole.ADMIN))]
CoreOf = Annotated[Core, Depends(core_of)]
