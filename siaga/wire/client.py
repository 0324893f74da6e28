"""How every kafka-python client connects."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from kafka.errors import KafkaConnectionError, KafkaError
from kafka.net.compat import KafkaNetClient

from siaga.secret_files import FilePassword, Hidden
from siaga.settings import Settings, SettingsError
from siaga.tls import RenewingContext, client_context

log = logging.getLogger(__name__)

#: Milliseconds for which a broker may hold back the answer to a fetch that finds nothing, for whoever passes records
#: on. Apache Kafka answers as soon as something comes; the embedded broker looks again only after half of this.
FETCH_WAIT_MS: Final = 40


#: Seconds until a client whose refreshing of metadata was ended by an error goes on with it.
_REFRESH_AGAIN: Final = 0.5


class _Client(KafkaNetClient):  # type: ignore[misc]  # kafka-python has no types
    """Three things that kafka-python 3.0 does otherwise than is good for us.

    It takes ``allow_auto_create_topics`` and never hands it to what asks for metadata. A broker that makes topics by
    itself (the embedded one does) would give them its own number of partitions, and delete what must be kept;
    partitions are chosen once, by ``siaga topics``.

    A connection over TLS whose broker dies before the handshake fails with the system's error instead of its own, as
    which nobody expects it: whoever asked for something ends.

    And it asks for metadata in a loop that such an error ends for good. From then on the client does not learn who
    leads a partition: it reads nothing more, or writes nothing more, and says nothing.
    """

    def __init__(self, **configs: Any) -> None:
        super().__init__(**configs)
        self._manager.cluster.config["allow_auto_create_topics"] = False
        self._manager._build_transport = _named(self._manager._build_transport)
        self._manager.cluster._refresh_loop = _endless(self._manager.cluster, self._manager._net)


def _named(build: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """``build``, whose errors are those of a connection that failed."""

    async def build_transport(*args: Any, **kwargs: Any) -> Any:
        try:
            return await build(*args, **kwargs)
        except OSError as error:
            raise KafkaConnectionError(error) from error

    return build_transport


def _endless(cluster: Any, net: Any) -> Callable[[], Awaitable[None]]:
    """The loop that asks for metadata, begun again where an error ended it."""
    refresh = cluster._refresh_loop

    async def refresh_loop() -> None:
        while not cluster.closed and not net._closed:
            try:
                await refresh()
            except ReferenceError:
                # The client is gone, and nobody closed it.
                return
            except Exception as error:
                log.debug("metadata are asked for again in %g s: %r", _REFRESH_AGAIN, error)
                await net.sleep(_REFRESH_AGAIN)

    return refresh_loop


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
        "kafka_client": _Client,
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
