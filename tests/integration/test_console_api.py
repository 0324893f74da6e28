"""The command centre's API on both databases, as programs and browsers use it."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.routing import Mount

from siaga.contracts.command import Action
from siaga.links import Link
from siaga.redaction import UserRole
from siaga.settings import Settings
from siaga.store.paging import pages
from siaga.types import Vulnerability
from tests.support import builders, filled
from tests.support.centre import ACCUSED, PASSWORD, ROLES, Centre
from tests.support.databases import Database
from tests.support.filled import Filled
from tests.support.wait import until

PLACES = [
    builders.calendar(),
    builders.district(builders.DISTRICT, vulnerability={builders.STATION: Vulnerability.SANGAT_RAWAN}),
    builders.district(builders.OTHER_DISTRICT),
]


@pytest.fixture
def rows(database: Database) -> Filled:
    """A database with two districts."""
    made = Filled(database.url)
    made.put_registry(*PLACES)
    return made


@pytest.fixture
def centre(rows: Filled, database: Database, tmp_path: Path) -> Iterator[Centre]:
    """A command centre on that database; no broker."""
    with Centre(Settings(database=database.url, data_dir=tmp_path, kafka="127.0.0.1:1")) as made:
        yield made


def test_pages_of_a_list_show_every_incident_once_while_it_grows(rows: Filled, centre: Centre) -> None:
    start = builders.now() - timedelta(hours=1)
    made = [filled.incident(opened=start + timedelta(seconds=n // 3)) for n in range(25)]
    rows.put(*made)
    seen: list[str] = []
    cursor: str | None = None

    for _ in range(10):
        page = centre.get("/api/incidents", params={"limit": 4, **({"cursor": cursor} if cursor else {})}).json()
        seen += [incident["incident_id"] for incident in page["incidents"]]
        cursor = page["next"]
        rows.put(filled.incident())
        if cursor is None:
            break

    assert sorted(seen) == sorted(incident["incident_id"] for incident in made)


def test_a_list_is_filtered_by_what_is_asked(rows: Filled, centre: Centre) -> None:
    grave = filled.incident("violence.mass_clash", severity=1)
    over = filled.incident("violence.brawl", state="resolved")
    drill = filled.incident("hazard.flood", drill=True, station=builders.OTHER_STATION)
    rows.put(grave, over, drill)

    def found(**asked: Any) -> list[str]:
        return [i["incident_id"] for i in centre.get("/api/incidents", params=asked).json()["incidents"]]

    assert found(severity=[1, 2]) == [grave["incident_id"]]
    assert found(state="resolved") == [over["incident_id"]]
    assert found(drill=True) == [drill["incident_id"]]
    assert found(district=builders.OTHER_DISTRICT) == [drill["incident_id"]]
    assert found(kind="violence.mass_clash") == [grave["incident_id"]]
    assert set(found(family="violence")) == {grave["incident_id"], over["incident_id"]}
    assert found(since="2199-01-01T00:00:00Z") == []


def test_what_is_wrong_is_answered_with_a_problem_that_names_it(centre: Centre) -> None:
    for path, status, field in (
        ("/api/incidents?cursor=abc", 422, "cursor"),
        ("/api/incidents?severity=9", 422, "severity"),
        ("/api/incidents?since=2022-02-23T09:00:00", 422, "since"),
        ("/api/incidents/33.26", 422, "incident_id"),
        (f"/api/incidents/{uuid.uuid4()}", 404, None),
        ("/api/nothing", 404, None),
    ):
        answer = centre.get(path)

        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == status
        assert "; " in problem["detail"]
        if field is not None:
            assert problem["errors"][0]["field"].startswith(field)


# -- who sees what ------------------------------------------------------------------------------------------------


def addresses(centre: Centre, ids: dict[str, str]) -> list[tuple[str, str]]:
    """Every method and address that the application serves, with something there is in place of its parameters."""
    with centre.core.database.read.connect() as connection:
        page_id, officer = connection.execute(sa.select(pages.c.page_id, pages.c.officer_id)).first() or ("", "")
    soon = centre.core.now().timestamp() + 600
    link = Link(uuid.UUID(page_id), officer, Action.ACKNOWLEDGE, soon)
    values = {"{incident_id}": list(ids.values()), "{token}": [centre.core.links.token(link)]}
    # Nothing is answered or decided: it is only asked what comes back.
    written = {**values, "{token}": ["x"], "{name}": ["x"], "{tail}": ["x"]}
    found = []
    for method, path in served(centre.app.routes):
        filled_in = [path.replace("{path:path}", "nothing")]
        for parameter in re.findall(r"{\w+}", path):
            known = values if method == "GET" else written
            assert parameter in known, f"{method} {path}: say here what to put in place of {parameter}"
            filled_in = [told.replace(parameter, value) for told in filled_in for value in known[parameter]]
        found += [(method, address) for address in filled_in]
    return found


def served(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Each route's methods and path, those of included routers as well; what only changes something needs no more."""
    for route in routes:
        if (router := getattr(route, "original_router", None)) is not None:
            yield from served(router.routes)
        elif not isinstance(route, Mount):
            yield from ((method, route.path) for method in sorted({"GET", "POST"} & set(route.methods)))


def everything(centre: Centre, name: str | None, ids: dict[str, str]) -> dict[str, str]:
    """Every answer of the API and every page, as this user gets it, by address."""
    found = {}
    for method, path in addresses(centre, ids):
        if path == "/api/events":
            continue
        body = {"json": {}} if method == "POST" else {}
        answer = centre.http.request(method, path, headers=centre.headers(name), **body)
        assert answer.status_code < 500 or answer.status_code == 503, path
        found[path if method == "GET" else f"{method} {path}"] = f"{dict(answer.headers)}\n{answer.text}"
    if name is not None:
        with centre.events(name, since=0) as events:
            told = []
            for kind, data, _ in events:
                told.append(json.dumps(data))
                if kind == "pulse":
                    break
        found["/api/events"] = "\n".join(told)
    return found


def told_json(text: str) -> Any:
    """The body of an answer of :func:`everything`."""
    return json.loads(text.partition("\n")[2])


#: What each secret is shown to.
STAFF = {UserRole.OPERATOR, UserRole.COMMANDER, UserRole.ADMIN}
CLEARED = {UserRole.COMMANDER, UserRole.ADMIN}
MAY_SEE: dict[str, set[UserRole]] = {
    filled.REPORTER: CLEARED,
    filled.DEVICE: CLEARED,
    "-7.123456": CLEARED,
    filled.CLASS: CLEARED,
    filled.WHY: CLEARED,
    filled.RULE: CLEARED,
    filled.OFFICER: {*STAFF, UserRole.AUDITOR},
    filled.PHONE: STAFF,
    filled.NIK: STAFF,
    filled.EMAIL: STAFF,
}


def test_nothing_confidential_reaches_a_role_that_need_not_know_it(
    rows: Filled, centre: Centre, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ids = filled.secrets_everywhere(rows)
    rows.put_checkins([builders.STATION])
    until_known(centre, ids["plain"])

    for role in [*ROLES, None]:
        told = everything(centre, role.value if role else None, ids)
        for secret, roles in MAY_SEE.items():
            places = [path for path, text in told.items() if secret in text]
            if role in roles:
                assert places, f"{role} does not see {secret}"
            else:
                assert not places, f"{role} sees {secret} in {places}"
        assert not {path for path in ("/metrics", "/public") if "RAHASIA" in told[path]}
        assert not [secret for secret in MAY_SEE if secret in caplog.text]
        assert all(text.count("RAHASIA") == 0 for path, text in told.items() if path.startswith("/cap/"))


def test_a_unit_finds_no_trace_of_the_incident_that_accuses_it(rows: Filled, centre: Centre) -> None:
    ids = filled.secrets_everywhere(rows)
    until_known(centre, ids["plain"])

    told = everything(centre, ACCUSED, ids)

    wanted = [path for path in told if path.startswith("/") and ids["accusing"] in path]
    assert all(ids["accusing"] not in text and filled.ACCUSING not in text for text in told.values())
    assert [told_json(told[path])["status"] for path in wanted] == [404] * len(wanted)
    assert (
        centre.post(
            f"/api/incidents/{ids['accusing']}/commands", {"action": "note", "reason": "x"}, ACCUSED
        ).status_code
        == 404
    )
    assert ids["plain"] in told["/api/incidents"]
    assert told_json(told["/api/trends"])["incidents"] == 1
    assert ids["accusing"] in everything(centre, "operator", ids)["/api/incidents"]


def test_an_auditor_sees_who_reported_with_a_reason_and_the_look_is_kept(rows: Filled, centre: Centre) -> None:
    path = f"/api/incidents/{filled.secrets_everywhere(rows)['plain']}"

    without = centre.get(path, "auditor", params={"reason": "  "}).json()
    with_reason = centre.get(path, "auditor", params={"reason": "pemeriksaan nomor 4"}).json()

    assert not without["reporters_shown"]
    assert with_reason["reports"][0]["reporter_id"] == filled.REPORTER
    assert filled.PHONE in with_reason["reports"][0]["text"]
    looks = centre.get("/api/accesses").json()["rows"]
    assert [(look["user_name"], look["reason"]) for look in looks] == [("auditor", "pemeriksaan nomor 4")]
    assert centre.get("/api/accesses", "commander").status_code == 403


def until_known(centre: Centre, incident_id: str) -> None:
    until(
        lambda: any(row["incident_id"] == incident_id for row in centre.core.feed.board.rows()),
        what="the incident on the board",
    )


# -- live ---------------------------------------------------------------------------------------------------------


def test_a_change_reaches_an_open_stream_within_a_second_and_a_late_one_catches_up(
    rows: Filled, centre: Centre
) -> None:
    first = filled.incident()
    rows.put(first)
    until_known(centre, first["incident_id"])
    with centre.events("viewer") as events:
        assert next(events)[0] == "pulse"
        began = time.monotonic()
        second = filled.incident(severity=1)
        rows.put(second)
        data, seq = next((data, seq) for name, data, seq in events if name == "incident")
        waited = time.monotonic() - began

    assert data["incident_id"] == second["incident_id"]
    assert data["village"] == "Desa Uji"
    assert waited < 1.0
    third = filled.incident(state="acknowledged", incident_id=second["incident_id"], version=2)
    rows.put(third)
    until(lambda: any(row["version"] == 2 for row in centre.core.feed.board.rows()), what="the change on the board")
    with centre.events("viewer", since=seq) as events:
        name, data, _ = next(events)
    assert (name, data["incident_id"], data["state"]) == ("incident", third["incident_id"], "acknowledged")


def test_an_incident_that_comes_to_accuse_a_unit_leaves_its_open_pages(rows: Filled, centre: Centre) -> None:
    before = filled.incident(support_agencies=["polres"])
    rows.put(before)
    until_known(centre, before["incident_id"])
    with centre.events(ACCUSED) as events:
        assert next(events)[0] == "pulse"
        rows.put({**before, "version": 2, "facts": {**before["facts"], "accused_unit": filled.ACCUSED}})
        rows.put(filled.incident("neutrality.officer", lead_agency="polsek", facts={"accused_unit": filled.ACCUSED}))
        rows.put(last := filled.incident())
        told = []
        for name, data, _ in events:
            if name != "pulse":
                told.append((name, data["incident_id"]))
            if told and told[-1] == ("incident", last["incident_id"]):
                break

    assert told == [("gone", before["incident_id"]), ("incident", last["incident_id"])]


def test_a_stream_from_another_database_is_told_to_start_over(rows: Filled, centre: Centre) -> None:
    with centre.events("viewer", since=10_000_000) as events:
        assert next(events)[0] == "reset"


def test_the_board_says_what_the_day_is_like(rows: Filled, centre: Centre) -> None:
    late = builders.now() - timedelta(minutes=30)
    rows.put(
        filled.incident(severity=1, opened=late),
        filled.incident(severity=2, opened=late, state="acknowledged"),
        filled.incident(severity=1, drill=True),
        filled.incident("facility.network", severity=4),
        filled.incident(state="resolved"),
    )
    rows.put_checkins([builders.STATION])
    rows.put_report(builders.report(at=builders.now() - timedelta(minutes=1)), None)

    def pulse() -> dict[str, Any]:
        found: dict[str, Any] = centre.get("/api/board").json()["pulse"]
        return found

    until(lambda: pulse()["untriaged"] == 1 and sum(pulse()["open"].values()) == 3, what="the pulse")
    seen = pulse()
    assert seen["open"] == {"1": 1, "2": 1, "3": 0, "4": 1, "5": 0}
    assert (seen["overdue"], seen["drills"], seen["silent"]) == (1, 1, 1)
    assert (seen["stations"], seen["reporting"]) == (6, 1)
    assert sum(seen["reports_by_minute"]) == 1
    assert seen["stage"] == "voting"
    board = centre.get("/api/board").json()["incidents"]
    assert [card["severity"] for card in board] == [1, 2, 4, 1, 3]


def test_an_incident_shows_who_was_called_and_when_it_climbs(rows: Filled, centre: Centre) -> None:
    incident = filled.incident(severity=2)
    rows.put(incident)
    rows.put_ladder(incident, level=2, next_due_at=(due := builders.now() + timedelta(seconds=90)))
    rows.put_page(incident, officer="ipda-sari")
    until_known(centre, incident["incident_id"])

    detail = centre.get(f"/api/incidents/{incident['incident_id']}", "operator").json()
    (card,) = centre.get("/api/board").json()["incidents"]
    listed = centre.get("/api/escalations").json()["escalations"]

    assert (detail["escalation"]["state"], detail["escalation"]["level"]) == ("paging", 2)
    assert [(p["officer_id"], p["channel_kind"], p["status"]) for p in detail["pages"]] == [
        ("ipda-sari", "sms", "accepted")
    ]
    assert [(s["reason"], s["desk"]) for s in detail["steps"]] == [("opened", "polsek/duty")]
    assert (card["level"], card["ladder"]) == (2, "paging")
    assert abs(card["due"] - due.timestamp()) < 0.01
    assert [e["incident_id"] for e in listed] == [incident["incident_id"]]
    with centre.events("viewer") as events:
        assert next(events)[0] == "pulse"
        rows.put_ladder(incident, "exhausted", level=4)
        told = next(data for name, data, _ in events if name == "incident")
    assert (told["level"], told["ladder"]) == (4, "exhausted")


def test_a_taken_incident_is_timed_by_agency_and_severity(rows: Filled, centre: Centre) -> None:
    taken = filled.incident(opened=builders.now() - timedelta(minutes=3), state="acknowledged")
    rows.put(taken, filled.incident("hazard.flood", drill=True))
    rows.put_history(taken["incident_id"], "acknowledged", by="ipda-1")

    trends = centre.get("/api/trends").json()

    assert (trends["incidents"], trends["drills"]) == (1, 1)
    (response,) = trends["response"]
    assert (response["agency"], response["severity"], response["taken"]) == ("polsek", 3, 1)
    assert 170 < response["median"] < 240


def test_the_public_is_told_sums_only_and_nothing_of_drills(rows: Filled, centre: Centre) -> None:
    rows.put(filled.incident(severity=1), filled.incident(drill=True), filled.incident(state="resolved"))
    until(lambda: centre.get("/public/summary.json", None).json()["incidents_closed"] == 1, what="the summary")
    summary = centre.get("/public/summary.json", None).json()

    assert summary["incidents_open"]["SEV1"] == 1
    assert sum(summary["incidents_open"].values()) == 1
    assert summary["by_family"] == {"violence": 1}
    page = centre.get("/public", None)
    assert page.status_code == 200
    assert builders.STATION not in page.text


# -- exports ------------------------------------------------------------------------------------------------------


def test_exports_are_what_other_programs_read(rows: Filled, centre: Centre) -> None:
    incident = filled.incident(outcome='=HYPERLINK("http://x")', state="open")
    rows.put(incident, filled.incident(state="resolved"))
    until_known(centre, incident["incident_id"])

    table = list(csv.DictReader(io.StringIO(centre.get("/api/incidents.csv").text)))
    points = centre.get("/api/incidents.geojson").json()

    assert len(table) == 2
    assert {row["outcome"] for row in table} == {"", '\'=HYPERLINK("http://x")'}
    (feature,) = points["features"]
    lon, lat = feature["geometry"]["coordinates"]
    assert (round(lat, 2), round(lon, 1)) == (-7.03, 109.5)
    assert feature["id"] == incident["incident_id"]


# -- signing in ---------------------------------------------------------------------------------------------------


def sign_in(centre: Centre, name: str, password: str) -> int:
    form = re.search(r'name="form" value="([^"]+)"', centre.http.get("/login").text)
    assert form is not None
    sent = {"name": name, "password": password, "form": form[1]}
    return centre.http.post("/login", data=sent).status_code


def test_a_person_signs_in_acts_with_their_csrf_token_and_signs_out(rows: Filled, centre: Centre) -> None:
    assert centre.http.get("/api/me").status_code == 401
    assert sign_in(centre, "commander", PASSWORD) == 303
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


def test_too_many_wrong_passwords_lock_the_name_for_a_while(centre: Centre) -> None:
    tried = [sign_in(centre, "viewer", "salah-sekali") for _ in range(5)]

    assert tried == [401] * 5
    assert sign_in(centre, "viewer", PASSWORD) == 429
    assert sign_in(centre, "tidak-ada", PASSWORD) == 401
    later = centre.core.now() + timedelta(minutes=6)
    assert getattr(centre.core.users.sign_in("viewer", PASSWORD, later), "name", None) == "viewer"


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
