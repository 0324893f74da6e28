"""The small types every part speaks: codes, severity, certainty and what is confidential."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated, Any, Final, Generic, NewType, TypeVar

from pydantic import StringConstraints

T = TypeVar("T")

DISTRICT_PATTERN: Final = r"^\d{2}\.\d{2}\.\d{2}$"
VILLAGE_PATTERN: Final = r"^\d{2}\.\d{2}\.\d{2}\.\d{4}$"
STATION_PATTERN: Final = r"^\d{2}\.\d{2}\.\d{2}\.\d{4}-\d{3}$"

#: Kemendagri code of a district (kecamatan): the unit of a Polsek and the key of every record.
DistrictCode = NewType("DistrictCode", str)
#: Kemendagri village code, ``-`` and the polling station's number: ``33.26.08.2001-003``.
StationId = NewType("StationId", str)

DistrictField = Annotated[str, StringConstraints(pattern=DISTRICT_PATTERN)]
StationField = Annotated[str, StringConstraints(pattern=STATION_PATTERN)]


def district_of(station_id: str) -> DistrictCode:
    """The district (kecamatan) a station stands in; the number's contract has been looked at before."""
    return DistrictCode(station_id[:8])


def village_of(station_id: str) -> str:
    """The 13-character Kemendagri village code of a station."""
    return station_id[:13]


class Severity(IntEnum):
    """How grave an incident is; smaller is graver. The words are CAP 1.2's."""

    SEV1 = 1
    SEV2 = 2
    SEV3 = 3
    SEV4 = 4
    SEV5 = 5

    @property
    def cap(self) -> str:
        """The same level in the Common Alerting Protocol 1.2 (``severity``)."""
        return ("Extreme", "Severe", "Moderate", "Minor", "Unknown")[self - 1]


class Certainty(StrEnum):
    """How sure we are (CAP 1.2 ``certainty``)."""

    OBSERVED = "observed"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"


class Urgency(StrEnum):
    """How soon somebody must act (CAP 1.2 ``urgency``)."""

    IMMEDIATE = "immediate"
    EXPECTED = "expected"
    FUTURE = "future"
    PAST = "past"


class Vulnerability(StrEnum):
    """A station's class in the security plan. CONFIDENTIAL wherever it appears."""

    AMAN = "aman"
    KURANG_RAWAN = "kurang_rawan"
    RAWAN = "rawan"
    SANGAT_RAWAN = "sangat_rawan"


class Stage(StrEnum):
    """A stage (tahapan) of the election."""

    NOMINATION = "nomination"
    CAMPAIGN = "campaign"
    QUIET = "quiet"
    VOTING = "voting"
    COUNTING = "counting"
    DISPUTE = "dispute"
    INAUGURATION = "inauguration"


class Confidential(Generic[T]):
    """A value that must not reach a log, a metric or a page by accident.

    Formatting one shows only that something is hidden; call :meth:`reveal` where the need to know is decided.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """The value itself, for the module that decides who may see it."""
        return self._value

    def __repr__(self) -> str:
        return "<confidential>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "<confidential>"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Confidential) and bool(self._value == other._value)

    def __hash__(self) -> int:
        return hash(("Confidential", self._value))

    def __reduce__(self) -> Any:
        raise TypeError("a confidential value cannot be pickled")
