"""The report after the day: its figures, drawings and words, counted by hand."""

from __future__ import annotations

import json
import re
import string
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from siaga.afterday import charts, paper
from siaga.afterday.asked import PAGED
from siaga.afterday.atlas import Spot, areas_of, draw
from siaga.afterday.figures import Spread, agency_of, figures_of, slot_of, spread_of
from siaga.afterday.material import Arrivals, Call, Climbed, Grave, Period, Quiet, Trail
from siaga.afterday.page import Edition, Making, page_of
from siaga.afterday.words import Words, _tables
from siaga.cli.afterday import _period
from siaga.contracts.escalation import EscalationReason as R
from siaga.contracts.incident import IncidentState
from siaga.contracts.rejection import RejectReason
from siaga.rules.taxonomy import builtin_taxonomy
from siaga.settings import SettingsError
from tests.support import builders
from tests.support.paperday import at, material, seen

MADE = datetime(2026, 2, 24, tzinfo=UTC)


def page(language: str = "id", edition: Edition = Edition.LEADERS, **more: object) -> str:
    return page_of(material(**more), Making(language=language, edition=edition, areas=(), at=MADE))


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([7.0], Spread(1, 7, 7, 7)),
        ([4.0, 2.0], Spread(2, 3, 4, 4)),
        ([float(n) for n in range(1, 11)], Spread(10, 5.5, 9, 10)),
        ([1.0, 1.0, 100.0], Spread(3, 1, 100, 100)),
    ],
)
def test_a_middle_nine_in_ten_and_the_worst(values: list[float], expected: Spread | None) -> None:
    assert spread_of(values) == expected


def test_a_small_day_adds_up_and_drills_are_in_no_other_figure() -> None:
    clash = seen(1, lead="polres", called_at=at(1, seconds=2), taken_at=at(1, seconds=92), injured=3, dead=1)
    brawl = seen(2, state="open", district=builders.OTHER_DISTRICT, opened_at=at(2.5), called_at=at(2.5))
    refuted = seen(3, state="dismissed", injured=9)
    drill = seen(1, drill=True, taken_at=at(1, seconds=30), injured=5)
    day = material(
        incidents=(clash, brawl, refuted, drill),
        reports=Arrivals(total=5, drills=2, by_slot={int(at(0).timestamp()): 5}),
        calls=(Call("polsek-kajen", 1, 2.0), Call("polsek", 1, 4.0), Call("polres", 2, None)),
    )

    figures = figures_of(day)

    assert (figures.total, figures.by_severity, figures.open_by_severity) == (3, (1, 1, 1, 0, 0), (0, 1, 0, 0, 0))
    assert (figures.injured, figures.dead) == (3, 1)
    assert [(line.name, line.total) for line in figures.by_district] == [("Kajen", 2), ("Karanganyar", 1)]
    assert figures.taken == Spread(1, 90, 90, 90)
    assert figures.untaken == 1
    assert [(r.agency, r.severity, r.spread, r.missing) for r in figures.sent] == [
        ("polsek", 1, Spread(2, 3, 4, 4), 0),
        ("polres", 2, Spread(0, 0, 0, 0), 1),
    ]
    assert [(r.agency, r.severity, r.missing) for r in figures.answered] == [("polres", 1, 0), ("polsek", 2, 1)]
    assert [(slot - int(at(0).timestamp()), sum(counts)) for slot, counts in figures.by_slot] == [
        (0, 0),
        (3600, 2),
        (7200, 1),
    ]
    assert (figures.drills.incidents, figures.drills.reports, figures.drills.taken) == (1, 2, Spread(1, 30, 30, 30))


def test_silences_of_a_station_are_added_and_one_that_lasts_ends_with_the_report() -> None:
    stretch = ("33.26.09.2001-002", "TPS 002", builders.DISTRICT)
    quiet = (
        Quiet(builders.STATION, "TPS 001", builders.DISTRICT, at(1), at(1.5)),
        Quiet(*stretch, at(2), at(3)),
        Quiet(*stretch, at(23), None),
    )

    found = figures_of(material(quiet=quiet)).silences

    assert [(s.station_id[-3:], s.times, s.seconds, s.still) for s in found] == [
        ("002", 2, 7200, True),
        ("001", 1, 1800, False),
    ]


def test_a_chart_has_so_many_columns_that_they_can_be_told_apart() -> None:
    assert (slot_of(0), slot_of(480), slot_of(12 * 3600), slot_of(24 * 3600)) == (60, 60, 1800, 3600)
    assert slot_of(400 * 86400) == 7 * 86400


def test_a_unit_is_of_the_agency_with_the_longest_code() -> None:
    codes = ("dinas-pmd", "polsek", "dinas")

    assert [agency_of(unit, codes) for unit in ("polsek-kajen", "dinas-pmd", "polsekta")] == [
        "polsek",
        "dinas-pmd",
        "polsekta",
    ]


# -- drawings -----------------------------------------------------------------------------------------------------


def rectangles(svg: str) -> list[tuple[str, float]]:
    return [(r.attrib["class"], float(r.attrib["width"])) for r in ET.fromstring(svg).iter("rect")]  # noqa: S314


def test_a_bar_is_as_long_as_its_share() -> None:
    bar = charts.severity_bar((1, 0, 3, 0, 0), "label", str, width=400)

    assert rectangles(bar) == [("s1", 100.0), ("s3", 300.0)]


def test_lines_are_measured_by_the_longest() -> None:
    drawn = charts.bars([("Kajen", (0, 4, 0, 0, 0)), ("<Tirto>", (1, 0, 0, 1, 0))], "label", str, width=240, name=106)

    assert rectangles(drawn) == [("s2", 100.0), ("s1", 25.0), ("s4", 25.0)]
    assert "<Tirto>" in "".join(ET.fromstring(drawn).itertext())  # noqa: S314


def test_columns_stand_on_a_round_scale() -> None:
    drawn = charts.columns([("07.00", (7,)), ("08.00", (0,))], "label", str, classes=("plain",))
    heights = [float(r.attrib["height"]) for r in ET.fromstring(drawn).iter("rect")]  # noqa: S314

    assert heights == [pytest.approx(102 * 7 / 8, abs=0.05)]
    assert {"0", "2", "4", "6", "8"} <= {t.text for t in ET.fromstring(drawn).iter("text")}  # noqa: S314


def test_a_span_is_pale_until_it_was_taken() -> None:
    span = charts.Span(severity=1, start=0, taken=25, end=100, open=True, label="bentrokan")

    drawn = charts.timeline([span], "label", lambda moment: f"{moment:.0f}", width=116)

    assert rectangles(drawn) == [("s1 waiting", 25.0), ("s1", 75.0)]
    assert "arrow" in drawn


def test_the_map_keeps_north_up_and_the_gravest_on_top() -> None:
    ring = [[109.0, -7.0], [110.0, -7.0], [110.0, -6.0], [109.0, -6.0], [109.0, -7.0]]
    feature = {
        "properties": {"code": "33.26.09", "name": "Kajen"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    areas = areas_of(json.dumps({"features": [feature, {"geometry": {"type": "Point", "coordinates": [1, 2]}}]}))

    drawn = draw(areas, [(-6.5, 109.5)], [Spot(-6.1, 109.5, 1, "utara"), Spot(-6.9, 109.5, 4, "selatan")], "peta")

    circles = [(c.attrib["class"], float(c.attrib["cy"])) for c in ET.fromstring(drawn).iter("circle")]  # noqa: S314
    assert [css for css, _ in circles] == ["spot s4", "spot s1"]
    assert circles[0][1] > circles[1][1]
    assert len(areas) == 1
    assert "Kajen" in drawn


def test_a_map_of_nothing_is_left_out_and_no_geojson_is_refused() -> None:
    assert draw((), (), (), "peta") == ""
    with pytest.raises(ValueError, match="outlines: "):
        areas_of("[]")


# -- words --------------------------------------------------------------------------------------------------------


def test_both_languages_say_the_same_things_with_the_same_parts() -> None:
    tables = _tables()

    def parts(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert tables["id"].keys() == tables["en"].keys()
    assert [w for w in tables["id"] if parts(tables["id"][w]) != parts(tables["en"][w])] == []


def test_every_state_reason_and_family_has_a_word() -> None:
    words = Words("id", ZoneInfo("Asia/Jakarta"))
    named = [
        *(("s", state.value) for state in IncidentState),
        *(("j", reason.value) for reason in RejectReason),
        *(("f", family) for family in builtin_taxonomy().families),
    ]

    assert [name for prefix, name in named if words.named(prefix, name) == name] == []


def test_it_is_known_of_every_reason_whether_a_level_is_called_for_it() -> None:
    otherwise = {R.CHANNEL_FAILED, R.REFUTED, R.STORM_DIGEST, R.DRILL_CALL}
    not_called = {R.SEVERITY_QUEUES, R.SEVERITY_LOGGED, R.SEVERITY_FELL, R.NOBODY_ON_DUTY, R.NO_SUCH_DESK}
    not_called |= {R.NO_CHANNEL, R.EVERY_CHANNEL_FAILED, R.ACCUSED_UNIT, R.ALREADY_PAGED_FOR_CLUSTER}
    not_called |= {R.FOLDED_INTO_DIGEST, R.PAGED_AT_ANOTHER_DESK, R.DECLINED}
    answers = {R.TAKEN, R.TAKEN_WITH_CLUSTER, R.ON_MY_WAY, R.RENEWED, R.SNOOZED, R.ACCEPTED}
    ends = {R.RESOLVED, R.DISMISSED, R.MERGED, R.VERSIONS_RENEWED}

    assert set(R) - PAGED == otherwise | not_called | answers | ends


def test_numbers_and_times_are_written_as_the_reader_does() -> None:
    indonesian, english = (Words(language, ZoneInfo("Asia/Jakarta")) for language in ("id", "en"))

    assert (indonesian.number(64057), english.number(64057)) == ("64.057", "64,057")
    assert [indonesian.long(s) for s in (2.54, 42, 125, 3725, 90000)] == [
        "2,5 dtk",
        "42 dtk",
        "2 mnt 05 dtk",
        "1 j 02 mnt",
        "1 hr 01 j",
    ]
    assert [english.short(s) for s in (0.1, 59.4, 59.6, 105, 3599.8, 7500, 86399, 90000)] == [
        "<1 s",
        "59 s",
        "1:00",
        "1:45",
        "1 h 00",
        "2 h 05",
        "1 d 00",
        "1 d 01",
    ]
    assert indonesian.date(at(0)) == "Senin, 23 Februari 2026, 07.00"


# -- the page -----------------------------------------------------------------------------------------------------


class Nesting(HTMLParser):
    """Finds tags that are not closed, or closed in another order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass


def a_grave(**more: object) -> Grave:
    told = {"reasons": [{"id": "ada korban", "en": "somebody is hurt"}], "outcome": "<b>selesai</b>", **more}
    return Grave(seen(1, called_at=at(1), taken_at=at(1, seconds=105), resolved_at=at(2)), told)


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("edition", list(Edition))
def test_the_page_is_whole_in_itself(language: str, edition: Edition) -> None:
    grave = a_grave()
    html = page(
        language,
        edition,
        graves=(grave,),
        incidents=(grave.seen,),
        climbs=(Climbed(grave.seen, ((1, "opened", at(1)), (4, "deadline_passed", at(1.1))), True, "resolved"),),
        quiet=(Quiet(builders.STATION, "TPS 001", builders.DISTRICT, at(1), at(1.5)),),
        rejected={"invalid": 2},
        heard=5,
        unheard=((builders.STATION, "TPS 001", builders.DISTRICT),),
        checkins=Arrivals(total=9, by_slot={int(at(1).timestamp()): 9}),
    )

    nesting = Nesting(html)
    assert (nesting.open, nesting.wrong) == ([], [])
    assert re.findall(r"https?://|\bsrc=|\bhref=|url\(|@import|<script|<link", html) == []
    assert "&lt;b&gt;selesai&lt;/b&gt;" in html
    assert ("RAHASIA / CONFIDENTIAL" in html) == (edition is Edition.COMMANDER)
    assert "1:45" in text_of(html)


def test_the_confidential_edition_says_so_at_the_head_and_foot_that_every_printed_page_repeats() -> None:
    html = page(edition=Edition.COMMANDER)

    for part in ("thead", "tfoot"):
        found = re.search(f'<table class="sheet"[^>]*>.*?<{part}>(.*?)</{part}>', html, re.DOTALL)
        assert found is not None
        assert "RAHASIA / CONFIDENTIAL" in found[1]


@pytest.mark.parametrize(("broken", "said"), [(None, "Belum ditelusuri"), (0, "utuh"), (2, "RUSAK di 2 tempat")])
def test_the_page_says_whether_the_trail_holds(broken: int | None, said: str) -> None:
    assert said in text_of(page(trail=Trail(3, "ab" * 32, broken)))


def test_a_day_on_which_nothing_happened_says_so() -> None:
    said = text_of(page())

    assert "6 dari 6 TPS terdengar. Tidak ada kejadian." in said
    assert "Tidak ada latihan." in said


def test_what_is_counted_only_is_neither_told_nor_on_the_map() -> None:
    accusing = seen(2, place="TPS rahasia")

    html = page(incidents=(accusing,), counted_only=frozenset({accusing.incident_id}))

    assert "TPS rahasia" not in html
    assert "1 kejadian mengadukan suatu kesatuan" in html


# -- the command --------------------------------------------------------------------------------------------------


def test_a_day_as_the_end_counts_whole_and_times_are_those_of_the_election() -> None:
    assert _period("2026-02-23", "2026-02-23", MADE, "Asia/Jakarta") == Period(
        datetime(2026, 2, 22, 17, tzinfo=UTC), datetime(2026, 2, 23, 17, tzinfo=UTC)
    )
    assert _period(None, None, MADE, "Asia/Jakarta") == Period(MADE - timedelta(hours=7), MADE)
    mixed = _period("2026-02-23T06:00+00:00", "2026-02-23T15:00", MADE, "Asia/Makassar")
    assert mixed.end - mixed.start == timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "end", "said"), [("kemarin", None, "from: "), ("2026-02-24", "2026-02-23", "to: ")]
)
def test_a_wrong_time_is_named_with_its_remedy(start: str, end: str | None, said: str) -> None:
    with pytest.raises(SettingsError, match=f"^{said}"):
        _period(start, end, MADE, "Asia/Jakarta")


def test_where_there_is_no_chromium_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(paper.PaperError, match="install chromium"):
        paper.print_pdf(tmp_path / "laporan.html", tmp_path / "laporan.pdf")
