"""Kafka headers of a record: CloudEvents 1.0 attributes (Kafka binary binding) and W3C trace context."""

from __future__ import annotations

from datetime import datetime
from typing import Final

Headers = list[tuple[str, bytes]]

#: ``ce_type`` by topic suffix.
TYPE_PREFIX: Final = "id.siaga."


def cloud_event(
    *,
    kind: str,
    source: str,
    event_id: str,
    at: datetime,
    subject: str | None = None,
    traceparent: str | None = None,
) -> Headers:
    """The headers of one record.

    Args:
        kind: what it is, such as ``report``; becomes ``ce_type`` ``id.siaga.report.v1``.
        source: the part that wrote it, such as ``gateway``.
        event_id: unique for this source; for an array, the first item's id.
        at: when it was written.
        subject: the district's code.
        traceparent: W3C trace context to carry on.
    """
    headers: Headers = [
        ("ce_specversion", b"1.0"),
        ("ce_type", f"{TYPE_PREFIX}{kind}.v1".encode()),
        ("ce_source", f"/siaga/{source}".encode()),
        ("ce_id", event_id.encode()),
        ("ce_time", at.isoformat().encode()),
        ("content-type", b"application/json"),
    ]
    if subject is not None:
        headers.append(("ce_subject", subject.encode()))
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return headers
