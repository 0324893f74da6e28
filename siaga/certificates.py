"""When certificates end, as a metric, so that somebody is called weeks before and not when phones are refused.

In: the settings that name PEM files. Out: one gauge in a process's registry. State: what was read last of each file,
read anew once the file changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography import x509
from prometheus_client import CollectorRegistry, Gauge

from siaga.secret_files import Watched
from siaga.settings import Settings

#: What a certificate is called in the metric, and the setting that names its file.
FILES: Final = {
    "gateway": "gateway_cert_file",
    "console": "console_cert_file",
    "kafka": "kafka_cert_file",
    "kafka_ca": "kafka_ca_file",
}


class CertificateMetrics:
    """The metric of the certificates that one process uses; nothing is shown of those that no setting names."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.expiry: Final = Gauge(
            "siaga_certificate_expiry_timestamp_seconds",
            "When the first certificate of the file ends, in epoch seconds; NaN while it cannot be read",
            ["certificate"],
            registry=registry,
        )

    def show(self, settings: Settings, *names: str) -> None:
        """Show those of ``names`` (keys of :data:`FILES`) that are set."""
        for name in names:
            path: Path | None = getattr(settings, FILES[name])
            if path is not None:
                self.expiry.labels(certificate=name).set_function(_reader(path))


def _reader(path: Path) -> Callable[[], float]:
    watched, known = Watched([path]), expiry_of(path)

    def read() -> float:
        nonlocal known
        if watched.changed():
            known = expiry_of(path)
        return known

    return read


def validity_of(path: Path) -> tuple[float, float]:
    """When the first certificate of a PEM file begins, and when the first of them to end does, in epoch seconds.

    NaN where there is none to be read.
    """
    try:
        certificates = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        return math.nan, math.nan
    until = min(certificate.not_valid_after_utc.timestamp() for certificate in certificates)
    return certificates[0].not_valid_before_utc.timestamp(), until


def expiry_of(path: Path) -> float:
    """When the first certificate of a PEM file ends, in epoch seconds; NaN where there is none to be read."""
    return validity_of(path)[1]
