"""A machine to install on: this one, seen from a mount namespace of its own, so that nothing of it is changed.

What an installer writes to lies in memory and goes with the namespace. A service manager is not there: ``UnitFile``
reads what a unit says and ``Machine.start`` does it, word by word, as the user that it names, in a network namespace
with nothing but a loopback, so that the ports of the units are free.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.support.wait import until

#: Where installers write: a copy of what is there, which only the namespace sees.
_COPIED: Final = (
    "/etc",
    "/usr/local/bin",
    "/usr/lib/sysusers.d",
    "/usr/lib/tmpfiles.d",
    "/var/lib/postgresql",
    "/var/log/postgresql",
)
#: Where there is nothing yet.
_EMPTY: Final = ("/opt/siaga", "/var/lib/siaga", "/var/lib/siaga-kafka", "/var/run/postgresql")
#: Debian's own service of PostgreSQL, which the installer started.
_STOP_POSTGRESQL: Final = (
    "pg_lsclusters -h | while read -r version name _; do pg_ctlcluster -m immediate $version $name stop; done || true"
)
_UNITS: Final = "/etc/systemd/system"


def missing_for_a_machine() -> str | None:
    """What this machine lacks to be installed on, ``None`` when nothing."""
    if os.geteuid() != 0:
        return "an installation needs root"
    for command in (
        "unshare",
        "nsenter",
        "runuser",
        "systemd-sysusers",
        "systemd-analyze",
        "pg_createcluster",
        "mvn",
    ):
        if shutil.which(command) is None:
            return f"an installation needs {command}: install systemd, postgresql and maven"
    tried = subprocess.run(["unshare", "-m", "-n", "true"], check=False, capture_output=True)
    return (
        None if tried.returncode == 0 else "an installation needs namespaces, which this kernel does not let us make"
    )


@dataclass(frozen=True, slots=True)
class UnitFile:
    """What a unit says: its sections, each key with its values in order, ``%i`` and the like filled in."""

    name: str
    sections: Mapping[str, Mapping[str, list[str]]]

    @classmethod
    def read(cls, name: str, text: str) -> UnitFile:
        """Read it as systemd does: comments and empty lines apart, an empty value forgets those before it."""
        instance = name.partition("@")[2].partition(".")[0]
        sections: dict[str, dict[str, list[str]]] = {}
        current: dict[str, list[str]] = {}
        for line in text.splitlines():
            if line.startswith("["):
                current = sections.setdefault(line.strip("[]"), {})
            elif line and line[0] not in "#;":
                key, _, value = line.partition("=")
                values = current.setdefault(key, [])
                if value:
                    values.append(value.replace("%i", instance).replace("%%", "%"))
                else:
                    values.clear()
        return cls(name, sections)

    def values(self, key: str, section: str = "Service") -> list[str]:
        return self.sections.get(section, {}).get(key, [])

    def one(self, key: str, default: str = "") -> str:
        values = self.values(key)
        return values[-1] if values else default

    @property
    def environment(self) -> dict[str, str]:
        pairs = (pair for line in self.values("Environment") for pair in shlex.split(line))
        return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}


@dataclass
class Machine:
    """One machine. ``log_dir`` gets a log per service."""

    log_dir: Path
    _holder: subprocess.Popen[bytes] | None = None
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Machine:
        prepare = ["set -e", "mount -t tmpfs none /mnt"]
        for number, place in enumerate((*_COPIED, *_EMPTY)):
            here = f"/mnt/{number}"
            copied = (
                f"cp -a {place} {here} 2>/dev/null || mkdir -p {here}" if place in _COPIED else f"mkdir -p {here}"
            )
            prepare += [f"mkdir -p {place}", copied, f"mount --bind {here} {place}"]
        prepare += ["chown postgres: /var/run/postgresql", "echo ready", "exec sleep infinity"]
        self._holder = subprocess.Popen(["unshare", "-m", "bash", "-c", "\n".join(prepare)], stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n", "the namespace could not be prepared"
        # A network of its own, inside; the installer still needs the one outside.
        self._lonely = subprocess.Popen(
            [
                *self._inside(),
                "unshare",
                "-n",
                "bash",
                "-c",
                "ip link set lo up && echo ready && exec sleep infinity",
            ],
            stdout=subprocess.PIPE,
        )
        assert self._lonely.stdout is not None
        assert self._lonely.stdout.readline() == b"ready\n", "the namespace got no network"
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)
        self.run(["bash", "-c", _STOP_POSTGRESQL])
        for process in (self._lonely, self._holder):
            assert process is not None
            process.kill()
            process.wait()

    def _inside(self, *, lonely: bool = False) -> list[str]:
        assert self._holder is not None
        ours = ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt"]
        return [*ours, f"--net=/proc/{self._lonely.pid}/ns/net"] if lonely else ours

    def run(self, command: Sequence[str], *, online: bool = False, **more: Any) -> str:
        """Run a command as root and return what it printed; ``online`` sees the network outside."""
        inside = self._inside(lonely=not online)
        done = subprocess.run([*inside, *command], check=False, capture_output=True, text=True, **more)
        assert done.returncode == 0, f"{shlex.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def unit(self, name: str) -> UnitFile:
        """An installed unit, of a template where it is an instance of one."""
        before, at, _ = name.partition("@")
        file = f"{before}@.service" if at else name
        return UnitFile.read(name, self.run(["cat", f"{_UNITS}/{file}"]))

    def start(self, name: str) -> None:
        """Start a unit as it says: its directories, what comes before, the command, what comes after."""
        unit = self.unit(name)
        for directory in unit.values("StateDirectory"):
            path = f"/var/lib/{directory}"
            self.run(["install", "-d", "-o", unit.one("User"), "-m", unit.one("StateDirectoryMode", "0755"), path])
        for line in unit.values("ExecStartPre"):
            self.run(self._as_user(unit, line))
        *first, last = unit.values("ExecStart")
        for line in first:
            self.run(self._as_user(unit, line))
        if unit.one("Type") == "oneshot":
            self.run(self._as_user(unit, last))
            return
        with (self.log_dir / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*self._inside(lonely=True), *self._as_user(unit, last)], stdout=log, stderr=subprocess.STDOUT
            )
        for line in unit.values("ExecStartPost"):
            self.run(self._as_user(unit, line))

    @staticmethod
    def _as_user(unit: UnitFile, line: str) -> list[str]:
        assert not set("$`|;&<>\"'") & set(line), f"{unit.name}: systemd has no shell that would understand {line}"
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
        environment = [
            f"{key}={value}" for key, value in {"PATH": path, "LANG": "C.UTF-8", **unit.environment}.items()
        ]
        limited = ["setpriv", "--reuid", unit.one("User"), "--regid", unit.one("User"), "--clear-groups"]
        bounded = ["--bounding-set=-all", "--no-new-privs"] if "NoNewPrivileges" in str(unit.sections) else []
        return [*limited, *bounded, "env", "-i", "-C", "/", *environment, *line.split()]

    def running(self, name: str) -> bool:
        return name in self._running and self._running[name].poll() is None

    def log(self, name: str) -> str:
        return (self.log_dir / f"{name}.log").read_text(errors="replace")

    def stop(self, name: str) -> None:
        """End a service as systemd does: SIGTERM, and SIGKILL after a while."""
        process = self._running.pop(name)
        process.terminate()
        try:
            until(lambda: process.poll() is not None, timeout=30, what=f"{name} to end")
        finally:
            process.kill()
            process.wait()
