"""When certificates end, as a process shows it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import CollectorRegistry

from siaga.certificates import CertificateMetrics, expiry_of
from siaga.settings import Settings

NOW = datetime.now(UTC).replace(microsecond=0)


def certificate(ends: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "uji")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), NOW, ends)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def shown(registry: CollectorRegistry, name: str) -> float | None:
    return registry.get_sample_value("siaga_certificate_expiry_timestamp_seconds", {"certificate": name})


def test_a_chain_ends_with_its_first_certificate(tmp_path: Path) -> None:
    soon, late = NOW + timedelta(days=3), NOW + timedelta(days=300)
    (tmp_path / "chain.pem").write_bytes(certificate(late) + certificate(soon))
    assert expiry_of(tmp_path / "chain.pem") == soon.timestamp()


def test_a_renewed_certificate_is_shown_without_a_restart_and_one_that_is_not_set_not_at_all(tmp_path: Path) -> None:
    path, registry = tmp_path / "gateway.pem", CollectorRegistry()
    CertificateMetrics(registry).show(Settings(gateway_cert_file=path), "gateway", "kafka")
    assert math.isnan(shown(registry, "gateway") or 0.0)
    assert shown(registry, "kafka") is None

    path.write_bytes(certificate(NOW + timedelta(days=90)))
    assert shown(registry, "gateway") == (NOW + timedelta(days=90)).timestamp()
