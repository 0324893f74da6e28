"""A canary: travels the whole way every few seconds, one a partition, so that a stopped part is seen at once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from siaga.contracts.base import Contract, SchemaVersion, Time, Token


class Canary(Contract):
    """Written to ``siaga.reports`` by a producer; the streams pass it on to ``siaga.incidents``."""

    schema_version: SchemaVersion
    canary: Literal[True]
    partition: Annotated[int, Field(ge=0)]
    source: Token
    sent_at: Time
    triaged_at: Time | None = None
