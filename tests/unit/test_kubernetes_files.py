"""Kubernetes' files come to what the documents say: by schema where Kubernetes has one, else by what they must hold.

Objects of Strimzi, CloudNativePG, KEDA and the Prometheus operator have schemas that no package brings: what matters
of them is looked at here one by one.
"""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location

import kubernetes_validate
import pytest

from siaga.settings import Settings, unknown_variables
from siaga.store.roles import OWNER, ROLES, database_rights, make_roles
from siaga.wire.acls import builtin_rights, rules_of
from tests.support.manifests import (
    KUBERNETES,
    OVERLAYS,
    container_of,
    environment_of,
    files_named,
    missing_for_kubernetes,
    of_kind,
    pods,
    rendered,
    secrets_of,
)
from tests.support.require import require

#: Kinds of operators, of which kubernetes-validate knows nothing.
OPERATORS = {"kafka.strimzi.io/v1", "postgresql.cnpg.io/v1", "keda.sh/v1alpha1", "monitoring.coreos.com/v1"}
PROCESSES = ("siaga-gateway", "siaga-streams", "siaga-sinks", "siaga-console", "siaga-watchdog")


@pytest.fixture(autouse=True)
def _kubectl() -> None:
    require(missing_for_kubernetes())


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_object_is_what_kubernetes_takes(overlay: str) -> None:
    looked_at = 0
    for each in rendered(overlay):
        assert each["metadata"].get("namespace", "siaga") == "siaga"
        if each["apiVersion"] not in OPERATORS:
            kubernetes_validate.validate(each, "1.32.0", strict=True)
            looked_at += 1
    assert looked_at > 20


def test_every_pod_is_shut_in(overlay: str) -> None:
    found = pods(overlay)
    assert set(found) == {*PROCESSES, "siaga-topics", "siaga-schema"}
    for name, pod in found.items():
        container = container_of(pod)
        assert pod["enableServiceLinks"] is False, name
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"]["cpu"]
        assert re.fullmatch(r"siaga:\d+\.\d+\.\d+", container["image"])
        assert name not in PROCESSES or "readinessProbe" in container


def test_every_setting_is_one_and_fits(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, pod in pods(overlay).items():
        environment = environment_of(overlay, pod)
        assert unknown_variables(environment) == [], name
        with monkeypatch.context() as patch:
            for key, value in environment.items():
                patch.setenv(key, value)
            assert Settings().kafka_security == "SASL_SSL"


def test_a_pod_gets_the_secrets_that_it_names_and_no_other(overlay: str) -> None:
    for name, pod in pods(overlay).items():
        named = files_named(overlay, pod)
        signs_in = any(secret == "siaga-cluster-ca-cert" for secret, _, _ in secrets_of(pod))
        # All share where Kafka is; who does not sign in to it has no need of its authority.
        needed = named if signs_in else named - {"kafka-ca.crt"}
        assert {path for _, _, path in secrets_of(pod)} == needed, name
        own = name.removeprefix("siaga-")
        for secret, _, _ in secrets_of(pod):
            of_another = {f"siaga-{each.process}" for each in builtin_rights()} - {name}
            assert secret not in of_another or (own, secret) == ("topics", "siaga-admin")


def test_no_secret_has_a_value(overlay: str) -> None:
    assert of_kind(overlay, "Secret") == {}


def test_accepted_reports_have_a_disk_of_their_own(overlay: str) -> None:
    gateway = of_kind(overlay, "StatefulSet")["siaga-gateway"]["spec"]
    (claim,) = gateway["volumeClaimTemplates"]
    mounts = {each["name"]: each["mountPath"] for each in container_of(gateway["template"]["spec"])["volumeMounts"]}

    assert mounts[claim["metadata"]["name"]] == "/var/lib/siaga"
    room = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi")) * 2**30
    default = Settings.model_fields["spool_max_bytes"].default + Settings.model_fields["disk_least_free"].default
    assert room > default


def test_nobody_reaches_anybody_but_whom_it_has_to(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    shut = policies["nobody-comes-in"]["spec"]
    assert shut == {"podSelector": {}, "policyTypes": ["Ingress"]}
    # Whoever matches an egress policy may do nothing that none of them names: each pod of ours matches this one.
    names = policies["processes-reach-only-names"]["spec"]
    assert names["podSelector"]["matchLabels"] == {"siaga.id/process": "true"}
    templates = {
        name: each["spec"]["template"]["metadata"]["labels"]
        for name, each in of_kind(overlay, "Deployment", "StatefulSet", "Job").items()
    }
    for name, labels in templates.items():
        assert labels["siaga.id/process"] == "true"
        environment = environment_of(overlay, pods(overlay)[name])
        assert ("siaga.id/kafka" in labels) == ("SIAGA_KAFKA_USER" in environment), name
        assert ("siaga.id/database" in labels) == ("SIAGA_DATABASE" in environment), name
    assert {name for name, labels in templates.items() if "siaga.id/outbound" in labels} == {
        "siaga-console",
        "siaga-sinks",
        "siaga-watchdog",
    }
    for policy in policies.values():
        for rule in (*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ())):
            assert rule.get("to") or rule.get("from"), "an empty list of peers would be everybody"
            assert rule["ports"]


def test_only_gateway_and_command_centre_are_reached_from_outside_and_over_https(overlay: str) -> None:
    ingress = of_kind(overlay, "Ingress")["siaga"]["spec"]
    backends = {
        path["backend"]["service"]["name"]: rule["host"]
        for rule in ingress["rules"]
        for path in rule["http"]["paths"]
    }

    assert set(backends) == {"siaga-gateway", "siaga-console"}
    assert set(ingress["tls"][0]["hosts"]) == set(backends.values())
    services = of_kind(overlay, "Service")
    assert all(each["spec"].get("type", "ClusterIP") == "ClusterIP" for each in services.values())
    settings = next(iter(of_kind(overlay, "ConfigMap").values()))["data"]
    assert settings["SIAGA_PUBLIC_URL"] == f"https://{backends['siaga-console']}"


def test_brokers_know_each_process_and_its_rights_as_siaga_has_them(overlay: str) -> None:
    _assert_in_step("kafka_users")
    wanted = {
        (rule.user, rule.resource, rule.name, rule.is_prefix, rule.operation) for rule in rules_of(builtin_rights())
    }
    found = {
        (
            name,
            acl["resource"]["type"],
            acl["resource"]["name"],
            acl["resource"]["patternType"] == "prefix",
            operation,
        )
        for name, user in of_kind(overlay, "KafkaUser").items()
        for acl in user["spec"]["authorization"]["acls"]
        for operation in (re.sub(r"(?<=[a-z])(?=[A-Z])", "_", each).upper() for each in acl["operations"])
    }
    assert found == wanted


def test_prometheus_gets_the_rules_and_the_labels_that_they_ask_for(overlay: str) -> None:
    _assert_in_step("prometheus_rules")
    rules = of_kind(overlay, "PrometheusRule")
    assert set(rules) == {"siaga-recording", "siaga-alerts"}

    asked = set(re.findall(r'job="([^"]+)"', str(rules)))
    monitors = of_kind(overlay, "PodMonitor")
    for name, monitor in monitors.items():
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        set_here = {each["targetLabel"]: each.get("replacement") for each in endpoint["relabelings"]}
        assert {set_here["job"]} == asked, name
        assert "process" in set_here, name


def test_each_process_shows_its_metrics_to_prometheus_and_to_nobody_outside(overlay: str) -> None:
    (monitor,) = of_kind(overlay, "PodMonitor").values()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    policies = of_kind(overlay, "NetworkPolicy")
    asked, outside = (policies[name]["spec"]["ingress"][0]["ports"] for name in ("metrics", "web"))
    found = {
        name: port["containerPort"]
        for name, pod in pods(overlay).items()
        for port in container_of(pod).get("ports", ())
        if port["name"] == endpoint["port"]
    }

    settings = Settings()
    assert found == {
        "siaga-gateway": settings.gateway_metrics_port,
        "siaga-sinks": settings.sinks_metrics_port,
        "siaga-streams": settings.streams_metrics_port,
        "siaga-console": settings.console_metrics_port,
        "siaga-watchdog": settings.watchdog_port,
    }
    open_to = {"prometheus": asked, "everybody": outside}
    reached = {
        who: {
            name
            for name, port in found.items()
            for one in ports
            if one["port"] <= port <= one.get("endPort", one["port"])
        }
        for who, ports in open_to.items()
    }
    assert reached == {"prometheus": set(PROCESSES), "everybody": set()}


def test_kafka_is_closed_and_keeps_as_many_copies_as_siaga_asks_for(overlay: str) -> None:
    kafka = of_kind(overlay, "Kafka")["siaga"]["spec"]["kafka"]
    (listener,) = kafka["listeners"]
    settings = next(iter(of_kind(overlay, "ConfigMap").values()))["data"]
    replicas = int(settings["SIAGA_REPLICATION"])
    needed = 2 if replicas >= 3 else 1

    assert listener["tls"] is True
    assert listener["authentication"] == {"type": "scram-sha-512"}
    assert settings["SIAGA_KAFKA"] == f"siaga-kafka-bootstrap:{listener['port']}"
    assert kafka["authorization"] == {"type": "simple"}
    assert of_kind(overlay, "KafkaNodePool")["siaga"]["spec"]["replicas"] == replicas
    config = kafka["config"]
    assert {value for key, value in config.items() if key.endswith("replication.factor")} == {replicas}
    assert {value for key, value in config.items() if key.endswith(("min.isr", "insync.replicas"))} == {needed}


def test_the_database_has_siagas_roles_and_rights(overlay: str) -> None:
    cluster = of_kind(overlay, "Cluster")["siaga-db"]["spec"]
    start = cluster["bootstrap"]["initdb"]

    assert start["postInitApplicationSQL"] == [*make_roles(), *database_rights(start["database"])]
    assert start["owner"] == OWNER
    assert {role["name"]: role["passwordSecret"]["name"] for role in cluster["managed"]["roles"]} == {
        role: f"siaga-database-{role.removeprefix('siaga_')}" for role in (OWNER, *ROLES.values())
    }
    assert cluster["postgresql"]["pg_hba"][-1] == "hostnossl all all all reject"


def test_no_more_workers_are_started_than_there_are_partitions() -> None:
    (scaled,) = of_kind("national", "ScaledObject").values()
    partitions = int(next(iter(of_kind("national", "ConfigMap").values()))["data"]["SIAGA_PARTITIONS"])

    assert scaled["spec"]["maxReplicaCount"] == partitions
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["ignoreNullValues"] == "false", "no figure is not the figure 0"
    metrics = (KUBERNETES.parents[1] / "docs/reference/metrics.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in metrics for name in re.findall(r"siaga_\w+", trigger["metadata"]["query"]))


def test_how_many_workers_there_are_is_said_once() -> None:
    (scaled,) = of_kind("national", "ScaledObject").values()
    target = of_kind("national", "StatefulSet")[scaled["spec"]["scaleTargetRef"]["name"]]

    assert "replicas" not in target["spec"], "each 'kubectl apply' would set it back while KEDA has set another"


def test_the_watchdog_asks_every_pod_that_is_always_there(overlay: str) -> None:
    always = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]["minReplicaCount"]
        for each in of_kind(overlay, "ScaledObject").values()
    }
    asked = re.findall(r"http://([\w.-]+):(\d+)", " ".join(container_of(pods(overlay)["siaga-watchdog"])["args"]))
    hosts = {host for host, _ in asked}
    expected = {"siaga-sinks"}
    for name in ("siaga-gateway", "siaga-streams"):
        workload = of_kind(overlay, "StatefulSet")[name]["spec"]
        expected |= {
            f"{name}-{number}.{workload['serviceName']}" for number in range(always.get(name) or workload["replicas"])
        }
        headless = of_kind(overlay, "Service")[workload["serviceName"]]["spec"]
        assert headless["clusterIP"] == "None"

    assert hosts == expected


def _assert_in_step(name: str) -> None:
    """What a module beside the files writes is what stands there."""
    spec = spec_from_file_location(name, KUBERNETES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    assert module.FILE.read_text(encoding="utf-8") == module.text(), "run 'make kubernetes'"
