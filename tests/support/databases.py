"""The two databases every test of the store runs against: SQLite and PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Protocol

import psycopg

from tests.support.certificates import Authority
from tests.support.processes import Process, free_port
from tests.support.wait import until

__all__ = ["Database", "PostgresCluster", "PostgresDatabase", "SqliteDatabase", "missing_for_postgres"]


class Database(Protocol):
    """An empty database of one test."""

    @property
    def url(self) -> str:
        """Its SQLAlchemy URL."""
        ...


class SqliteDatabase:
    """A SQLite file of its own; the file appears when somebody first connects."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "siaga.db"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"


def program(name: str) -> str | None:
    """A PostgreSQL server program: on PATH, else where Debian keeps it (the newest version)."""
    found = shutil.which(name)
    if found:
        return found
    versions = [path for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}") if path.is_file()]
    versions.sort(key=lambda path: [int(part) for part in path.parents[1].name.split(".")])
    return str(versions[-1]) if versions else None


def _user() -> str | None:
    """Whom the server runs as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def missing_for_postgres() -> str | None:
    """What this machine lacks to run PostgreSQL, ``None`` when nothing."""
    missing = [name for name in ("initdb", "postgres") if program(name) is None]
    return f"PostgreSQL needs {' and '.join(missing)}: install the PostgreSQL server" if missing else None


class PostgresCluster:
    """One server on loopback with a data directory of its own; data and port outlive a kill."""

    def __init__(self, authority: Authority | None = None) -> None:
        """With an ``authority`` it speaks TLS, and everybody but the administrator needs it and a password."""
        self.port = free_port()
        self._user = _user()
        # Not under pytest's directory, which only its owner may enter: the server may run as somebody else.
        self.directory = Path(tempfile.mkdtemp(prefix="siaga-postgres-"))
        if self._user is not None:
            shutil.chown(self.directory, self._user)
        self._data = self.directory / "data"
        argv = [
            str(program("postgres")),
            *("-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port), "-k", ""),
            # A crash of the server, not of the machine, is what tests try: the page cache survives it.
            *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=60"),
        ]
        if authority is not None:
            argv += self._closed(authority)
        self._log = Path(tempfile.mkdtemp(prefix="siaga-postgres-log-"))
        self._process = Process(
            "PostgreSQL", argv, log=self._log / "postgres.log", user=self._user, cwd=self.directory
        )

    def _closed(self, authority: Authority) -> list[str]:
        """What has it speak TLS and ask for passwords."""
        pair, rules = authority.issue("siaga-postgres"), self.directory / "pg_hba.conf"
        rules.write_text(
            "host all siaga 127.0.0.1/32 trust\n"
            "hostssl all all 127.0.0.1/32 scram-sha-256\n"
            "hostnossl all all all reject\n"
        )
        certificate, key = self.directory / "server.crt", self.directory / "server.key"
        certificate.write_bytes(pair.certificate.read_bytes())
        key.write_bytes(pair.key.read_bytes())
        for path in (rules, certificate, key):
            path.chmod(0o600)
            if self._user is not None:
                shutil.chown(path, self._user)
        options = {"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key, "hba_file": rules}
        return [word for name, value in options.items() for word in ("-c", f"{name}={value}")]

    @property
    def running(self) -> bool:
        return self._process.running

    def url(self, name: str) -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://siaga@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it (the first time: make it) and wait until it answers."""
        if self.running:
            return
        if not self._data.exists():
            # As one user throughout, whoever runs the tests.
            initdb = [str(program("initdb")), "-D", str(self._data), "-U", "siaga", "-A", "trust", "-E", "UTF8"]
            done = subprocess.run(
                [*initdb, "--locale=C", "--no-sync"],
                capture_output=True,
                text=True,
                check=False,
                user=self._user,
                cwd=self.directory,
            )
            if done.returncode:
                raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")
        self._process.start()
        self._process.wait_ready(self._answers, timeout=30, what="answering")

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, statement: str) -> None:
        """Run a statement as the administrator, outside a transaction."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="siaga", dbname="postgres", autocommit=True, connect_timeout=2
        ) as connection:
            connection.execute(statement.encode())

    def create(self) -> PostgresDatabase:
        """A new, empty database."""
        self.start()
        name = f"uji_{uuid.uuid4().hex[:12]}"
        self.execute(f'CREATE DATABASE "{name}"')
        return PostgresDatabase(self, name)

    def stop(self) -> None:
        """Stop it in good order; connections are ended."""
        if self.running:
            self._process.stop(timeout=30, number=signal.SIGINT)

    def kill(self) -> None:
        """End it as a crash would: connections break, nothing is written back, the next start recovers."""
        if self.running:
            self._process.stop(timeout=30, number=signal.SIGQUIT)

    def pause(self) -> None:
        """Freeze the whole server: connections stay open and nothing answers."""
        self._process.send_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_all(signal.SIGCONT)

    def remove(self) -> None:
        """End it and delete its data."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.rmtree(self._log, ignore_errors=True)


class PostgresDatabase:
    """A database of its own on a cluster; ``start``, ``stop`` and ``kill`` are the cluster's."""

    def __init__(self, cluster: PostgresCluster, name: str) -> None:
        self.cluster = cluster
        self.name = name

    @property
    def url(self) -> str:
        return self.cluster.url(self.name)

    def start(self) -> None:
        self.cluster.start()

    def stop(self) -> None:
        self.cluster.stop()

    def kill(self) -> None:
        self.cluster.kill()

    def drop(self) -> None:
        """Delete it, whoever is still connected."""
        self.cluster.start()
        self.cluster.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
        until(lambda: self.cluster.running, what="PostgreSQL")
