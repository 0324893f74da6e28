"""The report after the day from both databases: what it counts, and what it tells nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
import typer
from typer.testing import CliRunner

from siaga.afterday.figures import Spread, figures_of
from siaga.afterday.material import Period
from siaga.afterday.page import Edition
from siaga.afterday.read import read_material
from siaga.afterday.report import make_report
from siaga.cli import afterday
from siaga.redaction import UserRole
from siaga.settings import Settings
from sinks.migrate import upgrade
from tests.support import builders, filled, paperday
from tests.support.centre import Centre
from tests.support.databases import Database, SqliteDatabase
from tests.support.filled import Filled
from tests.support.paperday import DAY, at


@pytest.fixture
def rows(database: Database) -> Filled:
    return Filled(database.url)


def test_a_day_is_counted_as_it_was(rows: Filled) -> None:
    ids = paperday.fill(rows)

    with rows.engine.connect() as connection:
        day = read_material(connection, DAY, Edition.LEADERS.audience)
    figures = figures_of(day)

    assert (day.stations, day.heard, [one[0] for one in day.unheard]) == (
        6,
        2,
        [f"{code}.2001-{n:03}" for code in (builders.OTHER_DISTRICT, builders.DISTRICT) for n in (2, 3)],
    )
    assert (day.checkins.total, day.checkins.drills, day.checkins.ahead) == (7, 1, 1)
    assert day.checkins.late == {600: 2, 3600: 1, 21600: 0}
    assert (day.reports.total, day.reports.late) == (4, {600: 3, 3600: 2, 21600: 1})
    assert sum(day.checkins.by_slot.values()) == 7
    assert {(start + 7 * 3600) % day.slot for start in day.checkins.by_slot} == {0}
    assert day.rejected == {"unknown_station": 1}
    assert figures.by_severity == (1, 1, 0, 1, 0)
    assert (figures.dead, figures.injured, figures.drills.incidents) == (1, 3, 1)
    assert figures.taken == Spread(1, 88, 88, 88)
    assert [(r.agency, r.severity, r.spread.median, r.missing) for r in figures.sent] == [
        ("polres", 1, 4, 0),
        ("polsek", 1, 2, 0),
        ("polsek", 2, 0, 1),
    ]
    assert [(r.agency, r.severity, r.spread.worst) for r in figures.resolved if r.spread.count] == [
        ("polres", 1, 600)
    ]
    assert [(s.station_id, s.seconds, s.still) for s in figures.silences] == [(builders.STATION, 2160, False)]
    assert [(c.seen.incident_id, [(step[0], step[1]) for step in c.steps]) for c in day.climbs] == [
        (ids["clash"], [(1, "opened"), (4, "deadline_passed")])
    ]
    assert [grave.seen.incident_id for grave in day.graves] == [ids["clash"], ids["open"]]


def test_a_reader_of_one_district_has_the_sums_of_that_district_only(rows: Filled) -> None:
    ids = paperday.fill(rows)
    audience = replace(Edition.LEADERS.audience, districts=(builders.OTHER_DISTRICT,))

    with rows.engine.connect() as connection:
        day = read_material(connection, DAY, audience)

    assert (day.stations, day.heard, [one[2] for one in day.unheard]) == (3, 1, [builders.OTHER_DISTRICT] * 2)
    assert (day.checkins.total, day.checkins.ahead, day.reports.total) == (4, 0, 0)
    assert [incident.incident_id for incident in day.incidents] == [ids["open"]]
    assert day.rejected is None
    assert len(day.points) <= 3


def test_a_reader_of_one_unit_has_no_sum_of_incidents_that_do_not_concern_it(rows: Filled) -> None:
    ids = paperday.fill(rows)
    accusing = filled.incident(
        "violence.brawl", opened=at(5), clock_skewed=True, accused_units=["polsek-kajen"], facts={"crowd": 5}
    )
    rows.put(accusing)
    for incident_id in (accusing["incident_id"], ids["open"]):
        rows.put_history(incident_id, "report_repeated", at=at(6))
    everybody = Edition.COMMANDER.audience

    with rows.engine.connect() as connection:
        whole = read_material(connection, DAY, everybody)
        days = [
            read_material(connection, DAY, replace(everybody, agency=unit))
            for unit in ("polsek-kajen", "polsek-sragi", "bpbd")
        ]

    assert (whole.skewed_incidents, whole.repeated, whole.rejected) == (1, 2, {"unknown_station": 1})
    # It knows nothing of what accuses it, another Polsek does, and this is nothing for who helps in floods.
    assert [(day.skewed_incidents, day.repeated) for day in days] == [(0, 1), (1, 2), (0, 0)]
    assert [day.rejected for day in days] == [None] * 3
    # Reports, check-ins and stations are nobody's in particular: the public knows their sums.
    assert {(day.checkins.total, day.reports.total, day.stations) for day in days} == {(7, 4, 6)}


def test_a_paper_to_hand_on_has_no_secret_and_a_commanders_says_that_it_has(rows: Filled) -> None:
    rows.put_registry(builders.calendar(), builders.district(builders.DISTRICT))
    filled.secrets_everywhere(rows)
    now = builders.now()
    papers = {}

    with rows.engine.connect() as connection:
        for edition in Edition:
            period = Period(now.replace(hour=0, minute=0, second=0), builders.now())
            papers[edition] = make_report(
                connection, period, edition=edition, language="id", outlines=None, at=builders.now()
            )

    secrets = (filled.REPORTER, filled.DEVICE, filled.RULE, filled.PHONE, filled.NIK, filled.EMAIL, filled.CLASS)
    secrets += (filled.WHY, filled.OFFICER, filled.ACCUSING, filled.ACCUSED, "-7.1234")
    assert [secret for secret in secrets if secret in papers[Edition.LEADERS]] == []
    assert "1 kejadian mengadukan suatu kesatuan" in papers[Edition.LEADERS]
    assert [secret for secret in secrets if secret in papers[Edition.AUDITOR]] == [filled.OFFICER]
    assert {filled.WHY, filled.OFFICER} <= {secret for secret in secrets if secret in papers[Edition.COMMANDER]}
    assert "RAHASIA / CONFIDENTIAL" in papers[Edition.COMMANDER]


def test_the_command_writes_the_file_and_says_that_the_trail_was_gone_along(
    sqlite: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    engine = sa.create_engine(sqlite.url, poolclass=sa.NullPool)
    upgrade(engine)
    paperday.fill(Filled(sqlite.url))
    app = typer.Typer()
    afterday.register(app)
    app.command("other")(lambda: None)

    def siaga(*arguments: str) -> tuple[int, str]:
        ran = CliRunner().invoke(app, ["report", *arguments], env={"SIAGA_DATABASE": sqlite.url})
        return ran.exit_code, f"{ran.output}{ran.exception or ''}"

    code, said = siaga("--from", "2026-02-23", "--to", "2026-02-23", "--lang", "en", "--out", "day.html")

    assert (code, said.strip()) == (0, "day.html")
    written = (tmp_path / "day.html").read_text("utf-8")
    assert "Pilkades uji" in written
    assert "Gone along: intact." in written
    assert "there is no 'public'" in siaga("--for", "public")[1]
    assert "there is no '--too'" in siaga("--from", "2026-02-23", "--too", "2026-02-24")[1]


@pytest.fixture
def centre(rows: Filled, database: Database, tmp_path: Path) -> Iterator[Centre]:
    paperday.fill(rows)
    with Centre(Settings(database=database.url, data_dir=tmp_path, kafka="127.0.0.1:1")) as made:
        yield made


def test_the_command_centre_gives_each_role_its_edition(centre: Centre) -> None:
    day = {"from": at(0).isoformat(), "to": at(24).isoformat()}

    commander, auditor = (centre.get("/report", name, params=day) for name in ("commander", "auditor"))
    leaders = centre.get("/report", "commander", params={**day, "for": "leaders", "language": "en"})

    assert "RAHASIA / CONFIDENTIAL" in commander.text
    assert "Untuk auditor" in auditor.text
    assert "For leaders" in leaders.text
    assert all("Bentrokan massa" in answer.text for answer in (commander, auditor))
    assert centre.get("/report", "auditor", params={"for": "commander"}).status_code == 403
    assert centre.get("/report", UserRole.OPERATOR.value).status_code == 403
    assert centre.get("/report", None).status_code == 401
    assert centre.get("/report", params={"from": day["to"], "to": day["from"]}).status_code == 422
    assert centre.get("/report", params={"from": "0001-01-01T00:00:00"}).status_code == 422
