"""The reporting page's own answers: what its files may do, what its form holds, and who is told anything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from producers.gateway.lapor.form import form_of, form_table
from siaga.contracts.checkin import Phase
from siaga.contracts.registry import TaxonomyEntry
from siaga.contracts.report import Facts, Role, Weapons
from siaga.rules.taxonomy import builtin_taxonomy
from tests.support import builders
from tests.support.gateways import HandGateway, problem


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[HandGateway]:
    made = HandGateway(tmp_path)
    yield made
    await made.close()


def policy(answer: Any) -> dict[str, str]:
    """A Content-Security-Policy's directives."""
    parts = (part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in parts}


async def test_the_page_runs_nothing_but_its_own_files_and_talks_to_nobody_else(gateway: HandGateway) -> None:
    page = await gateway.http.get("/lapor")

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    allowed = policy(page)
    assert allowed["default-src"] == allowed["base-uri"] == allowed["form-action"] == "'none'"
    assert allowed["frame-ancestors"] == "'none'"
    assert allowed["script-src"] == allowed["connect-src"] == allowed["style-src"] == "'self'"
    assert allowed["require-trusted-types-for"] == "'script'"
    for name, value in {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        "cache-control": "no-cache",
    }.items():
        assert page.headers.get_list(name) == [value]
    assert "set-cookie" not in page.headers
    assert "<script>" not in page.text
    assert "style=" not in page.text


async def test_every_file_that_the_worker_keeps_is_there_small_and_sealed(gateway: HandGateway) -> None:
    worker = await gateway.http.get("/lapor/worker.js")
    kept = json.loads(worker.text.partition("JSON.parse('")[2].partition("')")[0])

    answers = [await gateway.http.get(path) for path in kept]

    assert {"/lapor", "/lapor/lapor.js", "/lapor/form.json", "/lapor/manifest.json"} <= set(kept)
    assert worker.headers["service-worker-allowed"] == "/lapor"
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}
    assert sum(int(answer.headers["content-length"]) for answer in [*answers, worker]) < 30_000
    same = await gateway.http.get(kept[-1], headers={"if-none-match": answers[-1].headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


async def test_the_form_follows_the_kinds_that_are_loaded(gateway: HandGateway) -> None:
    toml = 'version = "lain-1"\n[kinds.bandits]\nraid = { id = "begal", en = "raid", base = 2, lead = "polres" }\n'
    entry = TaxonomyEntry(schema_version=1, version="lain-1", toml=toml)

    before = (await gateway.http.get("/lapor/form.json")).json()
    gateway.known.take("taxonomy/kinds", entry.to_json())
    after = (await gateway.http.get("/lapor/form.json")).json()

    kinds = {kind["code"] for family in before["families"] for kind in family["kinds"]}
    assert kinds == set(builtin_taxonomy().kinds)
    assert after["families"] == [
        {
            "code": "bandits",
            "facts": list(Facts.model_fields),
            "kinds": [{"code": "bandits.raid", "id": "begal", "en": "raid"}],
        }
    ]


def test_whatever_may_be_asked_has_a_word_in_both_languages() -> None:
    form = form_of(builtin_taxonomy())
    words = form["words"]
    wanted = {f"t_{name}" for name in (*Facts.model_fields, *form["numbers"])}
    wanted |= {f"v_{value}" for value in Weapons} | {f"h_{phase}" for phase in Phase} | {f"r_{role}" for role in Role}
    wanted |= {f"f_{family}" for family in builtin_taxonomy().families}

    assert set(words["id"]) == set(words["en"])
    assert wanted <= set(words["id"])
    assert {fact for facts in form_table()["facts"].values() for fact in facts} <= set(Facts.model_fields)
    assert set(form_table()["facts"]) <= set(builtin_taxonomy().families)


async def test_only_a_device_is_told_what_it_may_report_for(gateway: HandGateway) -> None:
    token = gateway.device("pos-1", builders.OTHER_DISTRICT, stations=(builders.STATION,))

    answer = await gateway.http.get("/lapor/device", headers={"authorization": f"Bearer {token}"})
    wrong = await gateway.http.get("/lapor/device", headers={"authorization": f"Bearer {token}x"})

    problem(wrong, 401)
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["device_id"], told["areas"]) == ("pos-1", [builders.OTHER_DISTRICT])
    near = [station["id"] for station in told["near"]]
    assert near[:2] == [builders.STATION, builders.OTHER_STATION]
    assert all(number == builders.STATION or number.startswith(builders.OTHER_DISTRICT) for number in near)
    assert set(told["near"][0]) == {"id", "name"}


async def test_a_country_s_device_is_not_told_a_country_s_stations(tmp_path: Path) -> None:
    many = [builders.district(f"33.26.{number:02d}", stations=90, at=(-7.0, 109.6)) for number in (8, 9, 10)]
    gateway = HandGateway(tmp_path, registry=many)
    token = gateway.device("pos-1", "33.26")

    answer = await gateway.http.get("/lapor/device", headers={"authorization": f"Bearer {token}"})
    await gateway.close()

    assert answer.json()["near"] == []


async def test_nothing_can_be_posted_to_the_page_and_its_neighbours_lead_there(gateway: HandGateway) -> None:
    posted = await gateway.http.post("/lapor", content=b"{}")
    missing = await gateway.http.get("/lapor/../siaga.toml")
    nearly = [await gateway.http.get(path) for path in ("/", "/lapor/")]

    problem(posted, 405)
    problem(missing, 404)
    assert [(answer.status_code, answer.headers["location"]) for answer in nearly] == [(307, "/lapor")] * 2


async def test_a_gateway_without_the_page_has_nothing_there(tmp_path: Path) -> None:
    gateway = HandGateway(tmp_path, gateway_page=False)

    answers = [await gateway.http.get(path) for path in ("/lapor", "/lapor/device", "/lapor/worker.js", "/")]
    await gateway.close()

    assert {answer.status_code for answer in answers} == {404}
