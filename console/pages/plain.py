"""The plain pages: signing in and out, and the public summary. In: a form or nothing. Out: HTML and a cookie."""

from __future__ import annotations

import hmac
import secrets
import tomllib
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from console.access import COOKIE, CSRF_HEADER, CoreOf, find_caller
from console.accounts.guessing import Attempt, cookie_name
from console.api.views import summary_of
from console.core import Core
from console.problems import REMEDIES, Problem

router = APIRouter(include_in_schema=False)

LANGUAGES: Final = ("id", "en")
LANGUAGE_COOKIE: Final = "siaga_language"
#: Comes back with the form: a page of somebody else cannot read it, so it cannot sign anybody in.
_FORM_COOKIE: Final = "siaga_form"

#: Seconds for which a browser keeps that somebody signed in with it; none keeps a cookie for longer.
_KNOWN: Final = 400 * 86400

#: In the address of the sign-in page: the provider may still have somebody signed in.
_SIGNED_OUT: Final = "signed-out"

Text = Annotated[str, Form(max_length=200)]


@cache
def live_words(language: str) -> Mapping[str, str]:
    """What the live page says in ``language``."""
    table: dict[str, dict[str, str]] = tomllib.loads((files("console.pages") / "live.toml").read_text("utf-8"))
    return table[language]


@cache
def words(language: str) -> Mapping[str, str]:
    """What the plain pages say in ``language``."""
    table: dict[str, dict[str, str]] = tomllib.loads((files("console.pages") / "words.toml").read_text("utf-8"))
    return table[language]


def language_of(request: Request) -> str:
    """The language asked for by the address, else the one chosen before; Indonesian first."""
    asked = request.query_params.get("language") or request.cookies.get(LANGUAGE_COOKIE) or ""
    return asked if asked in LANGUAGES else LANGUAGES[0]


@router.get("/login")
def show_login(request: Request, core: CoreOf) -> Response:
    """The form to sign in."""
    if find_caller(core, request.headers, request.cookies) is not None:
        return RedirectResponse("/", 303)
    return login_page(request, core)


@router.post("/login")
def sign_in(request: Request, core: CoreOf, name: Text, password: Text, form: Text) -> Response:
    """Sign in: a session's cookie and the live page, or the form again with what was wrong."""
    https = core.settings.console_speaks_https
    if not hmac.compare_digest(form.encode(), request.cookies.get(_FORM_COOKIE, "").encode()) or not form:
        return login_page(request, core, said="expired", status=403)
    who = Attempt.of(name, request.client and request.client.host, request.cookies.get(cookie_name(name)))
    wait = core.guessing.admit(who, core.now().timestamp())
    if wait is not None:
        core.metrics.sign_ins.labels("locked").inc()
        return login_page(request, core, said="locked", status=429, seconds=wait.seconds)
    found = core.users.sign_in(name, password)
    if found is None:
        core.metrics.sign_ins.labels("wrong").inc()
        return login_page(request, core, said="wrong", status=401)
    core.metrics.sign_ins.labels("ok").inc()
    answer = RedirectResponse("/", 303)
    answer.set_cookie(COOKIE, core.sessions.open(found, core.now()), httponly=True, samesite="lax", secure=https)
    known = core.guessing.succeeded(who)
    answer.set_cookie(
        cookie_name(name), known, httponly=True, samesite="strict", secure=https, path="/login", max_age=_KNOWN
    )
    answer.delete_cookie(_FORM_COOKIE, path="/login")
    return answer


@router.post("/logout")
def sign_out(request: Request, core: CoreOf, csrf: Annotated[str, Form(max_length=200)] = "") -> Response:
    """End the session."""
    caller = find_caller(core, request.headers, request.cookies)
    after = "/login"
    if caller is not None and caller.session is not None:
        sent = csrf or request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(sent.encode(), caller.session.csrf.encode()):
            raise Problem(403, "csrf: is not this session's; open the page again and sign out there")
        core.sessions.close(request.cookies[COOKIE])
        if core.openid is not None and core.openid.identities.has(caller.user.name):
            after = f"/login?{_SIGNED_OUT}"
    answer = RedirectResponse(after, 303)
    answer.delete_cookie(COOKIE)
    return answer


def login_page(request: Request, core: Core, *, said: str = "", status: int = 200, seconds: int = 0) -> Response:
    """The form to sign in, with what was wrong before: a word of ``words.toml``; ``seconds`` until the next try."""
    https = core.settings.console_speaks_https
    language = language_of(request)
    w, form = words(language), secrets.token_urlsafe(24)
    told = f'<p class="wrong" role="alert">{escape(w[said])}</p>' if said else ""
    if seconds:
        left = escape(w["wait"].format(minutes=seconds // 60, seconds=seconds % 60))
        told += f'<p class="wrong" data-seconds="{seconds}" data-then="{escape(w["wait_over"])}">{left}</p>'
    body = f"""
<main class="login">
<h1><img src="/static/mark.svg" alt="" width="44" height="44">Siaga</h1>
<p class="purpose">{escape(w["purpose"])}</p>
{told}
<form method="post" action="/login">
<input type="hidden" name="form" value="{form}">
<label for="name">{escape(w["name"])}</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" required autofocus maxlength="80">
<label for="password">{escape(w["password"])}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="200">
<button>{escape(w["sign_in"])}</button>
</form>
{_other_ways(request, core, w)}
<p class="links"><a href="/public">{escape(w["public_link"])}</a>{_switch("/login", language)}</p>
</main>"""
    answer = page_of(w["sign_in"], language, body, status=status, script="/static/wait.js" if seconds else None)
    if seconds:
        answer.headers["Retry-After"] = str(seconds)
    answer.set_cookie(_FORM_COOKIE, form, httponly=True, samesite="strict", secure=https, path="/login")
    return answer


def _other_ways(request: Request, core: Core, w: Mapping[str, str]) -> str:
    """The link to the provider; for who has just signed out here, the one that signs them out there as well."""
    if core.openid is None:
        return ""
    leave = core.openid.provider.end_of_session(core.openid.signed_out)
    if _SIGNED_OUT in request.query_params and leave is not None:
        return f'<p class="other"><a href="{escape(leave)}">{escape(w["openid_leave"])}</a></p>'
    return f'<p class="other"><a href="/login/openid">{escape(w["openid"])}</a></p>'


@router.get("/public")
def show_public(request: Request, core: CoreOf) -> Response:
    """What anybody may see: sums."""
    language = language_of(request)
    w, summary = words(language), summary_of(core)
    families = {live_words(language).get(f"f_{name}", name): count for name, count in summary.by_family.items()}
    share = " / ".join(_number(n, language) for n in (summary.stations_reporting, summary.stations))
    closed, total = summary.incidents_closed, sum(summary.incidents_open.values())
    levels = "".join(
        f'<li class="sev sev{level[-1]}"><b>{_number(count, language)}</b><span>{level}</span></li>'
        for level, count in summary.incidents_open.items()
    )
    body = f"""
<main class="public">
<h1><img src="/static/mark.svg" alt="" width="40" height="40">{escape(w["public_title"])}</h1>
<p class="purpose">{escape(summary.election or "")}</p>
<ul class="figures">
<li><b>{share}</b><span>{escape(w["reporting"])}</span></li>
<li><b>{_number(total, language)}</b><span>{escape(w["open_incidents"])}</span></li>
<li><b>{_number(closed, language)}</b><span>{escape(w["closed_incidents"])}</span></li>
</ul>
<h2>{escape(w["open_incidents"])}</h2>
<ul class="figures">{levels}</ul>
<div class="halves">
{_table(w["by_family"], families, w["none"], language)}
{_table(w["by_district"], summary.by_district, w["none"], language)}
</div>
<p class="note">{escape(w["as_of"])} <time datetime="{summary.at.isoformat()}">{summary.at:%Y-%m-%d %H:%M} UTC</time>.
{escape(w["public_note"])}</p>
<p class="links"><a href="/public/summary.json">JSON</a><a href="/login">{escape(w["sign_in"])}</a>
{_switch("/public", language)}</p>
</main>"""
    return page_of(w["public_title"], language, body, script="/static/public.js")


def _number(value: int, language: str) -> str:
    return f"{value:,}".replace(",", ".") if language == "id" else f"{value:,}"


def _table(title: str, counts: Mapping[str, int], none: str, language: str) -> str:
    cells = ((escape(name), _number(count, language)) for name, count in counts.items())
    rows = "".join(f"<tr><th scope='row'>{name}</th><td>{count}</td></tr>" for name, count in cells)
    rows = rows or f"<tr><td>{escape(none)}</td></tr>"
    return f"<table><caption>{escape(title)}</caption><tbody>{rows}</tbody></table>"


def _switch(path: str, language: str) -> str:
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    address = f"{path}?{urlencode({'language': other})}"
    return f'<a href="{escape(address)}" lang="{other}">{escape(words(language)["other_language"])}</a>'


def page_of(title: str, language: str, body: str, *, status: int = 200, script: str | None = None) -> HTMLResponse:
    """A whole page around ``body``, which is HTML; the language is remembered."""
    again = f'<script src="{script}" defer></script>' if script is not None else ""
    html = f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)} · Siaga</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
{again}<link rel="icon" href="/static/mark.svg"><link rel="stylesheet" href="/static/plain.css"></head>
<body>{body}</body></html>"""
    answer = HTMLResponse(html, status)
    answer.set_cookie(LANGUAGE_COOKIE, language, samesite="lax", max_age=365 * 86400)
    return answer


def nothing_here(request: Request, error: Exception) -> Response:
    """What is said of an address that is none: a page to a browser, a problem to a program."""
    if "text/html" not in request.headers.get("accept", ""):
        return Problem(404, REMEDIES[404]).response()
    language = language_of(request)
    w = words(language)
    body = f"""
<main class="login">
<h1><img src="/static/mark.svg" alt="" width="44" height="44">Siaga</h1>
<p class="purpose">{escape(w["nothing_here"])}</p>
<p class="links"><a href="/">{escape(w["title"])}</a><a href="/public">{escape(w["public_link"])}</a></p>
</main>"""
    return page_of(w["nothing_here"], language, body, status=404)
