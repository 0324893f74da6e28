"""Which device asks: the one that its token proves, or why not. In: a header. State: none of its own."""

from __future__ import annotations

from datetime import UTC, datetime

from producers.auth import is_genuine, split_token
from producers.gateway.known import Known
from producers.gateway.problems import Trouble
from producers.metrics import Outcome
from siaga.contracts.registry import Device


def proven(known: Known, authorization: str) -> Device | Trouble:
    """The device whose token stands in an ``Authorization`` header."""
    if not known.ready:
        return Trouble(Outcome.UNAVAILABLE, "the gateway does not know the devices yet; send it again", retry_after=1)
    token = split_token(authorization)
    device = known.registry.device(token[0]) if token is not None else None
    if token is None or not is_genuine(device, token[1], datetime.now(UTC)) or device is None:
        return Trouble(
            Outcome.UNAUTHORISED,
            "send 'Authorization: Bearer <device_id>.<secret>' of an active device; see 'siaga device list'",
        )
    return device
