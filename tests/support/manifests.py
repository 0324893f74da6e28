"""What an overlay of ``deploy/kubernetes`` comes to, and its pods as ``Container``."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.brokers import ROOT
from tests.support.containers import Container, Mount

KUBERNETES: Final = ROOT / "deploy" / "kubernetes"
OVERLAYS: Final = ("posko", "national")
_WORKLOADS: Final = ("Deployment", "StatefulSet", "Job")


def missing_for_kubernetes() -> str | None:
    """What this machine lacks to put an overlay together, ``None`` when nothing."""
    return None if shutil.which("kubectl") else "Kubernetes' files are put together by kubectl: install it"


@functools.cache
def rendered(overlay: str) -> tuple[dict[str, Any], ...]:
    """Every object of an overlay, as ``kubectl apply -k`` would send it."""
    done = subprocess.run(
        ["kubectl", "kustomize", KUBERNETES / "overlays" / overlay], check=True, capture_output=True
    )
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, *kinds: str) -> dict[str, dict[str, Any]]:
    """The objects of these kinds, by name."""
    return {each["metadata"]["name"]: each for each in rendered(overlay) if each["kind"] in kinds}


def pods(overlay: str) -> dict[str, dict[str, Any]]:
    """The specification of the pods of each workload."""
    return {name: each["spec"]["template"]["spec"] for name, each in of_kind(overlay, *_WORKLOADS).items()}


def container_of(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The one container of a pod."""
    (container,) = pod["containers"]
    assert isinstance(container, dict)
    return container


def environment_of(overlay: str, pod: Mapping[str, Any]) -> dict[str, str]:
    """What a container is given by its ConfigMaps and by name; the latter wins."""
    container = container_of(pod)
    shared: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        shared |= of_kind(overlay, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    return shared | {each["name"]: each["value"] for each in container.get("env", ())}


def secrets_of(pod: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Secret, key and file of everything that a pod is given."""
    for volume in pod.get("volumes", ()):
        for source in volume.get("projected", {}).get("sources", ()):
            for item in source["secret"]["items"]:
                yield source["secret"]["name"], item["key"], item["path"]


def files_named(overlay: str, pod: Mapping[str, Any]) -> set[str]:
    """The files of secrets that its environment speaks of."""
    words = " ".join(environment_of(overlay, pod).values())
    return set(re.findall(r"/etc/siaga/secrets/([\w.-]+)", words))


@dataclass(frozen=True)
class Cluster:
    """An overlay, with ``secrets``: a file of this machine for each Secret and key; files go into ``directory``."""

    overlay: str
    secrets: Mapping[tuple[str, str], Path]
    directory: Path

    def container(self, name: str) -> Container:
        """The pod of a workload, as its file has it."""
        pod = pods(self.overlay)[name]
        one, shut = container_of(pod), pod["securityContext"]
        user = int(shut["runAsUser"])
        words = [*one.get("command", ["siaga"]), *one.get("args", ())]
        mounts, tmpfs = [], []
        kinds = {volume["name"]: volume for volume in pod.get("volumes", ())}
        for mount in one["volumeMounts"]:
            volume = kinds.get(mount["name"], {})
            if "projected" in volume:
                mounts.append(Mount(self._projected(name, pod, user), mount["mountPath"], read_only=True))
            elif "secret" in volume:
                whole = self._whole(f"{name}-{mount['name']}", volume["secret"]["secretName"], user)
                mounts.append(Mount(whole, mount["mountPath"], read_only=True))
            elif volume.get("emptyDir", {}).get("medium") == "Memory":
                tmpfs.append(mount["mountPath"])
            else:
                mounts.append(Mount(self._owned(f"{name}-{mount['name']}", user), mount["mountPath"]))
        return Container(
            name=name,
            image="siaga",
            user=user,
            argv=words,
            environment=environment_of(self.overlay, pod),
            mounts=mounts,
            tmpfs=tmpfs,
            read_only=one["securityContext"]["readOnlyRootFilesystem"],
        )

    def check_of(self, name: str) -> list[str]:
        """Its readiness probe, as a command; like the kubelet it does not look at the certificate."""
        one = container_of(pods(self.overlay)[name])
        probe = one["readinessProbe"]["httpGet"]
        port = next(each["containerPort"] for each in one["ports"] if each["name"] == probe["port"])
        url = f"{probe.get('scheme', 'HTTP').lower()}://127.0.0.1:{port}{probe['path']}"
        return ["curl", "--insecure", "--silent", "--fail", "--output", "/dev/null", url]

    def _projected(self, name: str, pod: Mapping[str, Any], user: int) -> Path:
        place = self._owned(f"{name}-secrets", user)
        for secret, key, path in secrets_of(pod):
            self._give(self.secrets[secret, key], place / path, user)
        return place

    def _whole(self, name: str, secret: str, user: int) -> Path:
        """A Secret with each of its keys as a file."""
        place = self._owned(name, user)
        for (owner, key), file in self.secrets.items():
            if owner == secret:
                self._give(file, place / key, user)
        return place

    @staticmethod
    def _give(file: Path, to: Path, user: int) -> None:
        to.write_bytes(file.read_bytes())
        to.chmod(0o440)
        shutil.chown(to, 0, user)

    def _owned(self, name: str, user: int) -> Path:
        place = self.directory / name
        place.mkdir(exist_ok=True)
        shutil.chown(place, user, user)
        return place
