"""Siaga's processes as one thing a test can start, post to, look into, break and mend.

The processes are the real ones (``python -m siaga …``) against whatever broker and database the test was given.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import sqlalchemy as sa

from siaga.contracts.command import Command
from siaga.contracts.registry import Device, RegistryEntry, key_of
from siaga.contracts.topics import COMMANDS, partition_of
from siaga.settings import Settings
from tests.support import builders
from tests.support.brokers import Broker
from tests.support.databases import Database
from tests.support.processes import Process, free_ports, listens
from tests.support.topics import items_on
from tests.support.wait import until

GATEWAY: Final = "gateway"
STREAMS: Final = "streams"
SINKS: Final = "sinks"
CONSOLE: Final = "console"
INBOX: Final = "inbox"
ALL: Final = (GATEWAY, SINKS, STREAMS)
_READY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway said."""

    status: int
    body: Any
    headers: dict[str, str]


class Stack:
    """Siaga around one broker and one database.

    ``start()`` makes the topics, loads the registry with one device for all of it, and starts the processes.
    Processes are named ``gateway``, ``sinks``, ``streams`` (the first worker), ``streams-1``, ``streams-2``…
    ``console`` and ``inbox`` are started where they are named.
    """

    def __init__(
        self,
        broker: Broker,
        database: Database,
        directory: Path,
        *,
        workers: int = 1,
        registry: Sequence[RegistryEntry] | None = None,
        **settings: Any,
    ) -> None:
        """``settings`` are fields of :class:`siaga.settings.Settings`; ``registry`` is a small country by default."""
        self.broker = broker
        self.database = database
        self.directory = directory
        ports = free_ports(6 + workers)
        self._chosen: dict[str, Any] = {
            "data_dir": directory / "var",
            "gateway_port": ports,
            "gateway_metrics_port": ports + 1,
            "sinks_metrics_port": ports + 2,
            "console_port": ports + 3,
            "console_metrics_port": ports + 4,
            "inbox_port": ports + 5,
            "streams_metrics_port": ports + 6,
            "stream_workers": workers,
            "canary_every": 0.5,
            "rate_per_minute": 1_000_000,
            "rate_burst": 100_000,
            "store_retry_max": 1.0,
            "stream_session": 6.0,
            **settings,
        }
        self.registry = list(registry) if registry is not None else builders.small_registry()
        self.token = ""
        self.processes: dict[str, Process] = {}
        self._http = httpx.Client(timeout=30.0)
        self._engine: sa.Engine | None = None

    # -- settings -----------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings the processes have."""
        return Settings(kafka=self.broker.address, database=self.database.url, **self._chosen)

    @property
    def environment(self) -> dict[str, str]:
        """The environment the processes have: this one without any other ``SIAGA_…``, and the settings."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("SIAGA_")}
        chosen = {**self._chosen, "kafka": self.broker.address, "database": self.database.url}
        return {**clean, **{f"SIAGA_{key.upper()}": str(value) for key, value in chosen.items()}}

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self._chosen['gateway_port']}"

    @property
    def inbox_url(self) -> str:
        return f"http://127.0.0.1:{self._chosen['inbox_port']}"

    # -- life ---------------------------------------------------------------------------------------------------

    def start(self, *names: str) -> Self:
        """Topics, registry, then the processes named (all of them when none is) and wait until they are ready."""
        self.prepare()
        chosen = names or (GATEWAY, SINKS, *self.workers)
        for name in chosen:
            self.launch(name)
        for name in chosen:
            self.wait_ready(name)
        return self

    def prepare(self) -> None:
        """Make the topics and load the registry into the broker; starts the broker when it does not run."""
        from siaga.wire.registry_tail import publish_entries
        from siaga.wire.topics_admin import ensure_topics

        self.broker.start()
        ensure_topics(self.settings)
        if not self.token:
            device, self.token = self.make_device(builders.DEVICE)
            self.registry = [*self.registry, device]
        publish_entries(self.settings, self.registry)

    def make_device(self, device_id: str, districts: Iterable[str] | None = None) -> tuple[Device, str]:
        """A device (not published) for ``districts``, by default for the whole registry, and its token."""
        from producers.auth import make_device

        whole = {key_of(e).partition("/")[2] for e in self.registry if key_of(e).startswith("stations/")}
        return make_device(device_id, tuple(sorted(districts if districts is not None else whole)))

    def publish(self, *entries: RegistryEntry) -> None:
        """Change the registry while it runs."""
        from siaga.wire.registry_tail import publish_entries

        publish_entries(self.settings, entries)

    @property
    def workers(self) -> tuple[str, ...]:
        """The names of the stream workers."""
        count = int(self._chosen["stream_workers"])
        return (STREAMS, *(f"{STREAMS}-{number}" for number in range(1, count)))

    def launch(self, name: str) -> Process:
        """Start one process without waiting for it."""
        part, _, number = name.partition("-")
        argv = [sys.executable, "-m", "siaga", part, *(["--worker", number] if number else [])]
        process = self.processes.get(name)
        if process is None:
            log = self.directory / f"{name}.log"
            process = Process(name, argv, log=log, env=self.environment, cwd=self.directory)
            self.processes[name] = process
        process.start()
        return process

    def wait_ready(self, name: str, timeout: float = _READY_SECONDS) -> None:
        """Wait until the process does its work; fails with its log when it ends or is too slow."""
        process = self.processes[name]
        if name == GATEWAY:
            process.wait_ready(lambda: self._gateway_is("/readyz"), timeout=timeout, what="being ready")
        else:
            # Streams and sinks open their metrics only once they are ready to work; the console its page.
            port = self._chosen["console_port"] if name == CONSOLE else self.metrics_port(name)
            process.wait_ready(lambda: listens(port), timeout=timeout, what="opening its port")

    def kill(self, name: str) -> None:
        """SIGKILL it."""
        self.processes[name].kill()

    def stop(self, name: str, timeout: float = 30.0) -> int:
        """SIGTERM it and wait; its exit code."""
        return self.processes[name].stop(timeout)

    def pause(self, name: str) -> None:
        self.processes[name].pause()

    def resume(self, name: str) -> None:
        self.processes[name].resume()

    def restart(self, name: str) -> None:
        """Start it again (killing it first when it still runs) and wait until it is ready."""
        if name in self.processes and self.processes[name].running:
            self.processes[name].kill()
        self.launch(name)
        self.wait_ready(name)

    def is_running(self, name: str) -> bool:
        return name in self.processes and self.processes[name].running

    def close(self) -> None:
        """End every process. The broker and the database are whoever's made them."""
        for process in self.processes.values():
            process.kill()
        self._http.close()
        if self._engine is not None:
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for process in self.processes.values():
                sys.stderr.write(process.tail() + "\n")
        self.close()

    # -- the gateway ----------------------------------------------------------------------------------------------

    def post(self, item: dict[str, Any], *, token: str | None = None) -> Answer:
        """Post one report, or a check-in when it has a ``phase``."""
        return self.request("/v1/checkins" if "phase" in item else "/v1/reports", item, token=token)

    def post_batch(
        self,
        reports: Sequence[dict[str, Any]] = (),
        checkins: Sequence[dict[str, Any]] = (),
        *,
        token: str | None = None,
    ) -> Answer:
        """Post up to 500 reports and check-ins at once."""
        return self.request("/v1/reports:batch", {"reports": list(reports), "checkins": list(checkins)}, token=token)

    def request(self, path: str, body: Any, *, token: str | None = None) -> Answer:
        """Post ``body`` (an object, or bytes as they are) as the stack's device, or as another ``token``."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
        response = self._http.post(self.gateway_url + path, content=content, headers=headers)
        try:
            answer = response.json()
        except ValueError:
            answer = response.text
        return Answer(response.status_code, answer, {k.lower(): v for k, v in response.headers.items()})

    def _gateway_is(self, path: str) -> bool:
        try:
            return self._http.get(self.gateway_url + path).status_code == 200
        except httpx.HTTPError:
            return False

    # -- Kafka ----------------------------------------------------------------------------------------------------

    def produce(self, topic: str, district: str, *values: bytes) -> None:
        """Write raw records as a device with direct access would, to the district's partition, and wait for acks."""
        from kafka import KafkaProducer

        producer = KafkaProducer(bootstrap_servers=self.broker.address, acks="all")
        try:
            partition = partition_of(district, self.settings.partitions)
            sent = [producer.send(topic, value, district.encode(), partition=partition) for value in values]
            for future in sent:
                future.get(30)
        finally:
            producer.close()

    def items(self, topic: str) -> list[dict[str, Any]]:
        """Every JSON object on a topic up to its present end, out of its arrays, canaries left out."""
        return items_on(self.broker.address, topic, partitions=self.settings.partitions)

    def command(self, command: Command) -> None:
        """Send a person's decision."""
        self.produce(COMMANDS, command.district, command.to_json())

    # -- the database ---------------------------------------------------------------------------------------------

    def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        """What a SELECT gives; nothing while the tables or the database are not there."""
        if self._engine is None:
            self._engine = sa.create_engine(self.database.url, poolclass=sa.NullPool)
        try:
            with self._engine.connect() as connection:
                found = connection.execute(sa.text(statement), parameters)
                return [dict(row) for row in found.mappings()]
        except (sa.exc.OperationalError, sa.exc.ProgrammingError):
            return []

    def scalar(self, statement: str, **parameters: Any) -> Any:
        """The first value of the first row, ``None`` when there is none."""
        found = self.rows(statement, **parameters)
        return next(iter(found[0].values())) if found else None

    def count(self, table: str, where: str = "1=1", **parameters: Any) -> int:
        """How many rows of ``table`` there are; 0 while there is no such table."""
        return int(self.scalar(f"SELECT count(*) FROM {table} WHERE {where}", **parameters) or 0)  # noqa: S608

    def until_count(self, table: str, wanted: int, where: str = "1=1", *, timeout: float = 30.0) -> None:
        """Wait until ``table`` has exactly ``wanted`` rows."""
        until(
            lambda: self.count(table, where) == wanted,
            timeout=timeout,
            what=lambda: (
                f"{wanted} rows of {table} where {where}; there are {self.count(table, where)}{self.tails()}"
            ),
            every=0.05,
        )

    def incidents(self, where: str = "1=1", **parameters: Any) -> list[dict[str, Any]]:
        """The incidents as they stand, oldest first."""
        return self.rows(f"SELECT * FROM incidents WHERE {where} ORDER BY first_occurred_at", **parameters)  # noqa: S608

    def until_incident(self, where: str = "1=1", *, timeout: float = 30.0, **parameters: Any) -> dict[str, Any]:
        """Wait for an incident that fits and return it."""
        found = until(
            lambda: self.incidents(where, **parameters),
            timeout=timeout,
            what=lambda: f"an incident where {where}; there are {self.incidents()}{self.tails()}",
            every=0.05,
        )
        return found[0]

    # -- metrics and logs -----------------------------------------------------------------------------------------

    def metrics_port(self, name: str) -> int:
        """Where a process shows its metrics; the inbox has no port besides its own."""
        part, _, number = name.partition("-")
        own = "inbox_port" if part == INBOX else f"{part}_metrics_port"
        return int(self._chosen[own]) + int(number or 0)

    def metrics(self, name: str) -> dict[str, float]:
        """A process's samples, such as ``siaga_store_rows_total{table="reports"}``; nothing when it is away."""
        from prometheus_client.parser import text_string_to_metric_families

        try:
            text = self._http.get(f"http://127.0.0.1:{self.metrics_port(name)}/metrics").text
        except httpx.HTTPError:
            return {}
        samples = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = ",".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items()))
                samples[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return samples

    def log(self, name: str) -> str:
        """All a process wrote."""
        return self.processes[name].log

    def tails(self) -> str:
        """The end of every process's log, for a failure's message."""
        return "\n" + "\n".join(process.tail(15) for process in self.processes.values())
