"""The console's OpenAPI document against the console: no request makes it fail or answer what it did not say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from siaga.settings import Settings
from tests.support import builders, filled
from tests.support.centre import Centre
from tests.support.databases import SqliteDatabase
from tests.support.filled import Filled

#: An open stream never ends by itself, and a command waits for a broker that is not there.
_LEFT_OUT = ("/api/events", "/api/incidents/{incident_id}/commands")
_CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A command centre with something of everything in its database."""
    directory: Path = tmp_path_factory.mktemp("console")
    database = SqliteDatabase(directory)
    rows = Filled(database.url)
    rows.put_registry(builders.calendar(), builders.district(builders.DISTRICT))
    filled.secrets_everywhere(rows)
    with Centre(Settings(database=database.url, data_dir=directory, kafka="127.0.0.1:1")) as made:
        yield made


def test_every_request_is_answered_as_the_document_says(centre: Centre) -> None:
    document = schemathesis.openapi.from_url(f"{centre.url}/openapi.json").exclude(path=list(_LEFT_OUT))
    asked = []

    for found in document.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=12,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=centre.headers("admin"), checks=_CHECKS)

        ask()
        asked.append(operation.path)

    assert len(asked) >= 15
