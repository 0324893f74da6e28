"""How every kafka-python client connects."""

from __future__ import annotations

import logging
from typing import Any, Final

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from siaga.secret_files import FilePassword, Hidden
from siaga.settings import Settings, SettingsError
from siaga.tls import RenewingContext, client_context

log = logging.getLogger(__name__)

#: Milliseconds for which a broker may hold back the answer to a fetch that finds nothing, for whoever passes records
#: on. Apache Kafka answers as soon as something comes; the embedded broker looks again only after half of this.
FETCH_WAIT_MS: Final = 40


class _MakesNoTopics(KafkaNetClient):  # type: ignore[misc]  # kafka-python has no types
    """A client that asks for a topic without making it: partitions are chosen once, by ``siaga topics``.

    kafka-python 3.0 takes ``allow_auto_create_topics`` and never hands it to what asks for metadata; a broker that
    makes topics by itself (the embedded one does) would give them its own number of partitions, and delete what
    must be kept.
    """

    def __init__(self, **configs: Any) -> None:
        super().__init__(**configs)
        self._manager.cluster.config["allow_auto_create_topics"] = False


def not_allowed(settings: Settings, act: str, then: str) -> str:
    """What is said where Kafka does not let this user do something: ``act``, and what to do ``then``."""
    return f"kafka_user: {settings.kafka_user or 'nobody'} may not {act}; {then}"


def connection(settings: Settings, client_id: str) -> dict[str, Any]:
    """Keyword arguments that every kafka-python client takes.

    Raises:
        siaga.settings.SettingsError: no broker is set, or what protects the line is not complete.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": settings.require_kafka().split(","),
        "client_id": client_id,
        "security_protocol": settings.kafka_security,
        "reconnect_backoff_max_ms": 2000,
        "kafka_client": _MakesNoTopics,
    }
    if settings.log_level != "DEBUG":
        # It writes several errors for every attempt to reconnect; what matters of them reaches us as exceptions.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
    if (context := tls_context(settings)) is not None:
        options["ssl_context"] = context
    if settings.kafka_security.startswith("SASL"):
        options["sasl_mechanism"] = mechanism_of(settings)
        options["sasl_plain_username"] = settings.kafka_user
        options["sasl_plain_password"] = password_of(settings)
    return options


def tls_context(settings: Settings) -> RenewingContext | None:
    """How the broker's certificate is checked and ours is shown; None where nothing is encrypted.

    Raises:
        siaga.settings.SettingsError: a file of it cannot be used.
    """
    if not settings.kafka_security.endswith("SSL"):
        return None
    return client_context(
        authority=settings.kafka_ca_file,
        certificate=settings.kafka_cert_file,
        key=settings.kafka_key_file,
        settings="kafka",
    )


def mechanism_of(settings: Settings) -> str:
    """How we sign in."""
    return settings.kafka_sasl_mechanism or "SCRAM-SHA-512"


def password_of(settings: Settings) -> str:
    """What we sign in with; one that stands in a file may change there while we run.

    Raises:
        siaga.settings.SettingsError: there is no user or no password, or the file cannot be read.
    """
    if not settings.kafka_user:
        raise SettingsError("kafka_user: nobody is named; set SIAGA_KAFKA_USER, or SIAGA_KAFKA_SECURITY to SSL")
    if settings.kafka_password is not None and settings.kafka_password.get_secret_value():
        # kafka-python prints all of its configuration where it logs at DEBUG.
        return Hidden(settings.kafka_password.get_secret_value())
    if settings.kafka_password_file is None:
        raise SettingsError(
            f"kafka_password: {settings.kafka_user} has none; set SIAGA_KAFKA_PASSWORD_FILE or SIAGA_KAFKA_PASSWORD"
        )
    return FilePassword(settings.kafka_password_file, "kafka_password_file")


def close_producer(producer: Any, timeout: float = 0.0) -> None:
    """End a ``KafkaProducer``; what it still holds after ``timeout`` seconds fails. Never raises.

    Its own ``close`` flushes first, and leaves its thread running for ever where that does not succeed in time.
    """
    try:
        if timeout > 0:
            producer.flush(timeout)
    except KafkaError as error:
        log.debug("a producer was not flushed: %s", error)
    try:
        producer._sender.force_close()
        producer._sender.join(2.0)
        producer.close(timeout=0)
    except Exception as error:
        log.debug("a producer did not close: %s", error)
