"""The console's OpenAPI document against the console: no request makes it fail or answer what it did not say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import status_code_conformance

from console.openapi import openapi_document
from siaga.settings import Settings
from siaga.wire.topics_admin import ensure_topics
from tests.support import builders, filled
from tests.support.brokers import embedded_broker
from tests.support.centre import Centre
from tests.support.databases import SqliteDatabase
from tests.support.filled import Filled
from tests.support.openapi import CHECKS, ask_everything, asking

EVENTS = "/api/events"
COMMANDS = "/api/incidents/{incident_id}/commands"


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A command centre with something of everything in its database, and a broker to take decisions."""
    directory: Path = tmp_path_factory.mktemp("console")
    database = SqliteDatabase(directory)
    rows = Filled(database.url)
    rows.put_registry(builders.calendar(), builders.district(builders.DISTRICT))
    filled.secrets_everywhere(rows)
    broker = embedded_broker(directory)
    broker.start()
    try:
        chosen = Settings(database=database.url, data_dir=directory, kafka=broker.address)
        ensure_topics(chosen)
        with Centre(chosen) as made:
            yield made
    finally:
        broker.kill()


def test_every_request_is_answered_as_the_document_says(centre: Centre) -> None:
    document = schemathesis.openapi.from_url(f"{centre.url}/openapi.json").exclude(path=EVENTS)
    (incident, *_) = (found["incident_id"] for found in centre.get("/api/incidents").json()["incidents"])

    decided = iter([{"action": "note", "reason": "Sudah dihubungi lewat radio"}])

    def name_an_incident(case: schemathesis.Case) -> None:
        if case.operation.path == COMMANDS:  # a made-up id is no incident's
            case.path_parameters["incident_id"] = incident
            case.body = next(decided, case.body)  # and few made-up decisions are ones that can be taken

    checks = (*CHECKS, status_code_conformance)
    asked = ask_everything(document, centre.headers("admin"), examples=12, checks=checks, prepare=name_an_incident)

    assert set(asked) == set(openapi_document()["paths"]) - {EVENTS}
    assert all(asked.values())
    assert 202 in asked[COMMANDS]


@asking(12)
@given(
    since=st.none() | st.integers(-1, 2**63),
    last=st.none() | st.text("0123456789-x", max_size=20),
)
def test_a_stream_opens_or_says_what_is_wrong_whatever_is_asked(
    centre: Centre, since: int | None, last: str | None
) -> None:
    headers = {**centre.headers("viewer"), **({} if last is None else {"Last-Event-ID": last})}
    asked = {} if since is None else {"since": since}

    with centre.http.stream("GET", EVENTS, params=asked, headers=headers) as answer:
        kind = answer.headers["content-type"].partition(";")[0]
        begun = next(answer.iter_lines())

    assert (answer.status_code, kind) in {(200, "text/event-stream"), (422, "application/problem+json")}
    assert begun == "retry: 1000" or json.loads(begun)["status"] == 422
