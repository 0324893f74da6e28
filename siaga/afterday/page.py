"""The report as one HTML file. Pure.

In: a :class:`Material`, a language, an audience's edition, areas of the map, when it was made. Out: HTML with its
style and drawings inside; nothing in it is fetched from anywhere. Jinja2 escapes whatever stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from siaga import __version__
from siaga.afterday import charts
from siaga.afterday.atlas import Area, Spot, draw
from siaga.afterday.figures import Figures, Response, figures_of
from siaga.afterday.material import Climbed, Grave, Material, Seen
from siaga.afterday.words import Words
from siaga.contracts.escalation import EscalationReason
from siaga.escalation.explain import REASONS
from siaga.redaction import Audience, UserRole

_SEVERITIES: Final = ("s1", "s2", "s3", "s4", "s5")
#: Lines of a table or a chart before the rest is only counted.
_MOST_LINES: Final = 20


class Edition(StrEnum):
    """For whom a report is."""

    #: May be handed to leaders, and on.
    LEADERS = "leaders"
    #: Tells what is confidential, and says so on every page.
    COMMANDER = "commander"
    #: Names officers, tells nothing else that is confidential.
    AUDITOR = "auditor"

    @property
    def audience(self) -> Audience:
        """As whom it looks at things."""
        roles = {Edition.LEADERS: UserRole.VIEWER, Edition.COMMANDER: UserRole.COMMANDER}
        return Audience(roles.get(self, UserRole.AUDITOR))


@dataclass(frozen=True, slots=True)
class Making:
    """How a report is made: its language, its edition, the outlines of its map, and when."""

    language: str
    edition: Edition
    areas: Sequence[Area]
    at: datetime


def page_of(material: Material, making: Making) -> str:
    """The whole page.

    Raises:
        ValueError: the language or the time zone is none.
    """
    zone = ZoneInfo(material.timezone)
    view = _View(material, figures_of(material), making, Words(making.language, zone))
    page: str = _template().render(view.context())
    return page


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((files("siaga.afterday") / "report.html").read_text("utf-8"))


class _View:
    """What the template shows: words and drawings."""

    def __init__(self, material: Material, figures: Figures, making: Making, words: Words) -> None:
        self._m, self._f, self._making, self._w = material, figures, making, words

    def context(self) -> Mapping[str, Any]:
        m, f, w, edition = self._m, self._f, self._w, self._making.edition
        return {
            "w": w,
            "language": w.language,
            "style": Markup((files("siaga.afterday") / "report.css").read_text("utf-8")),  # noqa: S704 (our own file)
            "edition": w(edition.value),
            "edition_note": w(f"{edition.value}_note"),
            "confidential": "RAHASIA / CONFIDENTIAL" if edition is Edition.COMMANDER else "",
            "election": m.election or "",
            "span": w("span", start=w.date(m.period.start), end=w.date(m.period.end), zone=w.zone(m.timezone)),
            "speed": w("speed", speed=f"{m.speed:g}") if m.speed != 1 else "",
            "summary": self._summary(),
            "keys": self._keys(),
            "severity_bar": charts.severity_bar(f.by_severity, w("by_severity"), w.number),
            "severities": [(f"SEV{n}", count) for n, count in enumerate(f.by_severity, 1)],
            "states": [(w.named("s", state), count) for state, count in sorted(f.by_state.items())],
            "families": charts.bars(
                [(w.named("f", line.name), line.by_severity) for line in f.by_family], w("by_family"), w.number
            ),
            "districts": charts.bars(
                [(line.name, line.by_severity) for line in f.by_district[:_MOST_LINES]], w("by_district"), w.number
            ),
            "more_districts": self._more_districts(),
            "by_time": w("by_time", slot=w.slot(m.slot)),
            "incident_columns": self._incident_columns(),
            "checkins_by_time": w("checkins_by_time", slot=w.slot(m.slot)),
            "checkin_columns": self._checkin_columns(),
            "map": self._map(),
            "strip": self._strip(),
            "graves": [self._grave(grave) for grave in m.graves],
            "graves_more": self._graves_more(),
            "withheld": w("withheld", n=len(m.counted_only)) if m.counted_only else "",
            "responses": self._responses(),
            "climbs": [self._climb(climbed) for climbed in m.climbs[:_MOST_LINES]],
            "climbs_none": w("top_none", level=m.top_level),
            "silences": self._silences(),
            "silence_more": self._rest("silence_more", len(f.silences)),
            "unheard": self._unheard(),
            "outages": [self._outage(seen) for seen in f.outages],
            "drills": self._drills(),
            "quality": self._quality(),
            "proof": self._proof(),
        }

    # -- the first page -------------------------------------------------------------------------------------------

    def _summary(self) -> list[str]:
        m, f, w = self._m, self._f, self._w
        grave = sum(f.by_severity[:2])
        still = sum(f.open_by_severity)
        said = [w("summary_stations", heard=m.heard, stations=m.stations)]
        said.append(w("summary_incidents", total=f.total, grave=grave) if f.total else w("summary_none"))
        if f.total:
            said.append(w("summary_open", n=still) if still else w("summary_closed"))
        if f.dead or f.injured:
            said.append(f"{w.people(f.dead, f.injured)}.")
        if f.taken is not None:
            said.append(w("summary_taken", median=w.long(f.taken.median), p90=w.long(f.taken.p90)))
        if f.untaken:
            said.append(w("summary_untaken", n=f.untaken))
        if m.climbs:
            said.append(w("summary_top", n=len(m.climbs)))
        return said

    def _keys(self) -> list[tuple[str, str]]:
        m, f, w = self._m, self._f, self._w
        return [
            (w.number(m.heard), w("k_heard", n=m.stations)),
            (w.number(m.checkins.total), w("k_checkins")),
            (w.number(m.reports.total), w("k_reports")),
            (w.number(f.total), w("k_incidents")),
            (w.number(sum(f.by_severity[:2])), w("k_grave")),
            (w.number(sum(f.open_by_severity)), w("k_open")),
        ]

    def _more_districts(self) -> str:
        rest = self._f.by_district[_MOST_LINES:]
        return self._w("more_districts", n=len(rest), m=sum(line.total for line in rest)) if rest else ""

    def _clock_of(self, at: float) -> str:
        moment = datetime.fromtimestamp(at, UTC)
        return self._w.day_and_clock(moment) if self._m.slot >= 3 * 3600 else self._w.clock(moment)

    def _incident_columns(self) -> Markup:
        slots = [(self._clock_of(at), counts) for at, counts in self._f.by_slot]
        return (
            charts.columns(slots, self._w("by_severity"), self._w.number, classes=_SEVERITIES)
            if self._f.total
            else Markup("")
        )

    def _checkin_columns(self) -> Markup:
        came = self._m.checkins.by_slot
        slots = [(self._clock_of(at), (came.get(at, 0),)) for at, _ in self._f.by_slot]
        return (
            charts.columns(slots, self._w("k_checkins"), self._w.number, classes=("plain",)) if came else Markup("")
        )

    def _map(self) -> Markup:
        spots = [
            Spot(s.lat, s.lon, s.severity, f"SEV{s.severity} {self._kind(s.kind)}, {s.place or s.station_id}")
            for s in self._m.incidents
            if s.lat is not None and s.lon is not None and not s.drill and self._told(s)
        ]
        return draw(self._making.areas, self._m.points, spots, self._w("map"))

    def _told(self, seen: Seen) -> bool:
        """Grave ones that are only counted are no spot on the map either."""
        return seen.incident_id not in self._m.counted_only

    # -- grave incidents ------------------------------------------------------------------------------------------

    def _kind(self, code: str) -> str:
        names = self._m.kinds.get(code)
        return code if names is None else names[0 if self._w.language == "id" else 1]

    def _where(self, seen: Seen) -> str:
        place = seen.place or seen.station_id
        district = self._m.districts.get(seen.district, seen.district)
        return f"{place}, {district}" if place else district

    def _strip(self) -> Markup:
        end = min(self._m.period.end, self._making.at).timestamp()
        spans = []
        for grave in self._m.graves:
            seen = grave.seen
            is_open = seen.state in ("open", "acknowledged")
            over = end if is_open else (seen.resolved_at or seen.opened_at).timestamp()
            spans.append(
                charts.Span(
                    severity=seen.severity,
                    start=seen.opened_at.timestamp(),
                    taken=None if seen.taken_at is None else seen.taken_at.timestamp(),
                    end=max(over, seen.opened_at.timestamp()),
                    open=is_open,
                    label=f"{self._kind(seen.kind)}, {self._m.districts.get(seen.district, seen.district)}",
                )
            )
        return charts.timeline(spans, self._w("graves"), self._clock_of_time)

    def _clock_of_time(self, at: float) -> str:
        return self._w.clock(datetime.fromtimestamp(at, UTC))

    def _grave(self, grave: Grave) -> dict[str, Any]:
        seen, told, w = grave.seen, grave.told, self._w
        called = seen.called_at or seen.opened_at
        open_ = seen.state in ("open", "acknowledged")
        people = [told.get(name) for name in ("acknowledged_by", "assigned_to")]
        reasons = [reason[w.language] for reason in told["reasons"]] if self._making.edition.audience.may_act else []
        return {
            "severity": seen.severity,
            "at": w.clock(seen.opened_at, seconds=True),
            "day": w.day_and_clock(seen.opened_at).partition(" ")[0] if self._days() > 1 else "",
            "kind": _capital(self._kind(seen.kind)),
            "facts": w.people(seen.dead, seen.injured),
            "reports": w("reports_1" if seen.reports == 1 else "reports_n", n=seen.reports),
            "where": self._where(seen),
            "station": seen.station_id or "",
            "taken": w.short(_between(called, seen.taken_at))
            if seen.taken_at
            else w("never" if not open_ else "not_yet"),
            "closed": w.short(_between(seen.opened_at, seen.resolved_at))
            if seen.resolved_at
            else w.named("s", seen.state),
            "people": ", ".join(dict.fromkeys(str(person) for person in people if person)),
            "outcome": told.get("outcome") or "",
            "reasons": "; ".join(reasons),
        }

    def _days(self) -> int:
        """On how many days there were grave incidents."""
        days = (self._w.day_and_clock(grave.seen.opened_at).partition(" ")[0] for grave in self._m.graves)
        return len(set(days))

    def _graves_more(self) -> str:
        told = {grave.seen.incident_id for grave in self._m.graves}
        of = [s for s in self._m.incidents if s.severity <= 2 and not s.drill]
        rest = sum(1 for s in of if s.incident_id not in told and self._told(s))
        return self._w("graves_more", n=rest) if rest else ""

    # -- answers --------------------------------------------------------------------------------------------------

    def _responses(self) -> list[dict[str, Any]]:
        f, w = self._f, self._w
        return [
            {
                "title": w(name),
                "missing": w(f"{name}_missing"),
                "rows": [self._response(response) for response in responses],
            }
            for name, responses in (("sent", f.sent), ("answered", f.answered), ("resolved", f.resolved))
        ]

    def _response(self, response: Response) -> dict[str, Any]:
        spread, long = response.spread, self._w.short
        times = [long(v) for v in (spread.median, spread.p90, spread.worst)] if spread.count else ["–"] * 3
        return {
            "severity": response.severity,
            "agency": self._w.agency(response.agency),
            "count": self._w.number(spread.count),
            "times": times,
            "missing": self._w.number(response.missing) if response.missing else "–",
        }

    def _climb(self, climbed: Climbed) -> dict[str, Any]:
        seen, w = climbed.seen, self._w
        steps = [
            {
                "level": w("level", n=level),
                "at": w.clock(at, seconds=True),
                "why": REASONS[EscalationReason(reason)][0 if w.language == "id" else 1],
            }
            for level, reason, at in climbed.steps
        ]
        return {
            "severity": seen.severity,
            "kind": _capital(self._kind(seen.kind)),
            "where": self._where(seen),
            "steps": steps,
            "exhausted": w("top_exhausted") if climbed.exhausted else "",
            "state": w.named("s", climbed.state),
        }

    # -- silence, drills, data ------------------------------------------------------------------------------------

    def _silences(self) -> list[dict[str, str]]:
        w = self._w
        return [
            {
                "station": silence.station_id,
                "place": silence.place or "",
                "district": self._m.districts.get(silence.district, silence.district),
                "times": w.number(silence.times),
                "long": w.long(silence.seconds),
                "still": w("silence_still") if silence.still else "",
            }
            for silence in self._f.silences[:_MOST_LINES]
        ]

    def _rest(self, word: str, count: int) -> str:
        return self._w(word, n=count - _MOST_LINES) if count > _MOST_LINES else ""

    def _unheard(self) -> str:
        missing = self._m.stations - self._m.heard
        if missing <= 0:
            return ""
        listed = ", ".join(station_id for station_id, _, _ in self._m.unheard)
        among = f" ({self._w('unheard_list', list=listed)})" if missing > len(self._m.unheard) else f": {listed}"
        return self._w("unheard", n=missing) + among

    def _outage(self, seen: Seen) -> str:
        end = self._w("not_yet") if seen.resolved_at is None else self._w.clock(seen.resolved_at)
        district = self._m.districts.get(seen.district, seen.district)
        return self._w("outage", district=district, n=seen.stations, start=self._w.clock(seen.opened_at), end=end)

    def _drills(self) -> list[str]:
        drills, w = self._f.drills, self._w
        if not (drills.incidents or drills.reports or drills.checkins):
            return [w("drills_none")]
        said = [
            w("drills_said", incidents=drills.incidents, reports=drills.reports, checkins=drills.checkins),
        ]
        if drills.taken is not None:
            said.append(w("drills_taken", median=w.long(drills.taken.median), worst=w.long(drills.taken.worst)))
        return [*said, w("drills_note")]

    def _quality(self) -> list[tuple[str, str, str]]:
        """What, among reports, among check-ins."""
        m, w = self._m, self._w

        def both(of: Any) -> tuple[str, str]:
            return w.number(of(m.reports)), w.number(of(m.checkins))

        rows = [
            (
                w("late", t=w.long(bound).removesuffix(f" 00 {w('span_s')}").removesuffix(f" 00 {w('span_m')}")),
                *both(lambda arrivals, bound=bound: arrivals.late.get(bound, 0)),
            )
            for bound in (600, 3600, 21600)
        ]
        rows.append((w("ahead"), *both(lambda arrivals: arrivals.ahead)))
        rows.append((w("skewed"), w.number(m.skewed_incidents), ""))
        rows.append((w("repeated"), w.number(m.repeated), ""))
        if m.rejected is None:
            return rows
        rows += [(w("rejected", reason=w.named("j", reason)), w.number(n), "") for reason, n in m.rejected.items()]
        return rows if m.rejected else [*rows, (w("rejected_none"), "0", "")]

    def _proof(self) -> dict[str, str]:
        m, w = self._m, self._w
        trail = m.trail
        if trail.broken is None:
            verdict = w("trail_unchecked")
        else:
            verdict = w("trail_broken", n=trail.broken) if trail.broken else w("trail_intact")
        return {
            "rows": w("trail_rows", n=trail.rows),
            "hash": trail.hash,
            "verdict": verdict,
            "made": w("made_said", at=w.date(self._making.at), version=__version__, database=m.database),
            "rulesets": ", ".join(m.rulesets) or w("unknown"),
            "policies": ", ".join(m.policies) or w("unknown"),
        }


def _capital(text: str) -> str:
    """With a capital letter, the others as they are."""
    return text[:1].upper() + text[1:]


def _between(earlier: datetime, later: datetime) -> float:
    return max(0.0, (later - earlier).total_seconds())
