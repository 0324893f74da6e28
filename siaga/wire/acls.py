"""Who may do what on Kafka: read from ``siaga/data/acls.toml``, printed, and brought to a broker.

In: the data, the settings of somebody who may change a broker's rights (a super user). Out: rules and SCRAM
credentials on the broker. State: the broker's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.admin._users import UserScramCredentialUpsertion
from kafka.errors import KafkaError

from siaga.secret_files import read_secret
from siaga.settings import Settings, SettingsError
from siaga.wire.client import connection, mechanism_of

T = TypeVar("T")

PREFIX: Final = "siaga-"
_CONNECT_MS: Final = 15_000
#: Kafka takes 4,096 to 16,384; a password of 32 random bytes, as the how-to makes them, needs no more.
_ITERATIONS: Final = 8192


@dataclass(frozen=True, slots=True)
class Rights:
    """What the user of one process may do."""

    process: str
    what: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    create: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        """The user that the process signs in as."""
        return PREFIX + self.process


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One operation that one user may do on one resource; ``resource`` is ``topic`` or ``group``."""

    user: str
    resource: str
    name: str
    operation: str
    is_prefix: bool = False


def builtin_rights() -> tuple[Rights, ...]:
    """The rights that Siaga's processes need."""
    table = tomllib.loads((files("siaga.data") / "acls.toml").read_text(encoding="utf-8"))
    return tuple(
        Rights(
            process, entry["what"], *(tuple(entry.get(name, ())) for name in ("read", "write", "groups", "create"))
        )
        for process, entry in table.items()
    )


def rules_of(rights: Iterable[Rights]) -> tuple[Rule, ...]:
    """The rights as rules, in order. Kafka adds by itself that whoever reads or writes may describe."""
    return tuple(sorted(rule for each in rights for rule in _rules(each)))


def _rules(rights: Rights) -> Iterator[Rule]:
    for topic in rights.read:
        yield Rule(rights.user, "topic", topic, "READ")
    for topic in rights.write:
        yield Rule(rights.user, "topic", topic, "WRITE")
    for group in rights.groups:
        yield Rule(rights.user, "group", group, "READ")
    for prefix in rights.create:
        for operation in ("CREATE", "DESCRIBE", "DESCRIBE_CONFIGS"):
            yield Rule(rights.user, "topic", prefix, operation, is_prefix=True)


def shell_lines(rules: Iterable[Rule]) -> Iterator[str]:
    """The rules as lines for Kafka's own ``kafka-acls.sh``, for whom nobody else may change the broker."""
    for rule in rules:
        pattern = " --resource-pattern-type prefixed" if rule.is_prefix else ""
        yield (
            'kafka-acls.sh --bootstrap-server "$KAFKA" --command-config "$CONFIG" --add '
            f"--allow-principal User:{rule.user} --operation {rule.operation.title().replace('_', '')} "
            f"--{rule.resource} {rule.name}{pattern}"
        )


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done: rules made, rules taken away, and rules that were there."""

    made: tuple[Rule, ...]
    removed: tuple[Rule, ...]
    present: tuple[Rule, ...]


def apply_rules(settings: Settings, rights: Iterable[Rights]) -> Applied:
    """Bring the broker's rules for these users to exactly their rights; other users' are left alone.

    Raises:
        SettingsError: the broker cannot be reached, has no authorizer, or does not let us.
    """
    rights = tuple(rights)
    wanted = set(rules_of(rights))

    def act(admin: Any) -> Applied:
        present = {rule for each in rights for rule in _present(admin, each.user)}
        missing, surplus = sorted(wanted - present), sorted(present - wanted)
        failed = admin.create_acls([_acl(rule) for rule in missing])["failed"] if missing else []
        if surplus:
            failed += [error for _, _, error in admin.delete_acls([_filter(rule) for rule in surplus]) if error.errno]
        if failed:
            raise failed[0]("a rule was refused")
        return Applied(tuple(missing), tuple(surplus), tuple(sorted(wanted & present)))

    return _as_admin(settings, act)


def apply_passwords(settings: Settings, directory: Path, processes: Iterable[str]) -> list[str]:
    """Give the user of each process the password in ``directory/<process>``; the users that were given one.

    Connections that are there stay; the next ones need the new password. A process without a file is passed over.

    Raises:
        SettingsError: a file cannot be used, or the broker cannot be reached or does not let us.
    """
    chosen = [name for name in processes if (directory / name).exists()]
    if not chosen:
        raise SettingsError(f"kafka_passwords: {directory} holds no file named after a process, such as gateway")
    alterations = [
        UserScramCredentialUpsertion(
            PREFIX + name,
            mechanism_of(settings),
            read_secret(directory / name, "kafka_passwords"),
            iterations=_ITERATIONS,
        )
        for name in chosen
    ]

    def act(admin: Any) -> list[str]:
        refused = {user: why for user, why in admin.alter_user_scram_credentials(alterations).items() if why}
        if refused:
            raise KafkaError("; ".join(f"{user}: {why}" for user, why in refused.items()))
        return [PREFIX + name for name in chosen]

    return _as_admin(settings, act)


def _as_admin(settings: Settings, act: Callable[[Any], T]) -> T:
    try:
        admin = KafkaAdminClient(**connection(settings, "siaga-acl"), bootstrap_timeout_ms=_CONNECT_MS)
        with closing(admin):
            return act(admin)
    except KafkaError as error:
        raise SettingsError(
            f"kafka: {settings.kafka} does not do what is asked ({error or type(error).__name__}); sign in as one of "
            "its super.users, and see that it has an authorizer"
        ) from error


def _present(admin: Any, user: str) -> Iterator[Rule]:
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    found, _ = admin.describe_acls(
        ACLFilter(f"User:{user}", None, ACLOperation.ANY, ACLPermissionType.ALLOW, anything)
    )
    for acl in found:
        pattern = acl.resource_pattern
        yield Rule(
            user,
            pattern.resource_type.name.lower(),
            pattern.resource_name,
            acl.operation.name,
            pattern.pattern_type is ACLResourcePatternType.PREFIXED,
        )


def _pattern(rule: Rule) -> tuple[ResourceType, str, ACLResourcePatternType]:
    kind = ACLResourcePatternType.PREFIXED if rule.is_prefix else ACLResourcePatternType.LITERAL
    return ResourceType[rule.resource.upper()], rule.name, kind


def _acl(rule: Rule) -> ACL:
    operation = ACLOperation[rule.operation]
    return ACL(f"User:{rule.user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(*_pattern(rule)))


def _filter(rule: Rule) -> ACLFilter:
    pattern = ResourcePatternFilter(*_pattern(rule))
    operation = ACLOperation[rule.operation]
    return ACLFilter(f"User:{rule.user}", None, operation, ACLPermissionType.ALLOW, pattern)
