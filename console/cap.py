"""An incident as an alert of the Common Alerting Protocol 1.2 (OASIS, 1 July 2010).

In: an incident, its place and the names of its kind. Out: XML. An alert travels on to whoever is given it, so that it
says no more than a viewer may see: no free text, no people, no confidential reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from xml.etree import ElementTree as Xml

from siaga.contracts.incident import IncidentState
from siaga.redaction import Audience, UserRole, reasons
from siaga.rules.taxonomy import Taxonomy
from siaga.types import Severity, village_of

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
_SENDER: Final = "siaga"
_READER: Final = Audience(UserRole.VIEWER)
_CATEGORIES: Final = {
    "violence": "Security",
    "intimidation": "Security",
    "order": "Security",
    "integrity": "Security",
    "security": "Security",
    "health": "Health",
    "hazard": "Met",
    "facility": "Infra",
}
_RESTRICTION: Final = "Untuk petugas pengamanan pemilihan / For election security staff only"
#: How far round a station the alert reaches, in kilometres; a district has no outline here.
_RADIUS_KM: Final = {True: 0.5, False: 5.0}


def alert(row: Mapping[str, Any], card: Mapping[str, Any], taxonomy: Taxonomy) -> bytes:
    """The alert of an incident.

    Args:
        row: the incident as its last snapshot has it.
        card: the same as the queue shows it: names and position of its place.
        taxonomy: what its kind is called.
    """
    first = _time(row["opened_at"])
    over = not IncidentState(row["state"]).is_open
    root = Xml.Element("alert", xmlns=NAMESPACE)
    _add(root, "identifier", f"{row['incident_id']}.{row['version']}")
    _add(root, "sender", _SENDER)
    _add(root, "sent", first if row["version"] == 1 else _time(row["updated_at"]))
    _add(root, "status", "Exercise" if row["drill"] else "Actual")
    cancelled = row["state"] in (IncidentState.DISMISSED, IncidentState.MERGED)
    _add(root, "msgType", "Alert" if row["version"] == 1 else "Cancel" if cancelled else "Update")
    _add(root, "scope", "Restricted")
    _add(root, "restriction", _RESTRICTION)
    if row["version"] > 1:
        _add(root, "references", f"{_SENDER},{row['incident_id']}.1,{first}")
    _add(root, "incidents", str(row["incident_id"]))
    for language in ("id-ID", "en-US"):
        _info(root, row, card, taxonomy, language=language, over=over)
    text: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _info(
    root: Xml.Element,
    row: Mapping[str, Any],
    card: Mapping[str, Any],
    taxonomy: Taxonomy,
    *,
    language: str,
    over: bool,
) -> None:
    indonesian = language == "id-ID"
    kind = taxonomy.get(row["kind"])
    event = row["kind"] if kind is None else kind.id if indonesian else kind.en
    info = Xml.SubElement(root, "info")
    _add(info, "language", language)
    _add(info, "category", _CATEGORIES.get(row["family"], "Other"))
    _add(info, "event", event)
    _add(info, "urgency", "Past" if over else str(row["urgency"]).capitalize())
    _add(info, "severity", Severity(row["severity"]).cap)
    _add(info, "certainty", str(row["certainty"]).capitalize())
    code = Xml.SubElement(info, "eventCode")
    _add(code, "valueName", "siaga")
    _add(code, "value", row["kind"])
    _add(info, "onset", _time(row["first_occurred_at"]))
    _add(info, "senderName", "Siaga")
    where = ", ".join(str(part) for part in (card["place"], card["village"], card["district_name"]) if part)
    _add(info, "headline", f"SEV{int(row['severity'])}: {event}, {where}"[:160])
    why = [reason["id" if indonesian else "en"] for reason in reasons(_READER, row.get("reasons") or ())]
    if why:
        _add(info, "description", "; ".join(why))
    area = Xml.SubElement(info, "area")
    _add(area, "areaDesc", where)
    if card["lat"] is not None:
        radius = _RADIUS_KM[row["station_id"] is not None]
        _add(area, "circle", f"{card['lat']:.5f},{card['lon']:.5f} {radius:g}")
    geocode = Xml.SubElement(area, "geocode")
    _add(geocode, "valueName", "kemendagri")
    _add(geocode, "value", village_of(row["station_id"]) if row["station_id"] else row["district"])


def _add(parent: Xml.Element, name: str, text: str) -> None:
    Xml.SubElement(parent, name).text = text


def _time(at: Any) -> str:
    """A time as CAP has it: to the second, with a numeric offset (``Z`` is not allowed)."""
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return moment.replace(microsecond=0).isoformat().replace("Z", "+00:00")
