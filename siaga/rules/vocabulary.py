"""The words a condition may use: every CEL variable, its values and its meaning, in one table.

:func:`bind` gives them their values for one decision; ``siaga rules check`` and the reference read the same table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from siaga.rules.subject import WEAPONS, Features
from siaga.rules.taxonomy import Kind
from siaga.types import Stage, Vulnerability


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision depends on besides the reports. ``vulnerability`` is CONFIDENTIAL and hidden in the ``repr``.

    ``speed`` is how many times faster than the real day the election runs (a demo): durations are divided by it.
    """

    stage: str | None = "voting"
    vulnerability: str = field(default="aman", repr=False)
    clustered: bool = False
    verified: bool = False
    refuted: bool = False
    outage: bool = False
    speed: float = 1.0


class Type(Enum):
    """What a variable holds, in CEL's words."""

    BOOL = "bool"
    INT = "int"
    STRING = "string"
    LIST = "list(string)"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the conditions. ``values`` are all it can hold, where they are few."""

    name: str
    type: Type
    en: str
    values: tuple[str, ...] = ()
    confidential: bool = False


_ALL: Final = (
    Variable("kind", Type.STRING, "the gravest kind reported, such as `violence.brawl`"),
    Variable("family", Type.STRING, "the family of that kind, such as `violence`"),
    Variable("kinds", Type.LIST, "every kind reported"),
    Variable("families", Type.LIST, "every family reported (one, unless incidents were merged)"),
    Variable("dead", Type.INT, "most dead that any report says; unknown is 0"),
    Variable("injured", Type.INT, "most injured that any report says; unknown is 0"),
    Variable("crowd", Type.INT, "largest crowd that any report says; unknown is 0"),
    Variable("weapons", Type.STRING, "gravest weapon seen; unknown is `none`", WEAPONS),
    Variable("ballots_threatened", Type.BOOL, "a report says that the ballots or the box are threatened"),
    Variable("voting_stopped", Type.BOOL, "a report says that voting has stopped"),
    Variable("accused", Type.BOOL, "a report accuses a unit of an agency"),
    Variable("reporters", Type.INT, "independent reporters: the same person, device or forwarded text counts once"),
    Variable("officer", Type.BOOL, "an officer is among the reporters"),
    Variable("public_only", Type.BOOL, "every reporter is of the general public"),
    Variable("skewed", Type.BOOL, "a report came from a device whose clock runs ahead"),
    Variable(
        "late_minutes",
        Type.INT,
        "minutes between happening and acceptance of the report that came soonest, rounded up, election's clock",
    ),
    Variable("stage", Type.STRING, "stage of the election; empty where there is none", ("", *map(str, Stage))),
    Variable("vulnerability", Type.STRING, "class of the station", tuple(map(str, Vulnerability)), confidential=True),
    Variable("clustered", Type.BOOL, "part of a spread cluster"),
    Variable("verified", Type.BOOL, "a named officer has verified it"),
    Variable("refuted", Type.BOOL, "a named officer has refuted it"),
    Variable("outage", Type.BOOL, "it is the outage of a whole district"),
    Variable("severity", Type.INT, "the severity decided, 1 to 5; only for rules that set certainty or urgency"),
)

#: Every variable by name.
VARIABLES: Final[dict[str, Variable]] = {variable.name: variable for variable in _ALL}
#: The one that is known only after the severity is decided.
SEVERITY: Final = "severity"
#: Functions and macros of CEL that a condition may call; operators are always there.
FUNCTIONS: Final = frozenset({"size", "contains", "startsWith", "endsWith", "matches", "int", "double", "string"})

# A thousandth of a minute: what rounding adds to a difference of epoch seconds must not make six hours more than six.
_ROUNDING: Final = 1e-3


def late_minutes(lateness: float, speed: float) -> int:
    """``lateness`` (seconds) in whole minutes of the election's clock, rounded up, so that ``> 360`` is exact."""
    return math.ceil(lateness * speed / 60.0 - _ROUNDING) if lateness > 0.0 else 0


def bind(features: Features, late: int, context: Context, kind: Kind) -> dict[str, Any]:
    """The value of every variable but ``severity``. ``kind`` is the gravest of the subject's."""
    kinds = features.kinds
    return {
        "kind": kind.code,
        "family": kind.family,
        "kinds": list(kinds),
        "families": list(dict.fromkeys(code.partition(".")[0] for code in kinds)),
        "dead": features.dead,
        "injured": features.injured,
        "crowd": features.crowd,
        "weapons": features.weapons,
        "ballots_threatened": features.ballots_threatened,
        "voting_stopped": features.voting_stopped,
        "accused": features.accused,
        "reporters": features.reporters,
        "officer": features.officer,
        "public_only": features.public_only,
        "skewed": features.skewed,
        "late_minutes": late,
        "stage": context.stage or "",
        "vulnerability": context.vulnerability,
        "clustered": context.clustered,
        "verified": context.verified,
        "refuted": context.refuted,
        "outage": context.outage,
    }


#: A quiet report of one member of the public: where ``siaga rules check`` starts from.
NEUTRAL: Final = Features(("other.other",), 0, 0, 0, "none", False, False, False, 1, False, True, False, 0.0)
