"""Every setting, typed, in one place. From the environment (``SIAGA_…``), then a file, then these defaults.

``SIAGA_CONFIG`` names a TOML file (default ``siaga.toml`` in the working directory, if there is one).
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """All of Siaga's settings. Durations are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="SIAGA_", extra="forbid", frozen=True, allow_inf_nan=False)

    kafka: str | None = Field(
        default=None, description="Kafka's address, `host:port[,host:port]`; empty means the embedded broker"
    )
    database: str | None = Field(default=None, description="SQLAlchemy URL; empty means SQLite in the data directory")
    data_dir: Path = Field(default=Path("var"), description="Where the spool, SQLite and run files live")
    partitions: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=4, description="Partitions of each topic, chosen once: 4 for a regency, 48 for the country"
    )
    replication: Annotated[int, Field(ge=1, le=9)] = Field(default=1, description="Replicas of each topic")
    min_insync: Annotated[int, Field(ge=0, le=9)] = Field(
        default=0,
        description="Replicas that must have a record before Kafka acknowledges it; 0 means 2 where `replication` is "
        "3 or more, else 1",
    )
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level logged")
    log_format: str = Field(
        default="auto",
        pattern="^(auto|json|text)$",
        description="`json` logs an object a line, `text` lines for people; `auto` is text on a terminal, else JSON",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s]+(/[^\s]*)?$",
        description="OTLP/HTTP collector that traces are sent to, such as `http://127.0.0.1:4318`; empty makes none",
    )

    gateway_host: str = Field(default="127.0.0.1", description="Address the gateway binds to")
    gateway_port: Port = Field(default=8081, description="Port of the gateway; 0 picks a free one")
    gateway_linger: Annotated[float, Field(ge=0, le=5)] = Field(
        default=0.004, description="Seconds the gateway waits to fill an array"
    )
    gateway_ack_timeout: Annotated[float, Field(gt=0)] = Field(
        default=2.0, description="Seconds to wait for Kafka before a report is spooled to disk"
    )
    rate_per_minute: Annotated[int, Field(ge=1)] = Field(
        default=120,
        description="Reports and check-ins a device may send in a minute, unless its entry says otherwise",
    )
    rate_burst: Annotated[int, Field(ge=1)] = Field(default=60, description="How many of them at once")
    spool_max_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=1_000_000_000,
        description="Size of the gateway's disk queue; beyond it reports are answered 503",
    )
    gateway_journal: bool = Field(
        default=False,
        description="Keep what was accepted on disk for 48 hours, for a broker that keeps everything in memory; "
        "`siaga up` sets it for the embedded one. As large as the spool at most",
    )
    gateway_page: bool = Field(
        default=True, description="Whether the gateway serves `/lapor`, the page on which an officer's phone reports"
    )
    canary_every: Annotated[float, Field(gt=0)] = Field(
        default=3.0, description="Seconds between canaries on each partition"
    )

    metrics_host: str = Field(default="127.0.0.1", description="Address the metrics ports bind to")
    gateway_metrics_port: Port = Field(default=9101, description="Metrics of the gateway; 0 picks a free port")
    streams_metrics_port: Port = Field(
        default=9110, description="Metrics of the first stream worker; the next ones count up"
    )
    sinks_metrics_port: Port = Field(default=9102, description="Metrics of the sinks; 0 picks a free port")
    console_metrics_port: Port = Field(default=9104, description="Metrics of the command centre; 0 picks a free port")

    stream_workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="Stream workers that `siaga up` starts: one a core is right"
    )
    stream_flush: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.025,
        description="Longest that the streams gather before they write state and outputs, in seconds; an idle worker "
        "writes at once",
    )
    stream_session: Annotated[float, Field(ge=6, le=300)] = Field(
        default=10.0, description="Seconds after which a silent stream worker's districts go to the others"
    )
    stall_seconds: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="A stream worker that stands still this long while records wait ends itself"
    )
    stream_clock: bool = Field(
        default=True,
        description="Whether the stream workers watch escalations' deadlines themselves, besides the sinks' sweeper",
    )
    store_batch: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=1000, description="Rows the store writes at once"
    )
    store_retry_max: Annotated[float, Field(gt=0)] = Field(
        default=15.0, description="Longest pause between two tries of the store to reach its database"
    )

    console_host: str = Field(default="127.0.0.1", description="Address the command centre binds to")
    console_port: Port = Field(default=8080, description="Port of the command centre; 0 picks a free one")
    console_https: bool = Field(
        default=False, description="A proxy serves the command centre over HTTPS: cookies are sent over nothing else"
    )
    session_hours: Annotated[float, Field(gt=0, le=48)] = Field(
        default=18.0, description="Hours after which somebody has to sign in again"
    )
    session_idle_minutes: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="Minutes without a request or an open page after which a session ends"
    )
    openid_issuer: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s]+(/[^\s?#]*)?$",
        description="OpenID Connect provider that users of the command centre may sign in with, just as `issuer` "
        "stands in its discovery document; empty means passwords only",
    )
    openid_client_id: str | None = Field(
        default=None, max_length=255, description="What the provider calls the command centre"
    )
    openid_client_secret: SecretStr | None = Field(default=None, description="The secret it gave to it")
    openid_client_secret_file: Path | None = Field(
        default=None, description="File that holds it instead; read anew at every sign-in, so that it may change"
    )
    openid_roles_file: Path | None = Field(
        default=None, description="TOML file that says which claim of the provider makes whom what"
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s]+(/[^\s]*)?$",
        description="Where officers' phones reach the command centre, such as `https://siaga.example`, for the "
        "links in pages; empty is its address on this machine",
    )
    link_key: SecretStr | None = Field(
        default=None,
        description="Key that the links in pages are signed with, 32 characters or more. Older keys may follow it, "
        "separated by spaces: links signed with them are still good",
    )
    link_key_file: Path | None = Field(
        default=None,
        description="File that holds it instead, one key a line; read anew when it changes. Without either it is "
        "made once, in the data directory. The sinks and the command centre need the same one",
    )
    channels_file: Path | None = Field(
        default=None,
        description="TOML file of the channels that officers are reached over: gateways, credentials, limits",
    )
    answers_file: Path | None = Field(
        default=None,
        description="TOML file of the gateways that bring officers' answers back, by SMS and the like; "
        "without it none may",
    )
    sweeper: bool = Field(
        default=True, description="Whether the sinks watch escalations' deadlines besides the stream workers"
    )
    inbox_port: Port = Field(
        default=8082, description="Port of the demonstration's inbox, on loopback; 0 picks a free one"
    )
    watchdog_every: Annotated[float, Field(gt=0, le=300)] = Field(
        default=5.0, description="Seconds between two looks of the watchdog"
    )
    watchdog_repeat: Annotated[float, Field(gt=0)] = Field(
        default=300.0, description="Seconds after which the watchdog says again what is still wrong"
    )
    watchdog_alarms: SecretStr | None = Field(
        default=None,
        description="Where the watchdog's alarms go, separated by spaces: addresses of webhooks, or URLs of Apprise",
    )
    watchdog_alarms_file: Path | None = Field(default=None, description="File that holds them instead, one a line")
    watchdog_heartbeat: SecretStr | None = Field(
        default=None,
        description="URL that the watchdog asks for at every look while all is well, so that somebody else notices "
        "when it does not",
    )
    watchdog_port: Port = Field(default=9103, description="Metrics of the watchdog; 0 picks a free port")
    outlines: Path | None = Field(
        default=None, description="GeoJSON file of areas (properties `code` and `name`) to draw under the map"
    )

    kafka_security: str = Field(
        default="PLAINTEXT",
        pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$",
        description="Security protocol",
    )
    kafka_sasl_mechanism: str | None = Field(default=None, description="Such as SCRAM-SHA-512")
    kafka_user: str | None = Field(default=None, description="SASL user")
    kafka_password: SecretStr | None = Field(default=None, description="SASL password")
    kafka_password_file: Path | None = Field(
        default=None, description="File that holds it instead; read anew at every connection, so that it may change"
    )
    kafka_ca_file: Path | None = Field(default=None, description="CA certificates (PEM) of the brokers")
    kafka_cert_file: Path | None = Field(
        default=None, description="Our certificate (PEM) for brokers that ask for one; taken up anew when it changes"
    )
    kafka_key_file: Path | None = Field(default=None, description="Its private key (PEM), without a passphrase")
    kafka_passwords: Path | None = Field(
        default=None,
        description="Directory of the files `gateway`, `streams`, `sinks` and `console`, each with that process's "
        "password: `siaga up` then has each sign in as a user of its own, `siaga-gateway` and so on",
    )

    database_password_file: Path | None = Field(
        default=None,
        description="File that holds the database's password, which then is not in the URL; read anew at every "
        "connection",
    )
    gateway_cert_file: Path | None = Field(
        default=None,
        description="Certificate chain (PEM) with which the gateway speaks HTTPS; taken up anew when it changes",
    )
    gateway_key_file: Path | None = Field(default=None, description="Its private key (PEM), without a passphrase")
    console_cert_file: Path | None = Field(
        default=None,
        description="Certificate chain (PEM) with which the command centre speaks HTTPS; taken up anew as well",
    )
    console_key_file: Path | None = Field(default=None, description="Its private key (PEM), without a passphrase")
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks of the proxies before gateway and command centre, separated by commas, "
        "such as `10.0.0.0/8`: X-Forwarded-For and X-Forwarded-Proto count from nobody else",
    )
    plain_http: bool = Field(
        default=False,
        description="Let gateway and command centre speak plain HTTP on other addresses than this machine's own, "
        "where something before them speaks HTTPS",
    )
    disk_least_free: Annotated[int, Field(ge=0)] = Field(
        default=100_000_000,
        description="Least free space of the gateway's disk: with less it does not start, is not ready, and answers "
        "503 instead of putting reports on the disk",
    )

    @property
    def console_speaks_https(self) -> bool:
        """Whether browsers reach the command centre over HTTPS, its own or a proxy's."""
        return self.console_https or self.console_cert_file is not None

    @property
    def database_url(self) -> str:
        """The database's URL, SQLite in the data directory unless set."""
        return self.database or f"sqlite:///{(self.data_dir / 'siaga.db').resolve()}"

    @property
    def least_insync(self) -> int:
        """``min.insync.replicas`` of each topic: with two of three, a broker may be lost and nothing with it."""
        return self.min_insync or (2 if self.replication >= 3 else 1)

    def require_kafka(self) -> str:
        """Kafka's address.

        Raises:
            SettingsError: none is set; only ``siaga up`` and ``siaga demo`` bring a broker of their own.
        """
        if not self.kafka:
            raise SettingsError(
                "kafka: no broker is set; set SIAGA_KAFKA=host:port, or use 'siaga up', which brings its own"
            )
        return self.kafka

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = Path(os.environ.get("SIAGA_CONFIG", "siaga.toml"))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=path)


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names it and the remedy."""


def load_settings(**overrides: Any) -> Settings:
    """The settings as they stand now.

    Raises:
        SettingsError: one is wrong; every wrong one is named with its environment variable.
    """
    from pydantic import ValidationError

    chosen = os.environ.get("SIAGA_CONFIG")
    if chosen and not Path(chosen).is_file():
        raise SettingsError(f"SIAGA_CONFIG: there is no file {chosen}; name one that exists or unset it")
    unknown = unknown_variables(os.environ)
    if unknown:
        raise SettingsError("\n".join(unknown))
    try:
        return Settings(**overrides)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise SettingsError("\n".join(_about(e) for e in found)) from None
    except (OSError, ValueError) as error:  # only the file is read by then
        path = chosen or "siaga.toml"
        said = error.strerror if isinstance(error, OSError) else f"is no TOML: {error}"
        raise SettingsError(f"SIAGA_CONFIG: {path} cannot be read ({said}); correct the file") from None


def _about(error: Mapping[str, Any]) -> str:
    """What is wrong with one setting, without its value."""
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Settings.model_fields, n=1, cutoff=0.75)
        remedy = f"did you mean {near[0]}?" if near else "docs/reference/settings.md names them."
        return f"{name}: is no setting; {remedy} Correct the settings file"
    said = error["msg"]
    if error["type"] == "string_pattern_mismatch":
        pattern = str(error["ctx"]["pattern"])
        choices = re.fullmatch(r"\^\(([\w|]+)\)\$", pattern)
        said = (
            f"is none of {', '.join(choices[1].split('|'))}"
            if choices
            else "is no address that begins with http:// or https:// and a host"
        )
    return f"{name}: {said}; correct SIAGA_{name.upper()} or the settings file"


#: Variables of the environment that are no settings and mean something all the same.
OTHER_VARIABLES: Final = frozenset({"SIAGA_CONFIG", "SIAGA_TOKEN", "SIAGA_PASSWORD"})
_TESTS: Final = "SIAGA_TEST_"
#: What Kubernetes tells every pod of a service that is named siaga-something.
_SERVICE_LINK: Final = re.compile(r"^SIAGA_\w*?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$")
_SERVICE_ADDRESS: Final = re.compile(r"^(tcp|udp|sctp)://|^[0-9.:a-fA-F]+$|^(tcp|udp|sctp)$")


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A line for each ``SIAGA_…`` variable that is no setting, with the nearest one that is.

    A variable that does nothing is a setting that somebody believes is set.
    """
    known = {f"SIAGA_{name.upper()}" for name in Settings.model_fields} | OTHER_VARIABLES
    lines, of_services = [], []
    for given, value in sorted(environment.items()):
        name = given.upper()
        if not name.startswith("SIAGA_") or name.startswith(_TESTS):
            continue
        if _SERVICE_LINK.match(name) and _SERVICE_ADDRESS.match(value) and (name not in known or "://" in value):
            of_services.append(given)
        elif name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
            remedy = f"did you mean {near[0]}?" if near else "'siaga doctor' and docs/reference/settings.md name them"
            lines.append(f"{given}: is no setting; {remedy} Correct it or unset it")
    if of_services:
        lines.append(
            f"{of_services[0]}: comes from Kubernetes, which tells every pod where services are, and is no setting; "
            "write 'enableServiceLinks: false' into the pod's specification"
        )
    return lines
