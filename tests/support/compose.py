"""What ``deploy/compose/compose.yaml`` says, read as Docker Compose reads it, and its containers as ``Container``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.brokers import ROOT
from tests.support.containers import Container, Mount

COMPOSE: Final = ROOT / "deploy" / "compose" / "compose.yaml"
#: The words that an image has before those of the file, where the file names none.
_ENTRY: Final = {"siaga": ["siaga"], "postgres": ["/opt/shim/docker-entrypoint.sh"]}
_VARIABLE: Final = re.compile(r"\$\$|\$\{(\w+)(?::\?[^}]*)?\}")


def services() -> dict[str, dict[str, Any]]:
    """Every service of the file."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


def image_of(service: Mapping[str, Any]) -> str:
    """The name of its image, without where it comes from and its version: ``siaga``, ``kafka``, ``postgres``…"""
    return str(service["image"]).rpartition("/")[2].partition(":")[0]


def volumes_of(service: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Source, target and whether it is read-only, of each."""
    for entry in service.get("volumes", ()):
        source, target, *mode = entry.split(":")
        yield source, target, mode == ["ro"]


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """The text with ``${NAME}`` and ``$$`` as Compose puts them in."""
    return _VARIABLE.sub(lambda found: variables[found[1]] if found[1] else "$", text)


@dataclass(frozen=True)
class Project:
    """The file, installed in ``place`` (a copy of deploy/compose), its volumes beside it."""

    place: Path
    volumes: Path

    @property
    def variables(self) -> dict[str, str]:
        """What first-run.sh wrote into .env."""
        lines = (self.place / ".env").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if line and line[0] != "#")

    def container(self, name: str, command: list[str] | None = None) -> Container:
        """A service, with other words where they are given, as with ``docker compose run``."""
        service, variables = services()[name], self.variables
        image = image_of(service)
        words = command or [filled_in(word, variables) for word in service.get("command", ())]
        user = int(service["user"].split(":")[0])
        return Container(
            name=name,
            image=image,
            user=user,
            argv=[*service.get("entrypoint", _ENTRY.get(image, ())), *words],
            environment={key: filled_in(value, variables) for key, value in service.get("environment", {}).items()},
            mounts=[self._mount(user, *volume) for volume in volumes_of(service)],
            tmpfs=service.get("tmpfs", ()),
            read_only=service["read_only"],
        )

    def check_of(self, name: str) -> list[str]:
        """The words of its health check."""
        first, *words = services()[name]["healthcheck"]["test"]
        assert first == "CMD", f"{name}: its health check needs a shell"
        return [filled_in(word, self.variables) for word in words]

    def _mount(self, user: int, source: str, target: str, read_only: bool) -> Mount:
        if source.startswith("."):
            return Mount((self.place / source).resolve(), target, read_only)
        volume = self.volumes / source
        if not volume.exists():
            volume.mkdir(parents=True, mode=0o700)
            os.chown(volume, user, user)
        return Mount(volume, target, read_only)


def in_order() -> list[str]:
    """The services that are started without being asked for, each after those it depends on."""
    found, every = [], services()

    def visit(name: str) -> None:
        for before in every[name].get("depends_on", {}):
            visit(before)
        if name not in found:
            found.append(name)

    for name, service in every.items():
        if "profiles" not in service:
            visit(name)
    return found
