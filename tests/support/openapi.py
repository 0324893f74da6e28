"""Asks a running service for whatever its OpenAPI document allows, and holds the answers against the document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

CHECKS: Final = (not_a_server_error, content_type_conformance, response_schema_conformance)


def asking(examples: int) -> settings:
    """So many examples; none is kept between runs, and none asked again to make it smaller: each is a request."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def ask_everything(
    document: Any,
    headers: Mapping[str, str],
    *,
    examples: int,
    checks: Sequence[Any] = CHECKS,
    prepare: Callable[[schemathesis.Case], None] = lambda case: None,
) -> dict[str, set[int]]:
    """Ask every operation of ``document`` as whoever has ``headers``; the status codes that came, by path.

    ``prepare`` may change a request before it is sent. Fails with the request where the document is broken.
    """
    found: dict[str, set[int]] = {}
    for each in document.get_all_operations():
        operation = each.ok()
        found.setdefault(operation.path, set())

        @asking(examples)
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            case.headers.pop("Authorization", None)
            prepare(case)
            answer = case.call_and_validate(headers=dict(headers), checks=list(checks))
            found[case.operation.path].add(answer.status_code)

        ask()
    return found
