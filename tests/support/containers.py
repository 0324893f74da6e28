"""Containers without an engine: what a file says of one, and a process of this machine that is shut in as it is.

``Engine`` gives each its own view of this machine's files (an overlay, so that nothing of it is changed), what the
file mounts and nothing else of ours, its user, its environment and no capability; all share one network namespace
with nothing but a loopback, where every name of the file is an address. The root file system is read-only where the
file says so. Instead of their images, Apache Kafka and PostgreSQL are those of this machine, and Siaga is
the checkout.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.brokers import ROOT, kafka_jars, missing_for_kafka
from tests.support.databases import missing_for_postgres, program
from tests.support.wait import until

_PATH: Final = "/opt/siaga/venv/bin:/opt/shim:/usr/local/bin:/usr/bin:/bin"
#: What Kafka's image has under these names; a test's broker starts fast rather than runs fast in the end.
_KAFKA: Final = """#!/bin/sh
tuned='-Xms64m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto'
exec java $tuned $KAFKA_LOG4J_OPTS -cp '{jars}/*' {main} "$@"
"""
#: What PostgreSQL's image does before it becomes the server.
_POSTGRES: Final = """#!/bin/sh
set -eu
data=/var/lib/postgresql/data
if [ ! -e "$data/PG_VERSION" ]; then
  initdb -D "$data" --username postgres --pwfile "$POSTGRES_PASSWORD_FILE" --auth scram-sha-256 --no-sync >/dev/null
  echo "listen_addresses = '*'" >>"$data/postgresql.conf"
  echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$data" postgres >/dev/null
fi
export PGDATA=$data
exec "$@" -c fsync=off
"""


def missing_for_containers() -> str | None:
    """What this machine lacks, ``None`` when nothing."""
    if os.geteuid() != 0:
        return "containers need root"
    for command in ("unshare", "nsenter", "setpriv", "chroot", "openssl", "psql"):
        if shutil.which(command) is None:
            return f"containers need {command}: install util-linux, openssl and postgresql"
    tried = subprocess.run(["unshare", "-m", "-n", "true"], check=False, capture_output=True)
    if tried.returncode != 0:
        return "containers need namespaces, which this kernel does not let us make"
    return missing_for_kafka() or missing_for_postgres()


@dataclass(frozen=True, slots=True)
class Mount:
    """``source`` of this machine at ``target``."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """What a file says of one. ``argv`` is what its image's entry point gets, or what replaces that."""

    name: str
    image: str
    user: int
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()
    tmpfs: Sequence[str] = ()
    read_only: bool = True


class Engine:
    """Runs containers. ``directory`` gets a log for each; ``names`` are what they call each other."""

    def __init__(self, directory: Path, names: Iterable[str]) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        addresses = {name: f"127.0.1.{number}" for number, name in enumerate(dict.fromkeys(names), start=1)}
        self._addresses = addresses
        self._shims()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        loopback = "ip link set lo up && echo ready && exec sleep infinity"
        self._network = subprocess.Popen(["unshare", "-n", "bash", "-c", loopback], stdout=subprocess.PIPE)
        assert self._network.stdout is not None
        assert self._network.stdout.readline() == b"ready\n", "there is no network namespace"

    def _shims(self) -> None:
        shims = self.directory / "shims"
        shims.mkdir()
        jars = kafka_jars()
        for name, text in {
            "kafka-storage.sh": _KAFKA.format(jars=jars, main="kafka.tools.StorageTool"),
            "kafka-server-start.sh": _KAFKA.format(jars=jars, main="kafka.Kafka"),
            "docker-entrypoint.sh": _POSTGRES,
        }.items():
            (shims / name).write_text(text)
            (shims / name).chmod(0o755)
        for name in ("initdb", "postgres"):
            (shims / name).symlink_to(str(program(name)))

    def close(self) -> None:
        """End everything at once."""
        for process in (*self._running.values(), self._network):
            process.kill()
        for process in (*self._running.values(), self._network):
            process.wait()
        self._running.clear()

    def start(self, container: Container) -> None:
        """Start one that goes on running."""
        with (self.directory / f"{container.name}.log").open("ab") as log:
            self._running[container.name] = subprocess.Popen(
                self._command(container), stdout=log, stderr=subprocess.STDOUT
            )

    def run(self, container: Container, *, stdin: str | None = None) -> str:
        """Run one that ends, and return what it said; it has to end with 0."""
        done = subprocess.run(self._command(container), check=False, capture_output=True, text=True, input=stdin)
        assert done.returncode == 0, f"{container.name}: {done.stdout}{done.stderr}"
        return done.stdout

    def run_in_network(self, command: Sequence[str], *, stdin: str | None = None) -> str:
        """Run a command of this machine among the containers."""
        inside = ["nsenter", f"--net=/proc/{self._network.pid}/ns/net", *command]
        return subprocess.run(inside, check=True, capture_output=True, text=True, input=stdin).stdout

    def exec(self, container: Container, argv: Sequence[str]) -> bool:
        """Whether a command ends with 0 in a container that runs, as its user."""
        process = self._running[container.name]
        inside = ["nsenter", "--target", str(process.pid), "--mount", "--net", "--root", "--wd"]
        done = subprocess.run([*inside, *self._as_user(container, argv)], check=False, capture_output=True)
        return done.returncode == 0

    def wait_well(self, container: Container, check: Sequence[str], *, timeout: float = 300) -> None:
        """Wait until what the file has for a health check says that it is well."""

        def well() -> bool:
            assert self._running[container.name].poll() is None, f"{container.name} ended: {self.log(container.name)}"
            return self.exec(container, check)

        until(
            well, timeout=timeout, every=0.3, what=lambda: f"{container.name} to be well: {self.log(container.name)}"
        )

    def running(self, name: str) -> bool:
        return name in self._running and self._running[name].poll() is None

    def stop(self, name: str) -> int:
        """End it as an engine does, with SIGTERM; the code it ended with."""
        process = self._running.pop(name)
        process.terminate()
        try:
            until(lambda: process.poll() is not None, timeout=30, what=f"{name} to end")
        finally:
            process.kill()
            process.wait()
        return process.returncode

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")[-3000:]

    def _as_user(self, container: Container, argv: Sequence[str]) -> list[str]:
        uid = str(container.user)
        limited = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups"]
        bounded = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
        image = {"PATH": _PATH, "LANG": "C.UTF-8", "HOSTNAME": container.name, "PYTHONDONTWRITEBYTECODE": "1"}
        if container.image == "siaga":
            image["SIAGA_DATA_DIR"] = "/var/lib/siaga"
        given = [f"{key}={value}" for key, value in {**image, **container.environment}.items()]
        return [*limited, *bounded, "env", "-i", "-C", "/", *given, *argv]

    def _command(self, container: Container) -> list[str]:
        """The words that prepare what it sees and then become it."""
        root, shims = "/mnt/root", self.directory / "shims"
        steps = [
            *(
                "set -e",
                "mount --make-rprivate /",
                "mount -t tmpfs none /mnt",
                "mkdir /mnt/upper /mnt/work /mnt/root",
            ),
            f"mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work {root}",
            *(f"mount --rbind {place} {root}{place}" for place in ("/proc", "/dev", *_elsewhere())),
            # An image has its own /root; here Python may lie in it, and in directories that only root may enter.
            *(f"chmod 0755 {root}{place}" for place in _shut_parents()),
            f"mkdir -p {root}/opt/siaga {root}/opt/kafka {root}/var/lib/siaga",
            f"ln -sfn {ROOT}/.venv {root}/opt/siaga/venv",
            f"install -m 0755 {ROOT}/deploy/image/healthy.py {root}{ROOT}/.venv/bin/healthy",
            f"cp -r {shims} {root}/opt/shim",
            f"ln -sfn /opt/shim {root}/opt/kafka/bin",
            f"echo {shlex.quote(self._hosts())} >{root}/etc/hosts",
            f"echo 'user:x:{container.user}:{container.user}::/tmp:/bin/sh' >{root}/etc/passwd",
        ]
        for mount in container.mounts:
            steps += _mounted(mount, root)
        for entry in container.tmpfs:
            place, _, options = entry.partition(":")
            # Where this project itself lies below it (a clone in /tmp), an image would still have what it is made of.
            hidden = [each for each in _needed() if each.is_relative_to(place)]
            kept = [f"/mnt/kept-{number}" for number in range(len(hidden))]
            for each, keep in zip(hidden, kept, strict=True):
                steps += [f"mkdir -p {keep}", f"mount --rbind {root}{each} {keep}"]
            steps += [_found(place, root), 'mkdir -p "$at"', f"mount -t tmpfs -o {options or 'mode=1777'} none $at"]
            for each, keep in zip(hidden, kept, strict=True):
                steps += [f"mkdir -p {root}{each}", f"mount --move {keep} {root}{each}"]
        if container.read_only:
            steps.append(f"mount -o remount,ro {root}")
        steps.append(f"exec chroot {root} {shlex.join(self._as_user(container, container.argv))}")
        inside = ["nsenter", f"--net=/proc/{self._network.pid}/ns/net", "unshare", "-m"]
        return [*inside, "bash", "-c", "\n".join(steps)]

    def _hosts(self) -> str:
        return "\n".join(["127.0.0.1 localhost", *(f"{at} {name}" for name, at in self._addresses.items())])


def _found(target: str, root: str) -> str:
    """Where a place inside lies, as a step: a link inside (/var/run) leads to somewhere inside."""
    return f"at={root}$(chroot {root} realpath -m {target})"


def _mounted(mount: Mount, root: str) -> list[str]:
    made = 'mkdir -p "$at"' if mount.source.is_dir() else 'mkdir -p "$(dirname $at)" && touch "$at"'
    bound = [_found(mount.target, root), made, f'mount --bind {shlex.quote(str(mount.source))} "$at"']
    return [*bound, 'mount -o remount,bind,ro "$at"'] if mount.read_only else bound


def _needed() -> set[Path]:
    return {ROOT, Path(sys.base_prefix).resolve(), kafka_jars().resolve()}


def _elsewhere() -> list[str]:
    """What an overlay of / would not show, as it lies on another file system."""
    here = Path("/").stat().st_dev
    return sorted(str(place) for place in _needed() if place.stat().st_dev != here)


def _shut_parents() -> list[str]:
    return sorted(
        {str(parent) for place in _needed() for parent in place.parents if not parent.stat().st_mode & 0o001}
    )
