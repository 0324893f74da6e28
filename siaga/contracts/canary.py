"""A canary: travels the whole way every few seconds, one a partition, so that a stopped part is seen at once."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from siaga.contracts.base import Contract, SchemaVersion, Time, Token


class Canary(Contract):
    """Written to ``siaga.reports`` by a producer; the streams pass it on to ``siaga.incidents``."""

    schema_version: SchemaVersion
    canary: Literal[True]
    partition: Annotated[int, Field(ge=0)]
    source: Token
    sent_at: Time
    triaged_at: Time | None = None


#: Every canary is shorter than this; a report that only mentions one is not worth parsing twice.
_LONGEST: Final = 1024


def canary_of(value: bytes | None) -> Canary | None:
    """The canary a record of reports or incidents carries instead of its messages, or None."""
    if not value or len(value) > _LONGEST or b'"canary"' not in value:
        return None
    try:
        return Canary.model_validate_json(value)
    except ValidationError:
        return None
