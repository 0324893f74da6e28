"""Personal data erased: nothing of it is left in the database, the trail still verifies, and what goes on stays."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from console.accounts import schema
from siaga.cli import whole_app
from siaga.contracts.command import Command
from siaga.contracts.incident import Change, Incident
from siaga.contracts.report import AcceptedReport
from siaga.contracts.topics import ESCALATIONS, PAGES, REPORTS
from siaga.settings import SettingsError
from sinks.database import make_engine
from tests.support import builders
from tests.support.databases import Database, PostgresDatabase
from tests.support.paged import escalation, page
from tests.support.stored import AT, Fed, happened, snapshot

REPORTER = "RAHASIA-pelapor-7"
OTHER = "RAHASIA-pelapor-70"
DEVICE = "RAHASIA-gawai-7"
OFFICER = "RAHASIA-petugas-7"
USER = "RAHASIA-pengguna"
TEXT = "RAHASIA hubungi 081234567899"
LAT = -7.123456
SECRETS = ("RAHASIA", "081234567899", "7.123456", "109.654321")
WHY = ("--reason", "masa simpan selesai", "--by", "pejabat-pdp", "--yes")


class Held:
    """A store's database with somebody's personal data wherever it can be; the store is stopped."""

    def __init__(self, database: Database) -> None:
        self.url = database.url
        self.report = self.a_report()
        self.incident = snapshot(
            state="resolved",
            reports=[uuid.UUID(self.report["report_id"])],
            verified_by=OFFICER,
            acknowledged_by=OFFICER,
            assigned_to=OFFICER,
            outcome=TEXT,
            override={"severity": 2, "by": OFFICER, "reason": TEXT, "at": AT, "computed": 3},
            history=[happened(Change.RESOLVED, by=OFFICER, detail=TEXT), happened(Change.RAISED, detail="crowd-100")],
        )
        self.fed = Fed(database.url)
        self.store()
        engine = make_engine(database.url, writes=True)
        schema.upgrade(engine)
        with engine.begin() as connection:
            values = {"id": str(self.incident.incident_id), "reason": TEXT, "user": USER, "at": str(AT)}
            added = "INSERT INTO accesses (at, user_name, incident_id, reason) VALUES (:at, :user, :id, :reason)"
            connection.execute(sa.text(added), values)
            # One account is shut, the other lets somebody in.
            account = "INSERT INTO users (name, role, districts, active, failures, created_at) VALUES "
            account += "(:name, 'viewer', '[]', :active, 0, :at)"
            for name, active in ((USER, False), ("lain", True)):
                connection.execute(sa.text(account), {"name": name, "active": active, "at": str(AT)})

    def a_report(self, by: str = REPORTER) -> dict[str, Any]:
        at = {"lat": LAT, "lon": 109.654321, "accuracy_m": 5.0}
        return builders.report(by=by, text=TEXT, at=AT, location=at)

    def store(self) -> None:
        fed, about = self.fed, self.incident.incident_id
        fed.reports(builders.accepted(self.report, device=DEVICE))
        where = {"lat": LAT, "lon": 109.654321}
        fed.checkins(builders.accepted_checkin(builders.checkin(by=REPORTER, at=AT, location=where), device=DEVICE))
        fed.checkins(builders.accepted_checkin(builders.checkin(by="lain", at=AT)))
        fed.incidents(self.incident)
        for action in ("acknowledge", "dismiss", "assign"):
            fed.commands(builders.command(action, about, by=OFFICER, reason=TEXT, at=AT, assignee=OFFICER))
        called = page(incident_id=about, officer_id=OFFICER)
        step = {"at": AT, "reason": "opened", "level": 1, "round": 1, "officer_id": OFFICER}
        paged = {"officer_id": OFFICER, "agency": "polsek", "channel": "hp", "page_id": called.page_id}
        standing = escalation(
            called,
            "resolved",
            acknowledged_by=OFFICER,
            steps=[step],
            paged=[{**paged, "level": 1, "round": 1}],
            mediators=[OFFICER],
        )
        fed.write(fed.record(PAGES, called.to_json()), fed.record(ESCALATIONS, standing.to_json()))
        # Not of a device of ours, so that it is set aside as it came.
        fed.write(fed.record(REPORTS, json.dumps({**self.report, "asing": 1}).encode()))
        with fed.engine.begin() as connection:
            key = {"id": str(called.page_id), "key": str(uuid.uuid4()), "officer": OFFICER}
            connection.execute(sa.text("UPDATE pages SET provider_id = 'RAHASIA-9' WHERE page_id = :id"), key)
            sent = "INSERT INTO page_messages (message_key, attempt, officer_id, channel_kind, at) "
            values = {**key, "at": str(AT)}
            connection.execute(sa.text(f"{sent} VALUES (:key, 1, :officer, 'sms', :at)"), values)
            told = (
                "INSERT INTO page_results (page_id, attempt, status, reason, incident_id, generation, district, "
                "officer_id, channel, provider_id, detail, at, epoch, seq) "
                "VALUES (:id, 1, 'failed', 'none', :incident, 1, '33.26.08', :officer, 'hp', 'RAHASIA-9', :detail, "
                ":at, 1, 1)"
            )
            connection.execute(sa.text(told), {**values, "incident": str(about), "detail": TEXT})

    def open_one(self) -> None:
        """The same reporter and officer in an incident that goes on."""
        report = self.a_report()
        self.fed.reports(builders.accepted(report, device=DEVICE))
        going_on = snapshot(reports=[uuid.UUID(report["report_id"])], acknowledged_by=OFFICER, state="acknowledged")
        self.fed.incidents(going_on)
        self.fed.commands(builders.command("acknowledge", going_on.incident_id, by=OFFICER, reason=TEXT))

    def dump(self) -> str:
        """Every value of every table, as text."""
        found, engine = sa.MetaData(), make_engine(self.url)
        with engine.connect() as connection, connection.begin():
            found.reflect(connection)
            rows = [row for table in found.tables.values() for row in connection.execute(sa.select(table))]
        return "\n".join(str([bytes(v) if isinstance(v, memoryview) else v for v in row]) for row in rows)

    def holds(self, *secrets: str) -> set[str]:
        dump = self.dump()
        return {secret for secret in secrets if secret in dump}

    def bodies(self, table: str) -> list[Any]:
        found = [row["body"] for row in self.fed.rows(f"SELECT body FROM {table}")]  # noqa: S608
        return [json.loads(body) if isinstance(body, str) else body for body in found]


def run(*said: str) -> Any:
    return CliRunner().invoke(whole_app(), said)


def verdict() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run("audit", "verify", "--json").stdout)
    return told


@pytest.fixture
def held(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    monkeypatch.setenv("SIAGA_DATABASE", database.url)
    made = Held(database)
    made.fed.close()
    yield made
    made.fed.close()


def test_everything_of_before_a_day_and_each_officer_are_gone_and_the_trail_verifies(
    held: Held, database: Database, tmp_path: Path
) -> None:
    assert held.holds(*SECRETS) == set(SECRETS)
    before = ("--before", f"{builders.now() + timedelta(days=1):%Y-%m-%d}")

    tried = run("erase", *before, "--dry-run", *WHY)
    assert tried.exit_code == 0, f"{tried.output}{tried.exception}"
    assert held.holds(*SECRETS) == set(SECRETS)
    assert verdict()["head"]["seq"] == 3
    for scope in (before, ("--officer", OFFICER), ("--officer", USER)):
        done = run("erase", *scope, *WHY)
        assert done.exit_code == 0, f"{done.output}{done.exception}"
        assert "7 days" in done.stdout

    assert held.holds(*SECRETS) == set()
    if not isinstance(database, PostgresDatabase):
        files = b"".join(path.read_bytes() for path in tmp_path.glob("siaga.db*"))
        assert not [secret for secret in SECRETS if secret.encode() in files]
    told = verdict()
    assert (told["intact"], told["erased"], told["head"]["seq"]) == (True, 3, 6)
    erasures = held.fed.rows("SELECT * FROM audit_log WHERE action LIKE 'erasure.%' ORDER BY seq")
    assert [row["action"] for row in erasures] == ["erasure.before", "erasure.officer", "erasure.officer"]
    assert {row["actor"] for row in erasures} == {"pejabat-pdp"}
    assert all(row["detail"].endswith("masa simpan selesai") and "rows=" in row["detail"] for row in erasures)
    # What is left is still what the contracts say, and the rules' own history is still there.
    for table, model in (("reports", AcceptedReport), ("incidents", Incident), ("commands", Command)):
        assert [model.model_validate_json(json.dumps(body)) for body in held.bodies(table)]
    assert held.holds("crowd-100", "polsek") == {"crowd-100", "polsek"}
    run("erase", "--officer", "lain", *WHY)
    assert [row["name"] for row in held.fed.rows("SELECT name FROM users")] == ["lain"]


def test_one_reporter_is_erased_but_for_what_is_still_going_on(held: Held) -> None:
    held.fed.begin_again()
    held.fed.begin("pertama")
    held.open_one()
    held.fed.reports(builders.accepted(held.a_report(OTHER), device="gawai-lain"))
    held.fed.close()

    done = run("erase", "--reporter", REPORTER, *WHY)

    assert "1 reports stay as they are" in done.stdout
    reporters = sorted(body["reporter"]["id"] for body in held.bodies("reports"))
    assert reporters[:2] == [REPORTER, OTHER]
    assert reporters[2].startswith("terhapus-")
    assert [row["reporter_id"] for row in held.fed.rows("SELECT reporter_id FROM checkins ORDER BY reporter_id")] == [
        "lain",
        reporters[2],
    ]
    assert verdict()["intact"]
    run("erase", "--officer", OFFICER, *WHY)
    # Who took what is open is not forgotten.
    assert len(held.fed.rows("SELECT * FROM audit_log WHERE actor = :by", by=OFFICER)) == 1
    assert verdict()["intact"]


def test_what_was_erased_does_not_come_back_when_it_is_sent_again(held: Held) -> None:
    run("erase", "--reporter", REPORTER, *WHY)
    held.fed.begin_again()
    held.fed.begin("pertama")
    aside = held.fed.count("rejected")

    held.fed.reports(builders.accepted(held.report, device=DEVICE))

    assert held.fed.count("rejected") == aside
    assert held.holds(REPORTER) == set()


def test_a_row_changed_after_an_erasure_is_found(held: Held) -> None:
    run("erase", "--officer", OFFICER, *WHY)
    engine = make_engine(held.url, writes=True)
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(sa.text("DROP TRIGGER audit_log_no_update"))
        else:
            connection.execute(sa.text("ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only"))
        connection.execute(sa.text("UPDATE audit_log SET actor = 'terhapus-lain' WHERE seq = 2"))

    assert not verdict()["intact"]


def test_nothing_is_erased_while_a_store_writes_or_without_a_reason(held: Held) -> None:
    held.fed.begin_again()

    assert "stop 'siaga sinks'" in str(run("erase", "--reporter", REPORTER, *WHY).exception)
    assert isinstance(run("erase", "--reporter", REPORTER, "--reason", "x" * 81, "--yes").exception, SettingsError)
    assert isinstance(run("erase", "--reporter", REPORTER, "--officer", OFFICER, *WHY).exception, SettingsError)
    assert held.holds(REPORTER) == {REPORTER}


def test_the_guards_of_the_trail_stand_again_afterwards(held: Held) -> None:
    run("erase", "--officer", OFFICER, *WHY)

    with pytest.raises(sa.exc.DBAPIError), make_engine(held.url, writes=True).begin() as connection:
        connection.execute(sa.text("DELETE FROM audit_log"))


@pytest.mark.postgres
def test_nobody_but_the_tables_owner_erases(postgres: PostgresDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(postgres)
    held.fed.close()
    role = f"siaga_{postgres.name}"
    postgres.cluster.execute(f"CREATE ROLE {role}")
    try:
        with make_engine(postgres.url).begin() as connection:
            connection.execute(sa.text(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {role}"))
        monkeypatch.setenv("SIAGA_DATABASE", f"{postgres.url}?options=-c%20role%3D{role}")

        assert "only the tables' owner may erase" in str(run("erase", "--reporter", REPORTER, *WHY).exception)
        assert held.holds(REPORTER) == {REPORTER}
    finally:
        with make_engine(postgres.url).begin() as connection:
            connection.execute(sa.text(f"DROP OWNED BY {role}"))
        postgres.cluster.execute(f"DROP ROLE {role}")
