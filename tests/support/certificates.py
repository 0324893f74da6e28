"""Certificates of a test: an authority of its own, and whatever it signs, also what has expired."""

from __future__ import annotations

import ipaddress
import itertools
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, each in a file; ``both`` holds the two, key first."""

    certificate: Path
    key: Path
    both: Path

    def replace_with(self, other: Pair) -> None:
        """Put another pair in the place of this one, as a renewal does."""
        for mine, theirs in ((self.key, other.key), (self.certificate, other.certificate), (self.both, other.both)):
            made = mine.with_suffix(".new")
            made.write_bytes(theirs.read_bytes())
            made.replace(mine)


class Authority:
    """Signs certificates into ``directory``. ``file`` is its own."""

    def __init__(self, directory: Path, name: str = "Uji") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=400))
            .not_valid_after(now + timedelta(days=400))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    **dict.fromkeys(("digital_signature", "key_cert_sign", "crl_sign"), True),
                    **dict.fromkeys(
                        (
                            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
                            *("encipher_only", "decipher_only"),
                        ),
                        False,
                    ),
                ),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.file = directory / f"ca-{next(_numbers)}.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def trusting(self) -> ssl.SSLContext:
        """For connections of a client that trusts this authority and no other."""
        return ssl.create_default_context(cafile=str(self.file))

    def issue(self, name: str, *, days: float = 30.0, address: str = "127.0.0.1") -> Pair:
        """A certificate for ``name``, also good for ``localhost`` and ``address``; ``days`` below 0: expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(address))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=300))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        stem = self.directory / f"{name}-{next(_numbers)}"
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        pair = Pair(stem.with_suffix(".crt"), stem.with_suffix(".key"), stem.with_suffix(".pem"))
        for path, content in ((pair.certificate, pem), (pair.key, private), (pair.both, private + pem)):
            path.touch(mode=0o600)
            path.write_bytes(content)
        return pair
