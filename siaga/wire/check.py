"""What is wrong with the line to Kafka, found out step by step: address, certificate, sign-in, topics.

In: the settings, and which process asks. Out: one finding: the first step that does not go, or that all do. State:
none. It takes no longer than some seconds, whatever the broker does.
"""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import closing
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.errors import (
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from siaga.checks import Finding, State
from siaga.contracts.topics import TOPICS
from siaga.secret_files import FilePassword
from siaga.settings import Settings, SettingsError
from siaga.wire.acls import builtin_rights
from siaga.wire.client import connection, mechanism_of, not_allowed, password_of, tls_context
from siaga.wire.layout import misplaced
from siaga.wire.sign_in import MechanismRefusedError, SignInRefusedError, read_exactly, sign_in
from siaga.wire.topics_admin import ill_kept, misfits

_SUBJECT: Final = "kafka"
_CONNECT_SECONDS: Final = 2.0
_ANSWER_MS: Final = 5_000
#: OpenSSL's numbers of what is wrong with a certificate (``man verify``).
_EXPIRED: Final = 10
#: ApiVersions (key 18, version 0), as Kafka's protocol has it: length, key, version, number, no client's name.
_ASK_VERSIONS: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)
_LARGEST_ANSWER: Final = 64 * 1024
_WRONG_NAME: Final = (62, 64)


class _Stopped(Exception):
    """A step did not go."""

    def __init__(self, state: State, text: str) -> None:
        super().__init__(text)
        self.finding = Finding(_SUBJECT, state, text)


def check_kafka(settings: Settings, process: str | None = None) -> Finding:
    """Whether ``process`` (or whoever the settings name) can do its work on Kafka."""
    try:
        address = settings.require_kafka()
        options = connection(settings, "siaga-doctor")
        _reach(settings, address)
        with closing(_signed_in(settings, options)) as admin:
            needed = _needed(process)
            if needed:
                _see_topics(admin, settings, needed)
            lost = ill_kept(admin, settings) if needed else []
        if process in (None, "streams") and (line := misplaced(settings)) is not None:
            return Finding(_SUBJECT, State.WRONG, line)
        if lost:
            # It works until a broker is lost: nobody is kept from beginning by it.
            more = f" ({len(lost) - 1} more topics are kept so)" if len(lost) > 1 else ""
            return Finding(_SUBJECT, State.WRONG if process is None else State.WARNING, lost[0] + more)
    except _Stopped as stopped:
        return stopped.finding
    except SettingsError as error:
        return Finding(_SUBJECT, State.WRONG, str(error))
    except KafkaError as error:
        return Finding(_SUBJECT, State.AWAY, f"kafka: {settings.kafka} does not answer ({error}); see its log")
    who = f" as {settings.kafka_user}" if settings.kafka_security.startswith("SASL") else ""
    return Finding(_SUBJECT, State.RIGHT, f"{address} answers{who} over {settings.kafka_security}")


def _needed(process: str | None) -> dict[str, set[str]]:
    """The topics that ``process`` needs, and what it has to do with each; all of them where nobody is named."""
    if process is None:
        return {topic.name: set() for topic in TOPICS}
    needed: dict[str, set[str]] = {}
    for rights in builtin_rights():
        if rights.process == process:
            for operation, topics in (("READ", rights.read), ("WRITE", rights.write)):
                for topic in topics:
                    needed.setdefault(topic, set()).add(operation)
    return needed


# -- address and certificate ----------------------------------------------------------------------------------------


def _reach(settings: Settings, addresses: str) -> None:
    said = ""
    for address in addresses.split(","):
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdigit():
            raise _Stopped(State.WRONG, f"kafka: {address} is no address; write host:port into SIAGA_KAFKA")
        host = host.strip("[]")
        try:
            with socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS) as line:
                _try(settings, line, host)
                return
        except ssl.SSLError as error:
            raise _Stopped(State.WRONG, _about_tls(address, error)) from None
        except OSError as error:
            said = f"{address}: {error.strerror or 'does not answer in time'}"
    raise _Stopped(State.AWAY, f"kafka: cannot be reached ({said}); start it, or correct SIAGA_KAFKA")


def _try(settings: Settings, line: socket.socket, host: str) -> None:
    """Go as far as signing in, and see what the broker says to it."""
    context = tls_context(settings)
    if context is None:
        _sign_in(settings, line)
        return
    with context.wrap_socket(line, server_hostname=host) as shut:
        # A server that wants another certificate of ours says so only after the handshake (TLS 1.3), instead of an
        # answer; and Kafka tells its versions before anybody has signed in.
        shut.sendall(_ASK_VERSIONS)
        length = int.from_bytes(read_exactly(shut, 4))
        read_exactly(shut, min(length, _LARGEST_ANSWER))
        _sign_in(settings, shut)


def _sign_in(settings: Settings, line: socket.socket) -> None:
    if not settings.kafka_security.startswith("SASL"):
        return
    user, mechanism = settings.kafka_user or "", mechanism_of(settings)
    try:
        sign_in(line, user, password_of(settings), mechanism)
    except SignInRefusedError:
        from_file = isinstance(password_of(settings), FilePassword)
        setting = "kafka_password_file" if from_file else "kafka_password"
        raise _Stopped(
            State.WRONG,
            f"{setting}: Kafka does not let {user} in with this password; correct SIAGA_{setting.upper()} or "
            "SIAGA_KAFKA_USER, or give the password with 'siaga acl passwords'",
        ) from None
    except MechanismRefusedError:
        raise _Stopped(
            State.WRONG,
            f"kafka_sasl_mechanism: Kafka does not let anybody in by {mechanism}; correct SIAGA_KAFKA_SASL_MECHANISM",
        ) from None


def _about_tls(address: str, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code == _EXPIRED:
            return f"kafka_ca_file: the certificate of {address} has expired; renew the broker's certificate"
        if error.verify_code in _WRONG_NAME:
            return (
                f"kafka: the certificate of {address} is for another name; correct SIAGA_KAFKA, or give the broker a "
                "certificate that names this address"
            )
        return (
            f"kafka_ca_file: the certificate of {address} is of an authority that is not trusted "
            f"({error.verify_message}); set SIAGA_KAFKA_CA_FILE to the authority's certificate"
        )
    reason = (error.reason or "").upper()
    if "ALERT" in reason or "REQUIRED" in reason:
        return (
            f"kafka_cert_file: {address} does not take our certificate ({reason.lower()}); set "
            "SIAGA_KAFKA_CERT_FILE and SIAGA_KAFKA_KEY_FILE to one that it trusts and that has not expired"
        )
    return f"kafka_security: {address} does not speak TLS; correct SIAGA_KAFKA_SECURITY or the port in SIAGA_KAFKA"


# -- sign-in and topics ---------------------------------------------------------------------------------------------


def _signed_in(settings: Settings, options: dict[str, Any]) -> Any:
    try:
        return KafkaAdminClient(**options, bootstrap_timeout_ms=_ANSWER_MS, request_timeout_ms=_ANSWER_MS)
    except KafkaError as error:
        raise _Stopped(
            State.AWAY,
            f"kafka: {settings.kafka} is there and does not answer over {settings.kafka_security} "
            f"({type(error).__name__}); wait until it has started, or correct SIAGA_KAFKA_SECURITY",
        ) from None


def _see_topics(admin: Any, settings: Settings, needed: dict[str, set[str]]) -> None:
    missing, refused, wrong = [], [], []
    known = {topic.name: topic for topic in TOPICS}
    signs_in = settings.kafka_security.startswith("SASL")
    for described in admin.describe_topics(list(needed)):
        error, name = for_code(described["error_code"]), described["name"]
        if error is UnknownTopicOrPartitionError:
            missing.append(name)
        elif error is TopicAuthorizationFailedError or (
            signs_in and needed[name] - set(described.get("authorized_operations") or needed[name])
        ):
            refused.append(name)
        elif not described["error_code"]:
            wrong += misfits(known[name], described, settings)
    if refused:
        raise _Stopped(
            State.WRONG,
            not_allowed(
                settings,
                f"use {', '.join(sorted(refused))}",
                "give the rights with 'siaga acl apply', or make the topics with 'siaga topics'",
            ),
        )
    if wrong:
        more = f" ({len(wrong) - 1} more topics do not fit)" if len(wrong) > 1 else ""
        raise _Stopped(State.WRONG, wrong[0] + more)
    if missing:
        raise _Stopped(
            State.AWAY, f"kafka: {', '.join(sorted(missing))} are missing; make the topics with 'siaga topics'"
        )
