"""Who is let into the command centre with a password, for how long, and what keeps others out."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta

import httpx

from tests.support.centre import PASSWORD, Centre
from tests.support.filled import Filled


def sign_in(
    centre: Centre,
    name: str,
    password: str,
    browser: httpx.Client | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Send the form as it stands at ``/login``; a new ``browser`` each time unless one is given."""
    with nullcontext(browser) if browser else httpx.Client(base_url=centre.url, timeout=20) as used:
        if "siaga_session" in used.cookies:
            used.cookies.delete("siaga_session")
        form = re.search(r'name="form" value="([^"]+)"', used.get("/login").text)
        assert form is not None
        sent = {"name": name, "password": password, "form": form[1]}
        return used.post("/login", data=sent, headers=dict(headers or {}))


def test_a_person_signs_in_acts_with_their_csrf_token_and_signs_out(rows: Filled, centre: Centre) -> None:
    assert centre.http.get("/api/me").status_code == 401
    assert sign_in(centre, "commander", PASSWORD, centre.http).status_code == 303
    me = centre.http.get("/api/me").json()

    path = f"/api/incidents/{uuid.uuid4()}/commands"
    without = centre.http.post(path, json={"action": "verify"})
    with_token = centre.http.post(path, json={"action": "verify"}, headers={"X-CSRF-Token": me["csrf"]})
    foreign = centre.http.post(
        path, json={"action": "verify"}, headers={"X-CSRF-Token": me["csrf"], "Origin": "http://evil.example"}
    )

    assert me["role"] == "commander"
    assert [answer.status_code for answer in (without, with_token, foreign)] == [403, 404, 403]
    assert centre.http.post("/logout", data={"csrf": "salah"}).status_code == 403
    assert centre.http.post("/logout", data={"csrf": me["csrf"]}).status_code == 303
    assert centre.http.get("/api/me").status_code == 401


def test_who_guesses_at_a_name_waits_and_its_owner_comes_in_all_the_same(centre: Centre) -> None:
    elsewhere = {"X-Forwarded-For": "203.0.113.9"}  # uvicorn's own default believes this machine's proxies
    with httpx.Client(base_url=centre.url, timeout=20) as known:
        assert sign_in(centre, "viewer", PASSWORD, known).status_code == 303
        tried = [sign_in(centre, "viewer", "salah-sekali").status_code for _ in range(5)]
        waiting = sign_in(centre, "viewer", PASSWORD)

        assert (tried, waiting.status_code) == ([401] * 5, 429)
        assert 290 <= int(waiting.headers["Retry-After"]) <= 300
        assert "Coba lagi dalam " in waiting.text
        assert " menit " in waiting.text
        assert sign_in(centre, "tidak-ada", PASSWORD).status_code == 401
        assert sign_in(centre, "viewer", PASSWORD, headers=elsewhere).status_code == 303
        assert sign_in(centre, "viewer", PASSWORD, known).status_code == 303


def test_a_form_of_another_page_signs_nobody_in(centre: Centre) -> None:
    sent = {"name": "viewer", "password": PASSWORD, "form": "tebakan"}

    assert centre.http.post("/login", data=sent).status_code == 403


def test_sessions_end_by_time_by_idleness_and_by_a_new_password(centre: Centre) -> None:
    core, now = centre.core, centre.core.now()
    user = core.users.get("operator")
    assert user is not None
    cookie = core.sessions.open(user, now)

    assert core.sessions.find(cookie, now + timedelta(minutes=59)) is not None
    assert core.sessions.find(cookie, now + timedelta(minutes=118)) is not None  # used at minute 59
    assert core.sessions.find(cookie, now + timedelta(minutes=179)) is None  # an hour without use
    again = core.sessions.open(user, now)
    for minutes in range(50, 18 * 60, 50):
        assert core.sessions.find(again, now + timedelta(minutes=minutes)) is not None
    assert core.sessions.find(again, now + timedelta(hours=18)) is None
    third = core.sessions.open(user, now)
    core.users.set_password("operator", "kata-sandi-yang-lain")
    assert core.sessions.find(third, now) is None


def test_a_disabled_user_is_out_at_once_and_a_token_ends_when_it_is_taken_away(centre: Centre) -> None:
    assert centre.get("/api/me", "viewer").status_code == 200
    centre.core.users.set_active("viewer", False)
    assert centre.get("/api/me", "viewer").status_code == 401

    short = centre.core.tokens.make("operator", centre.core.now(), days=1)
    assert centre.core.tokens.find(short, centre.core.now() + timedelta(days=2)) is None
    assert centre.core.tokens.revoke("operator") == 2
    assert centre.get("/api/me", "operator").status_code == 401


def test_every_answer_carries_the_headers_that_keep_it_to_itself(centre: Centre) -> None:
    answer = centre.get("/api/me")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
