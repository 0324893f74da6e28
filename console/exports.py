"""Incidents as files for other programs: CSV and GeoJSON. In: rows that were let out already. Out: text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

_COLUMNS: Final = (
    *("incident_id", "version", "severity", "state", "kind", "family", "certainty", "urgency", "district"),
    *("district_name", "station_id", "place", "village", "lat", "lon", "lead_agency", "report_count"),
    *("reporter_count", "cluster_id", "drill", "opened_at", "updated_at", "first_occurred_at", "outcome"),
)


def to_csv(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Comma-separated values with a header, line by line. No cell is a formula to a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in _COLUMNS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    # What begins so is run by spreadsheets; an apostrophe makes it text. Numbers below zero are numbers.
    return f"'{text}" if isinstance(value, str) and text[:1] in "=+-@\t\r" and text else text


def to_geojson(rows: Iterable[Mapping[str, Any]]) -> str:
    """A feature collection (RFC 7946), a point each; what has no place has no geometry."""
    features = [
        {
            "type": "Feature",
            "id": str(row["incident_id"]),
            "geometry": None
            if row.get("lat") is None
            else {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
            "properties": {name: row.get(name) for name in _COLUMNS if name not in ("incident_id", "lat", "lon")},
        }
        for row in rows
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, default=str, ensure_ascii=False)
