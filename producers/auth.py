"""Who a device is and what it may report for. Nothing here keeps or prints a secret."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from siaga.contracts.base import SCHEMA_VERSION
from siaga.contracts.registry import Device

_SECRET_BYTES: Final = 32
#: Compared with where there is no such device, so that the time taken tells nobody which ids exist.
_NOBODY: Final = hashlib.sha256(secrets.token_bytes(_SECRET_BYTES)).hexdigest()


def make_device(
    device_id: str,
    districts: tuple[str, ...],
    *,
    stations: tuple[str, ...] = (),
    rate_per_minute: int | None = None,
) -> tuple[Device, str]:
    """A device with a fresh secret, and its token ``<device_id>.<secret>``, which nobody can read again later.

    Args:
        device_id: its name; letters, digits and ``. _ : @ -``.
        districts: the areas it may report for: codes of provinces, regencies or districts.
        stations: single stations besides.
        rate_per_minute: how much it may send; the setting of that name when ``None``.

    Raises:
        pydantic.ValidationError: the id or a code is malformed.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    device = Device(
        schema_version=SCHEMA_VERSION,
        device_id=device_id,
        secret_sha256=hashlib.sha256(secret.encode()).hexdigest(),
        districts=districts,
        stations=stations,
        rate_per_minute=rate_per_minute,
    )
    return device, f"{device_id}.{secret}"


def split_token(authorization: str) -> tuple[str, str] | None:
    """The device's id and its secret out of an ``Authorization`` header; ``None`` if it holds no token of ours."""
    scheme, _, token = authorization.strip().partition(" ")
    device_id, dot, secret = token.strip().rpartition(".")
    if scheme.lower() != "bearer" or not dot or not device_id or not secret:
        return None
    return device_id, secret


def is_genuine(device: Device | None, secret: str, now: datetime) -> bool:
    """Whether ``secret`` is the device's, compared in a time that tells nothing; false where there is no device.

    For a while after a renewal, the secret before is good as well.
    """
    told = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
    same = hmac.compare_digest(told, device.secret_sha256 if device is not None else _NOBODY)
    if device is None or not device.active:
        return False
    if same or device.previous_sha256 is None or device.previous_until is None or now >= device.previous_until:
        return same
    return hmac.compare_digest(told, device.previous_sha256)


def renewed(device: Device, before: Device, until: datetime) -> Device:
    """``device``, with the secret that it had ``before`` good until then; that one's own predecessor ends now."""
    return device.model_copy(update={"previous_sha256": before.secret_sha256, "previous_until": until})


def may_report(device: Device, station_id: str) -> bool:
    """Whether the device may report for a station: in one of its areas, or one of its single stations."""
    # The dot keeps area 33.2 from covering 33.26.
    return any(station_id.startswith(f"{area}.") for area in device.districts) or station_id in device.stations


def allowance(device: Device, most: int = 5) -> str:
    """What the device may report for, in words; at most so many codes by name."""

    def some(codes: Sequence[str]) -> str:
        more = f" and {len(codes) - most} more" if len(codes) > most else ""
        return ", ".join(codes[:most]) + more

    parts = []
    if device.districts:
        parts.append(f"areas {some(device.districts)}")
    if device.stations:
        parts.append(f"stations {some(device.stations)}")
    return " and ".join(parts) or "nothing"
