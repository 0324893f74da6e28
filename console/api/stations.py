"""Polling stations and the outlines they are drawn on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import StringConstraints

from console.access import CoreOf, SignedIn
from console.api.overviews import StationOut, StationPage
from console.openapi import GEOJSON, refusals, text
from console.queries import all_stations
from siaga import redaction
from siaga.types import DISTRICT_PATTERN, STATION_PATTERN

router = APIRouter(tags=["stations"])

_LARGEST: Final = 5_000

Codes = Annotated[
    list[Annotated[str, StringConstraints(pattern=DISTRICT_PATTERN)]],
    Query(description="Kemendagri codes of districts, such as `33.26.08`; repeatable, all by default"),
]


@router.get(
    "/api/stations",
    response_model_exclude_unset=True,
    response_description="A page of stations",
    responses=refusals(401, 422, 503),
)
def list_stations(
    caller: SignedIn,
    core: CoreOf,
    district: Codes = [],  # noqa: B006
    cursor: Annotated[str | None, Query(pattern=STATION_PATTERN, description="`next` of the answer before")] = None,
    limit: Annotated[int, Query(ge=1, le=_LARGEST, description="Stations in one answer")] = 1_000,
) -> StationPage:
    """Stations that concern the caller, by number."""
    seen_at = core.feed.board.vitals.seen

    def seen() -> Any:
        with core.database.read.connect() as connection:
            for row in all_stations(connection, district, cursor):
                shown = redaction.station(caller.audience, row)
                if shown is not None:
                    at = seen_at.get(row["station_id"])
                    yield {**shown, "last_seen_at": None if at is None else datetime.fromtimestamp(at, UTC)}

    page = list(islice(seen(), limit + 1))
    more = len(page) > limit
    stations = [StationOut.model_validate(station) for station in page[:limit]]
    return StationPage(stations=stations, next=stations[-1].station_id if more else None)


@router.get(
    "/api/outlines",
    response_class=Response,
    responses={200: text(GEOJSON, "A feature collection (RFC 7946)"), **refusals(401, 503)},
)
def get_outlines(caller: SignedIn, core: CoreOf) -> Response:
    """The areas to draw under a map, as GeoJSON. As they stand in the file of the setting `outlines`; none
    where it is not set."""
    path = core.settings.outlines
    text = path.read_text("utf-8") if path is not None and path.is_file() else ""
    try:
        json.loads(text)
    except ValueError:
        text = '{"type": "FeatureCollection", "features": []}'
    return Response(text, media_type="application/geo+json")
