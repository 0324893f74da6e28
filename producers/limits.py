"""How much a device may send: a bucket of tokens each, filled evenly. Time is passed in (a steady clock's seconds).

State: one bucket per device that has sent something, so never more than there are devices.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Limits:
    """The buckets of all devices. Not for several threads at once."""

    def __init__(self, burst: int) -> None:
        """``burst`` is what a device that was silent for long may send at once."""
        self._burst = float(burst)
        self._buckets: dict[str, _Bucket] = {}

    def take(self, device_id: str, wanted: int, *, per_minute: int, now: float) -> int:
        """Take up to ``wanted`` tokens; how many there were."""
        bucket = self._buckets.get(device_id)
        if bucket is None:
            bucket = self._buckets[device_id] = _Bucket(self._burst, now)
        else:
            bucket.tokens = self._filled(bucket, per_minute, now)
            bucket.at = max(bucket.at, now)
        given = min(wanted, int(bucket.tokens))
        bucket.tokens -= given
        return given

    def wait(self, device_id: str, *, per_minute: int, now: float) -> float:
        """Seconds until the device has a token again; 0 when it has one."""
        bucket = self._buckets.get(device_id)
        return 0.0 if bucket is None else max(0.0, (1.0 - self._filled(bucket, per_minute, now)) * 60 / per_minute)

    def _filled(self, bucket: _Bucket, per_minute: int, now: float) -> float:
        """The tokens in it by now. A clock that stands still or goes back gives nothing."""
        return min(self._burst, bucket.tokens + max(0.0, now - bucket.at) * per_minute / 60)
