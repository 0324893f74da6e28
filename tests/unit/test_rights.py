"""Rights are data: they fit the topics and tables that there are, and the operators' files say the same."""

from __future__ import annotations

from pathlib import Path

from console.accounts.tables import METADATA
from siaga.cli.up import _signing_in
from siaga.contracts.topics import (
    REGISTRY,
    STATE_CHANGELOG,
    STORE_GROUP,
    STORE_INPUTS,
    STREAM_INPUTS,
    STREAMS_GROUP,
    TOPICS,
)
from siaga.settings import Settings
from siaga.store.roles import GROWING, OWNER, SINKS, database_rights, grants, make_roles
from siaga.store.tables import metadata
from siaga.wire.acls import Rule, builtin_rights, rules_of, shell_lines
from siaga.wire.client import password_of
from tests.support.brokers import ROOT

RIGHTS = {rights.process: rights for rights in builtin_rights()}


def test_every_topic_is_written_and_read_by_somebody_and_no_other_is_named() -> None:
    known = {topic.name for topic in TOPICS}

    assert {topic for rights in RIGHTS.values() for topic in rights.write} == known
    assert {topic for rights in RIGHTS.values() for topic in rights.read} == known


def test_streams_and_sinks_may_read_exactly_what_they_read() -> None:
    assert set(RIGHTS["streams"].read) == {*STREAM_INPUTS, REGISTRY, STATE_CHANGELOG}
    assert RIGHTS["streams"].groups == (STREAMS_GROUP,)
    assert set(RIGHTS["sinks"].read) == set(STORE_INPUTS)
    assert RIGHTS["sinks"].groups == (STORE_GROUP,)


def test_the_watchdog_has_no_rights_and_only_whoever_runs_siaga_makes_topics() -> None:
    rules = rules_of(builtin_rights())

    assert not [rule for rule in rules if rule.user == "siaga-watchdog"]
    assert {rule.user for rule in rules if rule.operation == "CREATE"} == {"siaga-admin"}


def test_a_line_for_kafkas_own_tool_says_one_rule() -> None:
    rule = Rule("siaga-admin", "topic", "siaga", "DESCRIBE_CONFIGS", is_prefix=True)

    (line,) = shell_lines([rule])

    assert line.endswith(
        "--add --allow-principal User:siaga-admin --operation DescribeConfigs --topic siaga "
        "--resource-pattern-type prefixed"
    )


def test_nobody_but_the_owner_changes_what_must_only_grow() -> None:
    changing = {grant.table for grant in grants(METADATA) if {"UPDATE", "DELETE", "TRUNCATE"} & set(grant.rights)}

    assert {table.name for table in (*metadata.sorted_tables, *METADATA.sorted_tables)} >= GROWING
    assert not changing & GROWING
    assert not [grant for grant in grants(METADATA) if grant.role == OWNER]


def test_the_sinks_know_nothing_of_who_signs_in() -> None:
    accounts = {table.name for table in METADATA.sorted_tables}

    assert not accounts & {grant.table for grant in grants(METADATA) if grant.role == SINKS}


def test_the_operators_file_makes_the_roles_that_the_grants_name() -> None:
    file = (ROOT / "deploy" / "postgres" / "roles.sql").read_text()
    wanted = [*make_roles(), *(line.replace('"siaga"', ':"siaga"') for line in database_rights("siaga"))]

    assert [line for line in file.splitlines() if line.endswith(";")] == wanted


def test_each_process_of_siaga_up_signs_in_as_itself_where_it_has_a_password_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "streams").write_text("sandi\n")
    settings = Settings(kafka_passwords=tmp_path, kafka_user="siaga-admin", kafka_password="lain")

    worker = _signing_in(settings, "streams-1")

    assert worker["SIAGA_KAFKA_USER"] == "siaga-streams"
    assert _signing_in(settings, "watchdog") == {}
    chosen = {name.removeprefix("SIAGA_").lower(): value for name, value in worker.items()}
    assert password_of(Settings(**chosen)).encode() == b"sandi"
