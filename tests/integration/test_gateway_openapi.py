"""The gateway's OpenAPI document against the gateway: no request makes it fail or answer what it did not say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from schemathesis.specs.openapi.checks import status_code_conformance

from tests.support.brokers import embedded_broker
from tests.support.databases import SqliteDatabase
from tests.support.openapi import CHECKS, ask_everything
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running gateway on an embedded broker."""
    directory = tmp_path_factory.mktemp("gateway")
    broker = embedded_broker(directory)
    broker.start()
    try:
        with Stack(broker, SqliteDatabase(directory), directory) as stack:
            yield stack.start("gateway")
    finally:
        broker.kill()


@pytest.mark.parametrize("who", ["device", "nobody"])
def test_every_request_is_answered_as_the_document_says(gateway: Stack, who: str) -> None:
    document = schemathesis.openapi.from_url(f"{gateway.gateway_url}/openapi.json")
    headers = {"Authorization": f"Bearer {gateway.token}"} if who == "device" else {}

    asked = ask_everything(document, headers, examples=25, checks=(*CHECKS, status_code_conformance))

    written = {path: codes for path, codes in asked.items() if path.startswith("/v1/")}
    assert len(written) >= 3
    assert all((codes == {401}) is (who == "nobody") for codes in written.values()), written
