"""Makes the report: reads, draws, and gives the HTML. Knows the database and the settings' files; no clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from siaga.afterday.atlas import Area, areas_of
from siaga.afterday.material import Period
from siaga.afterday.page import Edition, Making, page_of
from siaga.afterday.read import read_material
from siaga.redaction import Audience
from siaga.settings import SettingsError


def make_report(
    connection: sa.Connection,
    period: Period,
    *,
    edition: Edition,
    audience: Audience | None = None,
    language: str,
    outlines: Path | None,
    at: datetime,
    broken: int | None = None,
) -> str:
    """The report of ``period`` as one HTML file.

    Args:
        connection: to a database with Siaga's tables.
        period: what it is about.
        edition: for whom it is.
        audience: who of them, where their unit or districts narrow what they see.
        language: ``id`` or ``en``.
        outlines: GeoJSON file that the map is drawn on, where there is one.
        at: when it is made.
        broken: at how many places the audit trail does not hold; ``None`` where nobody went along it.

    Raises:
        SettingsError: the outlines cannot be read.
        ValueError: there is no such language.
    """
    areas = _areas(outlines)
    material = read_material(connection, period, audience or edition.audience, broken=broken)
    return page_of(material, Making(language=language, edition=edition, areas=areas, at=at))


def _areas(outlines: Path | None) -> Sequence[Area]:
    if outlines is None:
        return ()
    try:
        return areas_of(outlines.read_text("utf-8"))
    except (OSError, ValueError, TypeError, IndexError, AttributeError):
        raise SettingsError(
            f"outlines: {outlines} is no GeoJSON of areas that can be read; correct SIAGA_OUTLINES or unset it"
        ) from None
