"""Writes base/kafka-users.yaml from ``siaga/data/acls.toml``: a KafkaUser of Strimzi for each process.

Run it after the rights have changed (``make kubernetes``); a test notices when they are out of step.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from siaga.wire.acls import Rights, Rule, builtin_rights, rules_of

FILE = Path(__file__).parent / "base" / "kafka-users.yaml"
_HEAD = "# Written by deploy/kubernetes/kafka_users.py from siaga/data/acls.toml; 'make kubernetes' writes it anew.\n"


def user(rights: Rights) -> dict[str, Any]:
    """The KafkaUser of one process; Strimzi makes its password, in a Secret of the same name."""
    by_resource: dict[tuple[str, str, bool], list[str]] = {}
    for rule in rules_of([rights]):
        by_resource.setdefault((rule.resource, rule.name, rule.is_prefix), []).append(_operation(rule))
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaUser",
        "metadata": {"name": rights.user, "labels": {"strimzi.io/cluster": "siaga"}},
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {
                "type": "simple",
                "acls": [
                    {
                        "resource": {"type": kind, "name": name, "patternType": "prefix" if prefix else "literal"},
                        "operations": operations,
                    }
                    for (kind, name, prefix), operations in by_resource.items()
                ],
            },
        },
    }


def _operation(rule: Rule) -> str:
    """As Strimzi spells it: ``DescribeConfigs``."""
    return rule.operation.title().replace("_", "")


def text() -> str:
    """The file. Who asks Kafka for nothing is no user of it."""
    users = [user(rights) for rights in builtin_rights() if rules_of([rights])]
    return _HEAD + yaml.safe_dump_all(users, sort_keys=False)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
