"""What the command centre shows to whom: every address asked by every role."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.routing import Mount

from siaga.contracts.command import Action
from siaga.links import Link
from siaga.redaction import UserRole
from siaga.store.paging import pages
from tests.support import builders, filled
from tests.support.centre import ACCUSED, ROLES, Centre
from tests.support.filled import Filled


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
    centre.until_known(ids["plain"])

    for role in [*ROLES, None]:
        told = everything(centre, role.value if role else None, ids)
        for secret, roles in MAY_SEE.items():
            places = [path for path, text in told.items() if secret in text]
            if role in roles:
                assert places, f"{role} does not see {secret}"
            else:
                assert not places, f"{role} sees {secret} in {places}"
        assert "RAHASIA" not in told["/public"] + centre.metrics
        assert not [secret for secret in MAY_SEE if secret in caplog.text]
        assert all(text.count("RAHASIA") == 0 for path, text in told.items() if path.startswith("/cap/"))


def test_a_unit_finds_no_trace_of_the_incident_that_accuses_it(rows: Filled, centre: Centre) -> None:
    ids = filled.secrets_everywhere(rows)
    centre.until_known(ids["plain"])

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
